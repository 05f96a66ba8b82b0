"""The policy that a command works by: the file of its settings, or one sentence about the mistake in it.

What a policy is, is agents/policy.py; `bellwether policy` itself is control.py.
"""

from __future__ import annotations

from agents.policy import Policy
from agents.policy_text import PolicyError, load_policy
from streams.errors import Refused
from streams.settings import Settings, policy_text


def policy_in(text: str, source: object) -> Policy:
    """The policy that a text is. Raises Refused, with its source and the mistake, where it is none."""
    try:
        return load_policy(text)
    except PolicyError as error:
        raise Refused(f"{source}: {error}") from error


def policy_of(config: Settings) -> tuple[Policy, str]:
    """The policy of the settings, and its text. Raises Refused as policy_in(), and where the file can not be read."""
    text = policy_text(config)
    return policy_in(text, config.policy or "the shipped policy"), text
