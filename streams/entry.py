"""The door of the command: Ctrl-C is answered from here on, while everything heavier is still being imported.

No command and no option is here (streams/cli.py), and nothing is imported that takes time.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def _stop(number: int, frame: FrameType | None) -> None:
    """Ends at once: a KeyboardInterrupt in the middle of an import is lost in a C extension, or told with its stack."""
    os.write(2, b"stopped\n")
    os._exit(_INTERRUPTED)


def main() -> None:
    """The entry point. Where SIGINT is ignored, as in a script's background, it stays so."""
    answers = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if answers:
        signal.signal(signal.SIGINT, _stop)
    from streams.cli import main as run

    try:
        run()
    finally:
        if answers:
            signal.signal(signal.SIGINT, _stop)  # the interpreter's own end would tell its stack as well


def by_exception() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, for a command has begun that may have something to undo."""
    if signal.getsignal(signal.SIGINT) is _stop:
        signal.signal(signal.SIGINT, signal.default_int_handler)
