"""Times `bellwether import` on a ledger of a million rows: rows a second, and the most memory it held.

    python tests/bench/bench_import.py [ROWS]

The import is one process and, but for librdkafka, one thread; where others share the machine the seconds of the core
say more than those of the clock. Memory is the peak resident set, Python and its libraries included.
"""

from __future__ import annotations

import datetime as dt
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

_CHILD = """
import resource, sys
from streams.cli import main
try:
    main()
finally:
    used = resource.getrusage(resource.RUSAGE_SELF)
    print("used", used.ru_maxrss // 1024, round(used.ru_utime + used.ru_stime, 1), file=sys.stderr)
"""


def write_ledger(path: Path, rows: int, seed: int = 1) -> None:
    """Invoices of one customer in fifty over four years, one in twenty open, one in a thousand bad."""
    rng = random.Random(seed)
    first = dt.date(2021, 1, 1)
    with path.open("w") as file:
        file.write(
            "Customer No,Customer Name,Invoice No,Invoice Date,Due Date,Amount,Disputed,Settled Date\n"
        )
        for number in range(rows):
            customer = rng.randrange(rows // 50 + 1)
            issued = first + dt.timedelta(rng.randrange(1_460))
            due = issued + dt.timedelta(30)
            settled = due + dt.timedelta(rng.randrange(-20, 40))
            cells = [
                f"{customer:07d}",
                f"Customer {customer}",
                str(10_000_000 + number),
                f"{issued:%m/%d/%Y}",
                f"{due:%m/%d/%Y}" if rng.random() > 0.001 else "soon",
                f'"{rng.randrange(100, 100_000_000) / 100:,.2f}"',
                "Yes" if rng.random() < 0.1 else "No",
                f"{settled:%m/%d/%Y}" if rng.random() > 0.05 else "",
            ]
            file.write(",".join(cells) + "\n")


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        ledger, events = Path(folder) / "ledger.csv", Path(folder) / "events.jsonl"
        write_ledger(ledger, rows)
        for to in (["--dry-run"], ["--to", str(events)]):
            began = time.monotonic()
            command = [sys.executable, "-c", _CHILD, "import", str(ledger), *to]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            seconds = time.monotonic() - began
            peak, cpu = done.stderr.rpartition("used ")[2].split()
            print(
                f"{rows:,} rows, {to[0]}: {seconds:.1f} s ({cpu} s of one core), {rows / seconds:,.0f} rows/s, "
                f"at most {peak} MB"
            )


if __name__ == "__main__":
    main()
