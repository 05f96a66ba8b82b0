"""`python -m streams` is the command `bellwether`, with the interpreter that runs. Nothing else is here."""

from streams.entry import main

main()
