"""The truth of one account, drawn before any of its events: regime, onset, event day, habits. No event is made here.

Every distribution of the simulated book that decides who turns bad, when and how fast stands in this module.

What is publicly known, and where it enters
-------------------------------------------
* Net 30 is the commonest term in the United States (ARO2C survey of receivables practice): 55 % of accounts
  have it, the others 5 to 90 days.
* US businesses pay 6 to 8 days beyond terms on average (Experian Business Benchmark Report, Q3 2011: 5.6 to 8.2 by size)
  or 11 (Creditsafe, 2023 to 2025), and about half of all B2B invoices in Western Europe are paid late, 47 % in
  the 2025 Atradius Payment Practices Barometer. Prompt payers here centre on the day before the due
  date, before payment runs and weekends delay them, slow but steady ones on 10 to 32 days beyond. A book of 400 accounts
  (seed 1): 9.0 days beyond terms weighted by amount, early ones as 0; 49 % of invoices late, 24 % by more than 10 days.
* How much one customer's days vary: in IBM's sample ledger (WA_Fn-UseC_-Accounts-Receivable, 2,466 invoices of 100
  customers) the standard deviation of a customer's days beyond terms is 4.6 to 10.3 (5 % to 95 % of customers), median
  7.0; in the same book 3.2 to 10.7, median 5.4, in the time before anything turns.
* Payment programs pay as late as they can without being late, by the date of their next run (SAP's F110 asks for
  it): half of the accounts that pay in runs pay in the last run before, half in the first one after.
* Gaps between purchases are more regular than a Poisson process: Erlang of order 2 (Chatfield and Goodhardt 1973).
* A limit is what the billing cycles in flight come to in the busiest month of the year, times a factor of median 1.9;
  order entry holds what would pass it, nine times in ten.
* About 1.3 % of B2B receivables are never collected (Atradius, Western Europe, 2018), and 1 to 3 % of accounts a year
  default on a seller. Severe lateness is commoner: 23.5 % of the active businesses in a D&B development sample paid
  somebody severely late within a year (D&B Delinquency Risk Predictor, 2014).
* **The share used is larger than a seller's book would show for defaults, so that books of 2,000 accounts hold enough
  of them to judge by: about 11 % of accounts turn bad within the book, whatever its length.** Precision measured on
  a simulated book is therefore flattered against a book in which 3 % turn; recall and lead time are not.
* Account sizes are lognormal, as firm sizes are: median 18,000 a month, sigma 1.2; invoices a month: median 5, sigma
  0.6.

The rest (how long a deterioration lasts, how often agencies and newspapers see it, how often sound payers dispute,
change banks, or are confused with a namesake) is assumed; each number stands beside its name below. No public source
was found for them.

What "bad" means
----------------
An account is bad when, within the book, an undisputed invoice is still unpaid 60 days after it fell due (so that its
payment, if it ever comes, is more than 60 days late), or when it files for insolvency. `event_date` is the 61st day
past due of the first such invoice, or the day of the filing, whichever is first. The date is drawn, not found: all
invoices that would cross earlier are paid by their 60th day, and one invoice, due 61 days before, does cross.

Not realistic: nobody turns bad within the first `WARM_UP` days, nobody's deterioration is cut off by the end of the
book, accounts turn independently of one another (no recession, no chain of failures), and habits do not change
but through the regime.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random
from typing import Final

from streams.simulation import names
from streams.simulation.days import business_before

NEVER: Final = 10_000_000  # a day that no book reaches
PAST = 61  # an invoice is more than 60 days late from its 61st day on
WARM_UP: Final = 120  # days of the book without any event, at most a quarter of it

# Regime -> share of accounts. The first nine stay sound; the last five turn.
REGIMES: Final = {
    "prompt": 0.32,
    "slow_steady": 0.14,
    "seasonal": 0.09,
    "payment_runs": 0.11,
    "disputing": 0.05,
    "bank_change": 0.04,
    "partial_payer": 0.04,
    "growing": 0.05,
    "shrinking": 0.03,
    "drift": 0.036,  # days to pay stretch gradually
    "stop": 0.026,  # payments cease
    "fail": 0.022,  # an insolvency filing; three in ten nearly without warning
    "over_limit": 0.016,  # buys far more than before, past its limit, and then pays late
    "recover": 0.030,  # drifts and comes back; four in ten pass 60 days on the way, and only those are bad
}
TURNING: Final = ("drift", "stop", "fail", "over_limit", "recover")
TERMS: Final = (30,) * 22 + (14,) * 4 + (45,) * 4 + (60,) * 5 + (10,) + (7,) * 2 + (90,) * 2


@dataclass(slots=True)
class Plan:
    """All that is decided about one account before its first event. Days are date ordinals, money minor units."""

    index: int
    account_id: str
    name: str
    country: str
    industry: str
    currency: str
    owner: str
    opened_on: int
    joins: int  # first day in the book
    terms: int
    regime: str
    # what it is meant to become
    bad: bool = False
    onset: int | None = None
    event: int | None = None
    guard: int = NEVER  # invoices due before it are paid by their 60th day past due
    trigger_issue: int = NEVER  # the invoice of this day is the one that crosses; NEVER: none is needed
    fails: int = NEVER  # day of the insolvency filing
    stops: int = NEVER  # from this day on nothing more is paid
    ceases: int = NEVER  # from this day on nothing more is sold
    sudden: bool = False
    peak: float = 0.0  # days of lateness that the deterioration adds, at its height
    ramp_from: int = NEVER
    ramp_full: int = NEVER
    power: float = 1.0  # shape of the ramp: below 1 early, above 1 late
    falls: int = NEVER  # from this day the added lateness recedes
    fall_days: int = 1
    surge: float = 1.0  # purchases at the height of an over_limit regime
    # habits
    monthly: int = 0  # expected purchases a month
    invoices: float = 5.0  # a month
    amount_spread: float = 0.6  # sigma of the lognormal of invoice amounts
    late: float = 0.0  # its usual days beyond terms
    late_spread: float = 3.0
    run_days: int = 1  # 1: any business day; 7, 14: payment runs; 30: monthly
    run_phase: int = 0
    run_ahead: bool = False  # pays in the last run before it would be late, not in the first one after
    season: float = 0.0  # amplitude of the yearly swing of purchases
    season_peak: int = 0  # day of the year
    growth: float = 0.0  # of purchases, a year, logarithmic
    disputes: float = 0.01  # share of invoices
    parts: float = 0.01  # share of invoices paid in two parts
    memos: float = 0.02
    takes_discount: bool = False
    direct_debit: bool = False
    returns: float = 0.0003  # share of payments that come back
    orders: bool = False
    announces: bool = False  # says beforehand what it will pay
    slips: bool = False  # pays nothing between Christmas and the first working days of January
    bank_from: int = NEVER  # a change of bank: nothing is paid in these days, then all at once
    bank_to: int = NEVER
    promise: float = 0.10  # of the invoices that are late, the share for which a promise is got
    keeps: float = 0.92  # share of promises kept
    limit_factor: float | None = 1.6  # credit limit as a multiple of the need; None: no limit
    released: bool = False  # sales staff release its orders beyond the limit
    # how the world sees it
    quality: float = 0.7  # 0 worst, 1 best
    agencies: tuple[tuple[int, int], ...] = ()  # (which agency, days between reports)
    agency_noise: float = 0.015
    quality_drop: float = 0.0
    drop_from: int = NEVER
    drop_days: int = 1
    blip: tuple[int, int, float] | None = None  # (first day, days, depth): a dip of a sound account's score
    public: bool = False  # newspapers write about it


def draw(index: int, seed: int, start: int, end: int) -> Plan:
    """The plan of account number `index` (from 0) in a book from `start` to `end`, both inclusive date ordinals.

    It depends on nothing but these four numbers: account 7 is the same in a book of ten and of ten thousand.
    """
    rng = Random(f"bellwether/{seed}/{index}/plan")
    currency = rng.choices(("USD", "EUR", "GBP"), (94, 4, 2))[0]
    name, country, industry = names.company(rng, currency)
    age = min(rng.lognormvariate(math.log(6.5), 0.8), 40.0) * 365
    joins = start
    if rng.random() < 0.05:  # a new customer, within the first half of the book
        joins, age = start + rng.randrange(1, max(2, (end - start) // 2)), 0.0
    plan = Plan(
        index=index,
        account_id=f"C{index + 1:06d}",
        name=name,
        country=country,
        industry=industry,
        currency=currency,
        owner=rng.choice(names.OWNERS),
        opened_on=joins - int(age),
        joins=joins,
        terms=rng.choice(TERMS),
        regime=rng.choices(tuple(REGIMES), tuple(REGIMES.values()))[0],
    )
    _habits(plan, rng, start, end)
    if plan.regime in TURNING:
        _turn(plan, rng, start, end)
    return plan


def _habits(plan: Plan, rng: Random, start: int, end: int) -> None:
    """How the account buys and pays as long as nothing is wrong, and how agencies and newspapers see it."""
    regime = plan.regime
    plan.monthly = int(100 * min(max(rng.lognormvariate(math.log(18_000), 1.2), 300.0), 4_000_000.0))
    plan.invoices = min(max(rng.lognormvariate(math.log(5.0), 0.6), 1.0), 30.0)
    plan.amount_spread = rng.uniform(0.3, 0.8)
    slow = regime == "slow_steady" or (regime != "prompt" and rng.random() < 0.2)
    plan.late = rng.uniform(10, 32) if slow else rng.gauss(-1.0, 3.0)
    plan.late_spread = rng.uniform(3.0, 6.0) if slow else rng.uniform(1.5, 4.5)
    if plan.terms >= 30 and rng.random() < 0.12:
        plan.takes_discount = True
        plan.late, plan.late_spread = float(10 - plan.terms - 2), 1.0
    runs = (7, 14, 30) if regime == "payment_runs" else (1, 1, 1, 1, 1, 1, 7, 7, 14, 30)
    plan.run_days = rng.choice(runs)
    plan.run_phase = rng.choice((1, 5, 10, 15, 20, 25)) if plan.run_days == 30 else rng.randrange(14)
    plan.run_ahead = plan.run_days > 1 and rng.random() < 0.5
    if regime == "seasonal":
        plan.season = rng.uniform(0.35, 0.75)
    elif rng.random() < 0.3:
        plan.season = rng.uniform(0.05, 0.25)
    plan.season_peak = rng.randrange(365)
    plan.growth = {"growing": rng.uniform(0.25, 0.7), "shrinking": rng.uniform(-0.9, -0.3)}.get(
        regime, rng.gauss(0.03, 0.08)
    )
    if regime == "disputing":
        plan.disputes = rng.uniform(0.06, 0.2)
    elif rng.random() < 0.15:
        plan.disputes = 0.03
    if regime == "partial_payer":
        plan.parts = rng.uniform(0.25, 0.6)
    if regime == "bank_change" or rng.random() < 0.03:
        first = rng.randrange(start + 30, max(start + 31, end - 20))
        plan.bank_from, plan.bank_to = first, first + rng.randrange(12, 36)
    plan.direct_debit = rng.random() < 0.12
    plan.returns = 0.006 if plan.direct_debit else 0.0003
    plan.orders = rng.random() < 0.25
    plan.announces = rng.random() < 0.04
    plan.slips = rng.random() < 0.4
    plan.keeps = rng.uniform(0.85, 1.0)
    plan.limit_factor = None if rng.random() < 0.04 else rng.lognormvariate(math.log(1.9), 0.3)
    plan.quality = min(max(rng.gauss(0.72 - 0.006 * plan.late, 0.12), 0.15), 0.98)
    plan.agencies = tuple(
        (agency, rng.choice((30, 91))) for agency in rng.choice(((0,), (1,), (0,), (0, 1), (0, 1)))
    )
    plan.agency_noise = rng.uniform(0.006, 0.025)
    if rng.random() < 0.08:
        first = rng.randrange(start, end + 1)
        plan.blip = (first, rng.randrange(60, 240), rng.uniform(0.05, 0.25))
    plan.public = rng.random() < min(0.1 + 0.08 * math.log10(max(plan.monthly / 100_000, 1.0)) * 3, 0.7)


def _turn(plan: Plan, rng: Random, start: int, end: int) -> None:
    """When and how the account turns; a book too short for its regime leaves it sound."""
    regime = plan.regime
    will_be_bad = regime != "recover" or rng.random() < 0.4
    crosses = will_be_bad and regime != "fail"  # an invoice has to pass its 60th day
    plan.joins = start
    plan.opened_on = min(plan.opened_on, start - 90)
    first = start + min(WARM_UP, (end - start) // 4)
    if crosses:
        first = max(first, start + plan.terms + PAST + 10)
    last = end - (0 if will_be_bad else 30)
    if first > last:
        plan.regime = "slow_steady" if plan.late >= 10 else "prompt"
        return
    event = rng.randrange(first, last + 1)
    if crosses:  # the invoice that crosses is issued on a business day
        event = business_before(event - PAST - plan.terms) + PAST + plan.terms
    elif regime == "fail":  # courts file on business days
        event = business_before(event)
    plan.power = rng.uniform(0.7, 1.8)
    plan.returns *= 3
    plan.keeps = rng.uniform(0.2, 0.75)
    plan.promise = rng.uniform(0.1, 0.4)
    if crosses:
        plan.guard, plan.trigger_issue = event - PAST, event - PAST - plan.terms
    to_cross = PAST + rng.uniform(0, 25) - max(plan.late, 0.0)

    if regime in ("drift", "over_limit"):
        lead = _clip(rng.lognormvariate(math.log(180), 0.4), 100, 420)
        plan.ramp_from, plan.ramp_full, plan.peak = event - lead, event - PAST, to_cross
        plan.ceases = event + rng.randrange(-10, 60)
        if regime == "over_limit":
            plan.surge, plan.released = rng.uniform(1.8, 3.5), True
            plan.limit_factor = plan.limit_factor or 1.6
            plan.limit_factor = min(plan.limit_factor, 2.0)
    elif regime == "stop":
        # The day on which it would have paid the invoice that crosses; seven in ten slow down before.
        plan.stops = event - PAST + max(0, round(plan.late)) + rng.randrange(3)
        plan.ramp_full = plan.stops
        plan.ramp_from = plan.stops - (rng.randrange(30, 121) if rng.random() < 0.7 else 0)
        plan.peak = rng.uniform(6, 28) if plan.ramp_from < plan.stops else 0.0
        plan.ceases = event + rng.randrange(-35, 15)
        if rng.random() < 0.3:
            plan.fails = event + rng.randrange(20, 150)
    elif regime == "fail":
        plan.sudden = rng.random() < 0.3
        plan.fails, plan.guard = event, event - PAST
        if plan.sudden:
            plan.stops = event - rng.randrange(0, 12)
            plan.ramp_from = plan.ramp_full = plan.stops - rng.randrange(0, 15)
        else:
            plan.stops = event - rng.randrange(0, 45)
            lead = _clip(rng.lognormvariate(math.log(150), 0.45), 60, 365)
            plan.ramp_from, plan.ramp_full, plan.peak = event - lead, plan.stops, rng.uniform(15, 55)
        plan.ceases = min(plan.stops + rng.randrange(5, 30), event)
    else:  # recover
        lead = _clip(rng.lognormvariate(math.log(150), 0.3), 100, 300)
        turn = event + rng.randrange(0, 30)
        plan.peak = to_cross if will_be_bad else rng.uniform(12, 38)
        plan.ramp_from, plan.ramp_full = event - lead, event - PAST if will_be_bad else event - 30
        plan.falls, plan.fall_days = turn, rng.randrange(40, 140)

    plan.ramp_from = max(plan.ramp_from, start + 30)
    if plan.ramp_from > plan.ramp_full:
        plan.ramp_from = plan.ramp_full
    plan.onset = plan.ramp_from
    if will_be_bad:
        plan.bad, plan.event = True, event
    # The world notices most of them, some before the seller does and some after.
    if rng.random() < (0.35 if plan.sudden else 0.8):
        plan.quality_drop = rng.uniform(0.12, 0.5)
        plan.drop_from = plan.onset + rng.randrange(-30, 91)
        plan.drop_days = rng.randrange(20, 150)
    if plan.bank_from > plan.ramp_from - 40:  # a change of bank belongs to the sound time
        plan.bank_from = plan.bank_to = NEVER


def _clip(value: float, low: int, high: int) -> int:
    return int(min(max(value, low), high))
