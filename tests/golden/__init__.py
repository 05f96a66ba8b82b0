"""Stories told in events, with the answers worked out by hand from the domain's text."""
