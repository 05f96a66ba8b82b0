"""The door of the command: Ctrl-C is answered from here on, while everything heavier is still being imported, and what it was
started without of stdin, stdout and stderr is there.

No command and no option is here (streams/cli.py), and nothing is imported that takes time.
"""

from __future__ import annotations

import os
import signal
import sys

from streams.interrupts import at_once


def _stand_ins() -> None:
    """What was closed before us (`2>&-`) goes nowhere. Left so, the next file or connection gets its number, and with it what
    libraries write to stderr."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(number, True)
    os.close(number)
    for name, mode, number in (("stdin", "r", 0), ("stdout", "w", 1), ("stderr", "w", 2)):
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115 (as the interpreter's)


def main() -> None:
    """The entry point. Where SIGINT is ignored, as in a script's background, it stays so."""
    _stand_ins()
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if answers:
        signal.signal(signal.SIGINT, at_once)
    from streams.cli import main as run

    try:
        run()
    finally:
        if answers:
            signal.signal(signal.SIGINT, at_once)  # the interpreter's own end would tell its stack as well
