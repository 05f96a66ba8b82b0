"""The door of the command: Ctrl-C is answered from here on, while everything heavier is still being imported.

No command and no option is here (streams/cli.py), and nothing is imported that takes time.
"""

from __future__ import annotations

import signal

from streams.interrupts import at_once


def main() -> None:
    """The entry point. Where SIGINT is ignored, as in a script's background, it stays so."""
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if answers:
        signal.signal(signal.SIGINT, at_once)
    from streams.cli import main as run

    try:
        run()
    finally:
        if answers:
            signal.signal(signal.SIGINT, at_once)  # the interpreter's own end would tell its stack as well
