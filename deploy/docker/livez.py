"""The health check of the image: asks each PORT/PATH on this machine; exit code 1 names those that do not answer 200.

Stands alone on Python's standard library: it runs every few seconds beside the workers.
"""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Sequence

# A proxy of the machine's settings is not asked for what answers on this machine.
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def ails(address: str, seconds: float = 4.0) -> str | None:
    """What is wrong at PORT/PATH; None when it answers 200."""
    try:
        with _DIRECT.open(f"http://127.0.0.1:{address}", timeout=seconds) as answer:
            return None if answer.status == 200 else f"{address}: {answer.status}"
    except urllib.error.HTTPError as error:
        return f"{address}: {error.code} {error.read(200).decode(errors='replace').strip()}"
    except OSError as error:
        return f"{address}: {error}"


def main(addresses: Sequence[str]) -> int:
    """0 when all are well. Without an address 2: a check that asks nothing would be none."""
    if not addresses:
        print("usage: livez.py PORT/PATH…", file=sys.stderr)
        return 2
    found = [ill for ill in map(ails, addresses) if ill]
    print("; ".join(found) or "well")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
