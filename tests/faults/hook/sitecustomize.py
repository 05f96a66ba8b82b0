"""Python runs this at its start where this directory is on PYTHONPATH: so workers of the harness die as told."""

import os

if os.environ.get("FAULTS"):
    from tests.faults import deaths

    deaths.install()
