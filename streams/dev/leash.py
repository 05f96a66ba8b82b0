"""Ties a child to the life of its parent: runs as a program of its own, before the child's.

On Linux the kernel sends SIGTERM to the child when its parent dies, by whatever signal, and this program is replaced
by the child (same pid). Elsewhere it stays between the two and ends the child when the pipe on its standard input,
whose other end only the parent holds, is closed.
"""

import os
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
GRACE = 10.0  # seconds from SIGTERM to SIGKILL, where this program stays between parent and child


def main(arguments: list[str]) -> int:
    """`kernel|pipe PARENT_PID PROGRAM ARGUMENT…`; returns the child's exit code, or never (kernel)."""
    way, parent, *command = arguments
    if way == "kernel":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != int(parent):  # it died before the kernel was told
            return 1
        os.execvp(command[0], command)  # noqa: S606 (no shell is wanted)
    import threading

    # An own session, so that only this program decides when the child is told to end. What it was given stays open.
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True, close_fds=False)

    def end(*_: object) -> None:
        child.terminate()
        threading.Thread(target=kill_late, daemon=True).start()

    def kill_late() -> None:
        try:
            child.wait(GRACE)
        except subprocess.TimeoutExpired:
            child.kill()

    def watch() -> None:
        while os.read(0, 1024):
            pass
        end()

    signal.signal(signal.SIGTERM, end)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=watch, daemon=True).start()
    code = child.wait()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
