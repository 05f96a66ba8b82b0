"""What one journal partition knows beside its accounts: the policy in force, the clock, the rates, the book's totals.

Control events change it (agents/monitor.py); its pieces are kept under the account id "", which no account can have.
"""

from __future__ import annotations

from collections.abc import Mapping

import orjson

from agents.policy import Policy
from agents.policy_text import load_policy
from agents.rates import Rates
from agents.view import BookTotals
from schemas.money import minor

_VERSION = 1
_POLICY_VERSION = 2  # 1 knew nothing of a live_from that came with the adoption


class Book:
    """Mutable, one a journal partition. `day` is the last day whose tick is complete, None before the first."""

    __slots__ = (
        "accounts",
        "adopted",
        "book_accounts",
        "book_as_of",
        "book_exposure",
        "changed",
        "day",
        "exposure",
        "given",
        "live_from",
        "policy",
        "policy_hash",
        "policy_text",
        "rates",
        "sweep",
    )

    def __init__(self) -> None:
        self.policy: Policy | None = None
        self.policy_text = ""
        self.policy_hash = ""
        self.live_from: int | None = None  # as the adoption said it, in place of the policy's own
        self.rates = Rates("USD", {})
        # The same in the base currency that they came in: stated in another one, days without a rate of it are lost, and
        # a policy that is taken back would not bring them again.
        self.given = self.rates
        self.day: int | None = None
        # Every account is looked at, not just those with something due, at the tick after a policy and at live_from's:
        # the id of the last one done so, or None while no sweep is under way.
        self.sweep: str | None = None
        self.exposure = 0  # of this partition, base currency's minor units, each account as last counted
        self.accounts = 0  # of this partition with an exposure
        self.book_exposure: str | None = None  # of the whole book at the tick before, as the tick carried it
        self.book_accounts: int | None = None
        self.book_as_of: int | None = None
        self.adopted = False  # the policy changed since the last dump
        self.changed = False

    def adopt(self, text: str, policy_hash: str, live_from: int | None = None) -> bool:
        """Put a policy in force; False when it is in force already. `live_from` goes before the policy's own.

        Raises PolicyError.
        """
        if (policy_hash, live_from) == (self.policy_hash, self.live_from):
            return False
        policy = load_policy(text)
        if live_from is not None:
            policy = policy.going_live(live_from)
        if self.policy is not None and self.policy.base_currency != policy.base_currency:
            self.book_exposure = self.book_accounts = self.book_as_of = None  # in the currency of before
        self._restate(policy)
        self.policy, self.policy_text, self.policy_hash, self.live_from = policy, text, policy_hash, live_from
        self.sweep = ""
        self.adopted = self.changed = True
        return True

    def _restate(self, policy: Policy | None) -> None:
        base, dated = (policy.base_currency, policy.rates) if policy else ("USD", {})
        self.rates = self.given.rebased(base, dated)
        if base == self.given.base or self.given.empty:
            self.given = self.rates

    def add_rates(self, day: int, rates: Mapping[str, str]) -> None:
        """The rates of a day (a date ordinal), in the base currency of the policy in force. Raises ValueError for a rate
        that is not a positive decimal."""
        self.given = self.rates
        self.rates.add(day, rates)

    @property
    def totals(self) -> BookTotals | None:
        """The whole book as the last tick carried it: one day old, and it says so. None where no tick did, and where its
        decimals are those of another base currency than the policy's."""
        if self.policy is None or self.book_exposure is None or self.book_accounts is None:
            return None
        try:
            exposure = minor(self.book_exposure, self.policy.base_currency)
        except ValueError:
            return None
        return BookTotals(exposure, self.book_accounts, self.book_as_of)

    def dump(self) -> dict[str, bytes]:
        """The pieces that changed since the last dump."""
        out: dict[str, bytes] = {}
        if self.adopted:
            out["policy"] = orjson.dumps(
                [_POLICY_VERSION, self.policy_hash, self.policy_text, self.live_from]
            )
        if self.changed:
            out["book"] = orjson.dumps(
                [
                    _VERSION,
                    self.day,
                    self.sweep,
                    str(self.exposure),
                    self.accounts,
                    self.book_exposure,
                    self.book_accounts,
                    self.book_as_of,
                    self.given.dump(),
                ]
            )
        self.adopted = self.changed = False
        return out

    @classmethod
    def load(cls, pieces: Mapping[str, bytes]) -> Book:
        """A book from its pieces; an empty one from none. Raises ValueError for a version that is not read."""
        book = cls()
        if "policy" in pieces:
            version, policy_hash, text, *live_from = orjson.loads(pieces["policy"])
            if version not in (1, _POLICY_VERSION):
                raise ValueError(
                    f"policy of version {version}: this engine reads versions 1 to {_POLICY_VERSION}"
                )
            book.adopt(text, policy_hash, *live_from)
            book.adopted = False
        if "book" in pieces:
            version, day, sweep, exposure, accounts, *totals, rates = orjson.loads(pieces["book"])
            _read(version)
            book.day, book.sweep, book.exposure, book.accounts = day, sweep, int(exposure), accounts
            book.book_exposure, book.book_accounts, book.book_as_of = totals
            book.given = Rates.load(rates)
            book._restate(book.policy)
        book.changed = False
        return book


def _read(version: int) -> None:
    if version != _VERSION:
        raise ValueError(f"book of version {version}: this engine reads version {_VERSION}")
