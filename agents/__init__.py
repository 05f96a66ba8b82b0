"""What decides: pure functions over events and account states.

No Kafka, no wall clock, no I/O, no randomness. Imports `schemas` and the standard library only (plus orjson and pydantic).
"""
