"""What a rule may read of one account, the View, and what it answers: Firing and Evidence.

No rule and no level is here: the rules are agents/rules_paying.py, rules_exposure.py and rules_outside.py.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from agents.balances import owes_unvalued
from agents.figures import Figures
from agents.ledger import Ledger
from agents.policy import Policy
from agents.rates import Rates
from agents.signals import Distress, Signals
from schemas.money import text

NOTHING_KEPT: Final[Mapping[str, float]] = {}
"""View.kept where no open alert has kept a figure."""


class BookTotals(NamedTuple):
    """The whole book at the previous tick, whose day is `as_of`; exposure in minor units of the base currency."""

    exposure: int
    accounts: int
    as_of: int | None = None


class View:
    """All that a rule may read of one account as of `today`. Made anew for each evaluation.

    `figures` may be given as what measures them: they are then measured when first asked for, so that an event that
    nothing hangs on measures nothing. `event_id`: of the event that is being applied, None at a tick. `tier`: as of the
    tick before. `history`: today is before the policy goes live. `events_behind(figure)`: ids of the events behind a
    figure of the ledger, asked for when evidence is made. `kept`: the figures that the alert at hand goes on comparing with;
    agents/watch.py sets it for each trigger, agents/explain.py as it was then.
    """

    __slots__ = (
        "_figures",
        "_measure",
        "account_id",
        "book",
        "event_id",
        "events_behind",
        "facts",
        "history",
        "kept",
        "ledger",
        "policy",
        "rates",
        "signals",
        "tier",
        "today",
        "worst_fact",
    )

    def __init__(
        self,
        account_id: str,
        figures: Figures | Callable[[], Figures],
        signals: Signals,
        ledger: Ledger,
        policy: Policy,
        rates: Rates,
        today: int,
        *,
        book: BookTotals | None,
        tier: str | None,
        events_behind: Callable[[str], list[str]],
        event_id: str | None = None,
    ) -> None:
        self.account_id = account_id
        self._figures: Figures | None = None
        self._measure: Callable[[], Figures] | None = None
        if isinstance(figures, Figures):
            self._figures = figures
        else:
            self._measure = figures
        self.signals = signals
        self.ledger = ledger
        self.policy = policy
        self.rates = rates
        self.today = today
        self.event_id = event_id
        self.book = book
        self.tier = tier
        self.history = policy.live_from is not None and today < policy.live_from
        self.events_behind = events_behind
        self.kept: Mapping[str, float] = NOTHING_KEPT
        self.facts: Mapping[str, Firing] | None = None  # filled by facts_on_file() when first asked
        self.worst_fact: int | None = None  # filled by worst_fact() when first asked

    @property
    def figures(self) -> Figures:
        figures = self._figures
        if figures is None:
            assert self._measure is not None
            figures = self._figures = self._measure()
        return figures

    @property
    def account_name(self) -> str | None:
        """The account's name, its id where it was opened without one; None while nobody has told of it."""
        if self.ledger.name is None and self.ledger.profile is not None:
            return self.account_id
        return self.ledger.name

    @property
    def owes_unvalued(self) -> bool:
        """Whether part of what is owed waits for a rate: what the figures say of it is too little, and clears nothing."""
        return self.figures.unvalued > 0 and owes_unvalued(self.ledger, self.today, self.rates)

    @property
    def distress(self) -> tuple[Distress, ...]:
        """The open alerts of the parent and the siblings, by what this account has been told."""
        return self.signals.distress(self.ledger.parent_id, self.today)

    def own(self, base_amount: int) -> int | None:
        """Whole units of the base currency as minor units of the account's; None without a rate or a currency."""
        minor = base_amount * self.policy.base_unit
        currency, base = self.figures.currency, self.policy.base_currency
        if currency == base or currency is None:
            return minor if currency else None
        return self.rates.convert(minor, base, currency, self.today)

    def base(self, minor: int, currency: str) -> int | None:
        """Minor units of any currency as minor units of the base currency; None without a rate."""
        if currency == self.policy.base_currency:
            return minor
        return self.rates.convert(minor, currency, self.policy.base_currency, self.today)

    def money(self, minor: int | None) -> str | None:
        """An amount of the account's currency as the wire's decimal string, for evidence."""
        currency = self.figures.currency
        return None if minor is None or currency is None else text(minor, currency)


class Firing(NamedTuple):
    """A condition that holds: how grave, and how far beyond the level at which it would clear (0 or more)."""

    severity: int
    distance: float


class Evidence(NamedTuple):
    """What an alert shows: the figures, the levels they are held against, the events behind them.

    A level in base currency that has no rate says "no_rate".
    """

    metrics: dict[str, Any]
    thresholds: dict[str, Any]
    event_ids: list[str]
