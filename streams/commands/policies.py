"""The policy that a command works by: the file of its settings, or one sentence about the mistake in it.

What a policy is, is agents/policy.py; `bellwether policy` itself is control.py.
"""

from __future__ import annotations

from agents.policy import Policy
from agents.policy_text import PolicyError, load_policy
from streams.errors import Refused
from streams.settings import Settings, policy_text


def policy_of(config: Settings) -> tuple[Policy, str]:
    """The policy of the settings, and its text. Raises Refused, with the file and the mistake, where it is none."""
    text = policy_text(config)
    try:
        return load_policy(text), text
    except PolicyError as error:
        raise Refused(f"{config.policy or 'the shipped policy'}: {error}") from error
