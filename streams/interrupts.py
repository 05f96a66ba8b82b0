"""What Ctrl-C does: an end at once while the command is being imported, an exception once it has begun.

Signals alone: no command is here, and nothing is imported that takes time.
"""

from __future__ import annotations

import os
import signal
from types import FrameType

_INTERRUPTED = 130  # 128 + SIGINT, as shells have it


def at_once(number: int, frame: FrameType | None) -> None:
    """Ends at once: a KeyboardInterrupt in the middle of an import is lost in a C extension, or told with its stack."""
    os.write(2, b"stopped\n")
    os._exit(_INTERRUPTED)


def by_exception() -> None:
    """From now on Ctrl-C is a KeyboardInterrupt, for a command has begun that may have something to undo."""
    if signal.getsignal(signal.SIGINT) is at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
