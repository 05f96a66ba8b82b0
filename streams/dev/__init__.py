"""The dev services: a real Kafka and the real ClickHouse engine as children of a command, on loopback.

Nothing here runs in production; what speaks to the services speaks to a cluster and a server in the same way.
"""
