"""The store: journal and committed outputs in ClickHouse, exactly as Kafka has them, for people and dashboards.

client.py connects, migrate.py makes the tables and retention.py says how long they keep rows; columns.py and rows.py turn
records into columns (arrow.py the same for blocks beyond doubt, faster), sink.py writes them, unit.py is the commit unit,
app.py the Faust app, queries.py what other commands read; held.py and derived.py hold what is there against the topics.
"""
