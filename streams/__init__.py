"""How it flows: Faust apps, their transport, the commit unit, the store, feeds, the command line."""
