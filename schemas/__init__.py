"""What flows: the events, the outputs, the table of topics. Imports nothing of ours."""
