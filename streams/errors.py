"""The two ways a process of ours ends on purpose: refused input, and a worker that can not go on."""

from __future__ import annotations


class Refused(Exception):
    """Input, settings or surroundings that we can not work with: one sentence that names what, where and how to mend it.

    The command line prints it without a stack trace and exits 1.
    """


class Fatal(Exception):
    """This process can not go on (fenced, stalled, a broker gone for good): exit 1, let its supervisor start another."""
