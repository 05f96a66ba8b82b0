"""`python -m tests.metrics` writes deploy/prometheus/METRICS.md anew, from the table in streams/metrics.py. No tests."""

from __future__ import annotations

from streams.metrics import table
from streams.settings import deploy_dir

HEAD = """# Metrics

Made from the table in `streams/metrics.py` by `python -m tests.metrics`; a test holds the two against each other. Seconds and
bytes; no account is a label. `lane` is `live`, `history` (a backfill) or `control` (ticks and policies). Counters count what
was committed. Latencies are read from at most 32 records of a block, each standing for those that follow it.

"""

if __name__ == "__main__":
    (deploy_dir() / "prometheus" / "METRICS.md").write_text(HEAD + table(), encoding="utf-8")
