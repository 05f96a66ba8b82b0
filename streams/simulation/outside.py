"""What the world says of one account: bureau reports, filings, news, screening, references, statements, securities.

It follows the plan with noise of its own; sound accounts get bad press, dips and liens as well. Invoices and
payments are made in life.py.

Rates of these events are assumed (no public figures were found for them): an account has one or two agencies, monthly
or quarterly; newspapers write about one in ten small ones and most large ones, four times a year; of the accounts that
turn, the press sees 45 %, a court or a lien office 30 %.
"""

from __future__ import annotations

from random import Random
from typing import Any, Final

from streams.simulation.days import DAY, business, instant, text
from streams.simulation.life import Life
from streams.simulation.plan import NEVER, TURNING, Plan

# name, worst, best, reports its own days beyond terms, recommends limits
AGENCIES: Final = (
    ("meridian", 0, 100, True, True),
    ("corvus", 600, 100, False, False),  # an index on which low is good
)
OUTLETS: Final = (
    *(
        "tradewire.example",
        "courier.example",
        "businesspost.example",
        "ledgernews.example",
        "marketday.example",
    ),
    *("industryweekly.example", "thedispatch.example", "regionalnews.example"),
)
REGISTRY: Final = "gazette.example"

# category -> what a headline says; None: a headline that belongs to no category
HEADLINES: Final[dict[str | None, tuple[str, ...]]] = {
    None: (
        "{} opens a new warehouse",
        "{} wins regional supplier award",
        "{} presents autumn range at trade fair",
        "Interview: how {} trains its apprentices",
        "{} renews service contract with city council",
    ),
    "bankruptcy": ("{} files for bankruptcy protection", "Creditors of {} called after bankruptcy petition"),
    "insolvency": ("{} enters insolvency proceedings", "Administrator appointed at {}"),
    "payment_default": ("{} misses payment to lenders",),
    "going_concern": ("Auditors doubt {} can continue as a going concern",),
    "creditor_petition": ("Supplier petitions for the winding-up of {}",),
    "restatement": ("{} to restate last year's accounts",),
    "fraud": ("Prosecutors search offices of {}",),
    "covenant_breach": ("{} in talks with banks after covenant breach",),
    "downgrade": ("Rating agency lowers {}",),
    "auditor_resignation": ("Auditor of {} resigns",),
    "plant_closure": ("{} to close plant",),
    "supplier_tightening": ("Suppliers ask {} for payment in advance", "Credit insurers cut cover on {}"),
    "major_customer_lost": ("{} loses its largest customer",),
    "layoffs": ("{} to cut jobs",),
    "cfo_exit": ("Finance chief leaves {}",),
    "recall": ("{} recalls product line",),
    "cyber": ("{} offline after cyber attack",),
    "merger_acquisition": ("{} to take over smaller rival",),
    "ceo_exit": ("Chief executive of {} to step down",),
    "dividend_cut": ("{} cuts dividend",),
    "hiring_freeze": ("{} stops hiring",),
    "rumour": ("Talk of trouble at {}", "{} said to look for a buyer"),
    "litigation": ("{} sued by former partner",),
}
# What newspapers write about companies that are well, by weight.
ORDINARY: Final[dict[str | None, float]] = {
    None: 44,
    "merger_acquisition": 9,
    "ceo_exit": 6,
    "litigation": 8,
    "rumour": 8,
    "layoffs": 5,
    "recall": 4,
    "cyber": 4,
    "hiring_freeze": 4,
    "dividend_cut": 3,
    "cfo_exit": 4,
    "plant_closure": 1,
}
# What they write about companies that are not.
TROUBLE: Final[dict[str | None, float]] = {
    "supplier_tightening": 14,
    "layoffs": 14,
    "payment_default": 8,
    "covenant_breach": 9,
    "downgrade": 9,
    "major_customer_lost": 10,
    "cfo_exit": 8,
    "plant_closure": 8,
    "rumour": 12,
    "going_concern": 5,
    "creditor_petition": 5,
    "auditor_resignation": 4,
    "litigation": 8,
    "restatement": 3,
    None: 10,
}


def begin(life: Life) -> None:
    """Plan what the world will say of the account, from its first day in the book on."""
    plan, rng, day = life.plan, life.rng, life.now // DAY
    for agency, every in plan.agencies:
        first = day + int(rng.random() * every)
        life.at(first * DAY + 7_200 + int(rng.random() * 3_600), _report, life, agency, every, 0.0, None)
    if plan.public:
        _next_article(life)
    if rng.random() < 0.2:
        for number in range(rng.randrange(1, 4)):
            life.on(day, _reference, life, number)
    if rng.random() < 0.12:
        life.on(day + rng.randrange(365), _statement, life)
    if rng.random() < 0.05:
        kind = rng.choice(("letter_of_credit", "deposit", "insurance", "insurance", "guarantee"))
        life.on(day, _security, life, kind, 1)
    if rng.random() < 0.003:
        life.on(day + rng.randrange(365), _screening, life)
    if rng.random() < 0.03:  # small claims and charges that mean nothing, within two years
        life.on(
            day + rng.randrange(730), _filing, life, rng.choice(("lien", "suit", "charge", "charge")), False
        )
    if rng.random() < 0.002:  # an owner retires and winds a sound company up
        life.on(day + rng.randrange(730), _filing, life, "solvent_liquidation", False)
    if plan.regime in TURNING and plan.onset is not None:
        _trouble(life, plan.onset)


def _trouble(life: Life, onset: int) -> None:
    """Filings and articles about an account that turns."""
    plan, rng = life.plan, life.rng
    end = min(plan.fails, plan.event if plan.event is not None else plan.ramp_full)
    span = max(end - onset, 1)
    if rng.random() < (0.25 if plan.sudden else 0.45):
        for _ in range(rng.choice((1, 1, 2, 2, 3, 4))):
            life.on(onset + int(rng.random() * span), _article, life, _pick(rng, TROUBLE), 0.0)
    if rng.random() < (0.1 if plan.sudden else 0.3):
        for _ in range(rng.choice((1, 1, 2))):
            kind = rng.choice(("lien", "judgment", "suit", "suit", "charge"))
            life.on(onset + int(rng.random() * span), _filing, life, kind, True)
    if plan.fails != NEVER:
        life.on(business(plan.fails), _insolvency, life)


def _pick(rng: Random, weights: dict[str | None, float]) -> str | None:
    return rng.choices(tuple(weights), tuple(weights.values()))[0]


# -- agencies ------------------------------------------------------------------------------------------------


def quality(plan: Plan, day: int) -> float:
    """What an agency could know of the account on `day`: 0 is the worst, 1 the best."""
    value = plan.quality
    if plan.quality_drop and day > plan.drop_from:
        value -= plan.quality_drop * min(1.0, (day - plan.drop_from) / plan.drop_days)
        if day > plan.falls:
            value += plan.quality_drop * min(1.0, (day - plan.falls) / 240)
    if plan.blip is not None and plan.blip[0] <= day < plan.blip[0] + plan.blip[1]:
        value -= plan.blip[2]
    return value


def _report(life: Life, agency: int, every: int, strayed: float, shown: float | None) -> None:
    """A bureau report, and the next one. `strayed` is a slow random walk, `shown` the limit class last reported."""
    plan, rng, day = life.plan, life.rng, life.now // DAY
    name, worst, best, knows_dbt, recommends = AGENCIES[agency]
    strayed = 0.9 * strayed + rng.gauss(0.0, 0.008)
    seen = quality(plan, day) + strayed + rng.gauss(0.0, plan.agency_noise)
    seen = min(max(seen, 0.01), 0.99)
    event = life.event("bureau.reported", f"bureau:{name}") | {
        "agency": name,
        "reported_on": text(day),
        "score": round(worst + (best - worst) * seen),
        "scale_min": min(worst, best),
        "scale_max": max(worst, best),
        "higher_is_better": best > worst,
    }
    if knows_dbt:  # as its other suppliers report it, a month behind
        beyond = plan.late + 0.7 * life.added(day - 30) + rng.gauss(0.0, 2.5)
        event["dbt"] = max(0, round(beyond))
    if recommends:
        grade = seen * 5
        if shown is None or abs(grade - shown - 0.5) > 0.7:  # it does not follow every tremor
            shown = float(int(grade))
        event["recommended_limit"] = _whole(int(plan.monthly * 2 * (shown + 1) / 4))
        event["currency"] = plan.currency
    life.put(event)
    if day < plan.fails:
        later = day + every + int(rng.random() * 3) - 1
        life.at(later * DAY + 7_200 + int(rng.random() * 3_600), _report, life, agency, every, strayed, shown)


def _whole(minor: int) -> str:
    """About so much, in two significant digits and whole units."""
    units = max(minor // 100, 10)
    step: int = 10 ** (len(str(units)) - 2)
    return f"{units // step * step}.00"


# -- courts and registries -----------------------------------------------------------------------------------


def _filing(life: Life, kind: str, serious: bool) -> None:
    plan, rng, day = life.plan, life.rng, life.now // DAY
    event = life.event("bureau.filed", "registry")
    number = f"F-{event['event_id'][1:]}"
    share = rng.uniform(0.3, 3.0) if serious else rng.uniform(0.01, 0.3)
    body: dict[str, Any] = {
        "filing_id": number,
        "kind": kind,
        "filed_on": text(day - rng.randrange(3)),
    }
    if kind != "solvent_liquidation" and rng.random() < 0.85:
        body |= {"amount": _whole(int(plan.monthly * share)), "currency": plan.currency}
    if kind in ("judgment", "suit"):
        body["court"] = f"District Court {plan.country}-{1 + plan.index % 40}"
    life.put(event | body | {"status": "filed"})
    if kind != "solvent_liquidation" and (not serious or plan.regime == "recover"):
        end = {"lien": "released", "charge": "satisfied", "suit": "satisfied", "judgment": "satisfied"}[kind]
        life.on(day + rng.randrange(30, 240), _released, life, body | {"status": end})


def _released(life: Life, body: dict[str, Any]) -> None:
    life.put(life.event("bureau.filed", "registry") | body)


def _insolvency(life: Life) -> None:
    """The filing itself is known on its day; the press follows, the registry's notice first."""
    plan, rng, day = life.plan, life.rng, life.now // DAY
    event = life.event("bureau.filed", "registry")
    life.put(
        event
        | {
            "filing_id": f"F-{event['event_id'][1:]}",
            "kind": "insolvency",
            "filed_on": text(day),
            "status": "filed",
            "court": f"Commercial Court {plan.country}-{1 + plan.index % 12}",
        }
    )
    category = "bankruptcy" if plan.currency == "USD" else "insolvency"
    if rng.random() < 0.5:
        life.at(life.now + rng.randrange(3_600, 2 * DAY), _article, life, category, 1.0)
    if plan.public or rng.random() < 0.3:
        life.at(life.now + rng.randrange(3_600, 3 * DAY), _article, life, category, 0.0)


def _screening(life: Life) -> None:
    """A name that sounds like one on a list; a person clears it."""
    event = life.event("screening.reported", "screening")
    match = {"match_id": f"S-{event['event_id'][1:]}", "list": "consolidated"}
    life.put(event | match | {"status": "possible"})
    life.on(life.now // DAY + life.rng.randrange(1, 6), _cleared, life, match)


def _cleared(life: Life, match: dict[str, str]) -> None:
    life.put(
        life.event("screening.reported", "screening")
        | match
        | {"status": "cleared", "actor": life.plan.owner}
    )


# -- newspapers ----------------------------------------------------------------------------------------------


def _next_article(life: Life) -> None:
    """The everyday articles about an account that newspapers know: four a year."""
    life.at(life.now + int(life.rng.expovariate(1 / 91) * DAY) + 60, _ordinary, life)


def _ordinary(life: Life) -> None:
    rng = life.rng
    if rng.random() < 0.06:  # an article about somebody else of a like name
        _article(life, rng.choice(("insolvency", "fraud", "bankruptcy")), 0.0, namesake=True)
    else:
        _article(life, _pick(rng, ORDINARY), 0.0)
    if life.now // DAY < life.plan.ceases:
        _next_article(life)


def _article(life: Life, category: str | None, registry: float, namesake: bool = False) -> None:
    """A story, and the copies of it that other papers print within two days."""
    plan, rng = life.plan, life.rng
    event = life.event("news.published", "news")
    story = f"N-{event['event_id'][1:]}"
    headline = rng.choice(HEADLINES[category]).format(plan.name)
    confidence = rng.uniform(0.1, 0.45) if namesake else min(1.0, rng.uniform(0.6, 1.05))
    body: dict[str, Any] = {"headline": headline, "confidence": round(confidence, 2)}
    if category is not None and rng.random() < 0.8:  # else it has to be told from the headline
        body["category"] = category
    if category == "litigation" and rng.random() < 0.6:
        body |= {"claim": _whole(int(plan.monthly * rng.uniform(0.05, 4.0))), "currency": plan.currency}
    if rng.random() < 0.8:
        body["story_id"] = story
    if registry:
        life.put(event | _printed(life.now, story, REGISTRY) | body | {"source_kind": "registry"})
        return
    copies = 1
    while copies < 6 and rng.random() < 0.35:
        copies += 1
    outlets = rng.sample(OUTLETS, copies)
    life.put(event | _printed(life.now, story, outlets[0]) | body | {"source_kind": "press"})
    for number, outlet in enumerate(outlets[1:], 2):
        life.at(life.now + 60 + int(rng.random() * 2 * DAY), _copy, life, body, f"{story}-{number}", outlet)


def _copy(life: Life, body: dict[str, Any], article: str, outlet: str) -> None:
    event = life.event("news.published", "news")
    life.put(event | _printed(life.now, article, outlet) | body | {"source_kind": "press"})


def _printed(now: int, article: str, domain: str) -> dict[str, Any]:
    return {
        "article_id": article,
        "url": f"https://{domain}/{article.lower()}",
        "domain": domain,
        "published_at": instant(now),
    }


# -- papers on file ------------------------------------------------------------------------------------------


def _reference(life: Life, number: int) -> None:
    plan, rng, day = life.plan, life.rng, life.now // DAY
    life.put(
        life.event("reference.given", "crm")
        | {
            "reference_id": f"R-{plan.index + 1:06d}-{number}",
            "high_credit": _whole(int(plan.monthly * rng.uniform(0.5, 3.0))),
            "currency": plan.currency,
            "dbt": max(0, round(plan.late + rng.gauss(0.0, 4.0))),
            "since": text(max(plan.opened_on, day - rng.randrange(200, 3000))),
        }
    )


def _security(life: Life, kind: str, number: int) -> None:
    plan, day = life.plan, life.now // DAY
    event = life.event("security.recorded", "credit-desk")
    event |= {"security_id": f"K-{plan.index + 1:06d}-{number}", "kind": kind}
    event |= {"amount": _whole(plan.monthly), "currency": plan.currency}
    if kind != "deposit":
        event["expires_on"] = text(day + 365)
        life.on(day + 365, _security, life, kind, number + 1)
    life.put(event)


def _statement(life: Life) -> None:
    """A yearly statement that adds up. Accounts that turn have weak ones, and some sound ones have as well."""
    plan, rng, day = life.plan, life.rng, life.now // DAY
    sales = plan.monthly // 100 * rng.randrange(30, 200)
    health = quality(plan, day) + rng.gauss(0.0, 0.12)
    assets = int(sales * rng.uniform(0.4, 0.9))
    equity = int(assets * min(max(0.55 * health, 0.02), 0.7))
    current, liabilities = int(assets * rng.uniform(0.45, 0.7)), assets - equity
    net = int(sales * (0.12 * health - 0.03))
    prior = equity // 2
    figures = {
        "total_assets": assets,
        "current_assets": current,
        "inventory": int(current * rng.uniform(0.2, 0.5)),
        "total_liabilities": liabilities,
        "current_liabilities": int(liabilities * rng.uniform(0.45, 0.75)),
        "intangibles": int(equity * rng.uniform(0.0, 0.2)),
        "equity": equity,
        "prior_retained_earnings": prior,
        "retained_earnings": prior + net,
        "dividends": 0,
        "sales": sales,
        "ebit": int(net * 1.4 + sales * 0.01),
        "interest_expense": int(liabilities * 0.03) + 1,
        "net_income": net,
        "operating_cash_flow": int(net + sales * rng.gauss(0.02, 0.02)),
    }
    life.put(
        life.event("statement.filed", "crm")
        | {
            "statement_id": f"T-{plan.index + 1:06d}-{day}",
            "period_end": text(day - rng.randrange(60, 150)),
            "months": 12,
            "currency": plan.currency,
            "audited": rng.random() < 0.5,
            "figures": {name: f"{value}.00" for name, value in figures.items()},
        }
    )
    life.on(day + 365 + rng.randrange(-20, 40), _statement, life)
