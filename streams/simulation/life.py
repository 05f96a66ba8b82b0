"""The life of one account as events: orders, invoices, payments and what goes wrong with them, as its plan says.

What agencies, courts and newspapers say about it is made in outside.py; the truth it follows in plan.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any, Final

from streams.simulation.days import (
    CLOCK,
    DAY,
    business,
    business_before,
    instant,
    monthly_run,
    monthly_run_before,
    text,
    year_end,
)
from streams.simulation.plan import NEVER, PAST, Plan

Emitted = tuple[int, int, int, dict[str, Any]]  # second, account, number of the event in it, event
ERP: Final = "erp"
BANK: Final = "bank"
DESK: Final = "credit-desk"
REGULARITY: Final = 2.0  # shape of the gaps between purchases; see plan.py


def money(minor: int) -> str:
    """Minor units of a currency with two decimals as the wire's decimal string."""
    return f"{minor // 100}.{minor % 100:02d}"


def two_digits(minor: int) -> int:
    """A limit as people set it: two significant digits, whole units."""
    units = max(minor // 100, 100)
    step: int = 10 ** (len(str(units)) - 2)
    return units // step * step * 100


class Invoice:
    """One invoice as the customer sees it: what is still to be paid, and when it is due."""

    __slots__ = ("amount", "discount_until", "due", "id", "open")

    def __init__(self, id: str, amount: int, due: int, discount_until: int) -> None:
        self.id = id
        self.amount = amount
        self.open = amount
        self.due = due
        self.discount_until = discount_until


class Life:
    """One account's tasks in time order. `run(day)` does the tasks of the days up to `day` and appends their events.

    Endless: it goes on until nobody asks for more. Memory is that of the open invoices. `balance` is the open
    balance in minor units after the tasks done so far, each fact counted on its own date. `others` plans what others say
    of the account, once it is open; see outside.begin().
    """

    __slots__ = (
        *(
            "_log_mean",
            "_others",
            "balance",
            "clock",
            "counter",
            "events",
            "invoices",
            "late_ones",
            "level",
            "limit",
        ),
        *("now", "ordered", "out", "pace", "plan", "rng", "runs", "tasks", "wander"),
    )

    def __init__(self, plan: Plan, seed: int, others: Callable[[Life], None]) -> None:
        self.plan = plan
        self.rng = Random(f"bellwether/{seed}/{plan.index}/life")
        self._others = others
        self.tasks: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self.out: list[Emitted] = []
        self.now = plan.joins * DAY
        self.counter = 0  # of tasks
        self.events = 0
        self.invoices = 0
        self.balance = 0
        self.ordered = 0  # open orders
        self.limit: int | None = None
        self.level = 1.0  # of purchases: season, growth, surge
        self.pace = 1.0  # its square root: half of a rise is more invoices, half is larger ones
        self.wander = 0.0  # how far its lateness has strayed from its habit, in days
        self.clock = float(plan.joins)  # when it ordered last
        self.runs: dict[int, list[tuple[Invoice, int | None]]] = {}  # day -> what is paid then (None: all)
        self.late_ones: list[Invoice] = []  # those that may never be paid, of an account that turns
        self._log_mean = math.log(max(plan.monthly / plan.invoices, 500.0)) - plan.amount_spread**2 / 2
        self.at(self.now + self.rng.randrange(6 * 3600), self._open)

    # -- time ------------------------------------------------------------------------------------------------

    def at(self, second: int, task: Callable[..., None], *args: Any) -> None:
        """Do a task at a second; one that has passed means at once."""
        heappush(self.tasks, (max(second, self.now), self.counter, task, args))
        self.counter += 1

    def on(self, day: int, task: Callable[..., None], *args: Any) -> None:
        """Do a task at some time between 8 and 18 h of a day."""
        self.at(day * DAY + 28_800 + int(self.rng.random() * 36_000), task, *args)

    def run(self, day: int, out: list[Emitted]) -> int:
        """Append the events up to the end of `day` to `out`; the day of the next task."""
        self.out = out
        tasks, limit = self.tasks, (day + 1) * DAY
        while tasks and tasks[0][0] < limit:
            self.now, _, task, args = heappop(tasks)
            task(*args)
        return tasks[0][0] // DAY if tasks else NEVER

    def put(self, event: dict[str, Any]) -> None:
        """Emit an event now: its time is set here, its fields are the caller's."""
        now = self.now
        event["occurred_at"] = text(now // DAY) + CLOCK[now % DAY]
        self.out.append((now, self.plan.index, self.events, event))
        self.events += 1

    def event(self, kind: str, source: str) -> dict[str, Any]:
        """The fields that every event has. Ids count up by account."""
        self.counter += 1
        account = self.plan.account_id
        return {
            "event_id": f"{account}-{self.counter}",
            "type": kind,
            "account_id": account,
            "occurred_at": "",
            "source": source,
        }

    # -- the account -----------------------------------------------------------------------------------------

    def _open(self) -> None:
        plan, day = self.plan, self.now // DAY
        self.put(self._profile("account.opened"))
        if plan.limit_factor is not None:
            self.at(self.now + 600, self._set_limit, "opening limit")
            self.on(day + self.rng.randrange(120, 366), self._review)
        self._turn_of_month()
        self._next_purchase()
        if plan.trigger_issue != NEVER:
            self.on(plan.trigger_issue, self._invoice, None, True)
        if plan.surge > 1.0:
            self.on(plan.ramp_from, self._turn_of_month, False)
        if plan.event is not None:
            self._after_the_event(plan.event)
        self._others(self)

    def _profile(self, kind: str) -> dict[str, Any]:
        plan = self.plan
        return self.event(kind, "crm") | {
            "name": plan.name,
            "currency": plan.currency,
            "opened_on": text(plan.opened_on),
            "country": plan.country,
            "terms_days": plan.terms,
            "industry": plan.industry,
            "expected_monthly_purchases": money(plan.monthly // 10_000 * 10_000 or plan.monthly),
            "owner": plan.owner,
        }

    def _need(self) -> int:
        """What the billing cycles in flight come to at today's pace, in the busiest month of the year."""
        plan = self.plan
        season = 1.0 + plan.season * math.cos((self.now // DAY - plan.season_peak) * math.tau / 365.25)
        busiest = max(self.level, 0.05) * (1.0 + plan.season) / max(season, 0.05)
        return int(plan.monthly * busiest * (plan.terms / 30 + 1))

    def _set_limit(self, reason: str, minor: int | None = None) -> None:
        plan = self.plan
        if minor is None:
            minor = two_digits(int(self._need() * (plan.limit_factor or 1.6)))
        self.limit = minor
        self.put(
            self.event("account.limit_set", DESK)
            | {
                "credit_limit": money(minor),
                "currency": plan.currency,
                "set_by": plan.owner,
                "reason": reason,
            }
        )

    def _review(self) -> None:
        """The yearly look at the limit of an account that is not known to be in trouble."""
        plan, day = self.plan, self.now // DAY
        if day >= min(plan.ramp_from + 30, plan.ceases):
            return
        wanted = two_digits(int(self._need() * (plan.limit_factor or 1.6)))
        if self.limit is not None and not 0.85 < wanted / self.limit < 1.15:
            self._set_limit("yearly review", wanted)
        self.on(day + 365, self._review)

    def _turn_of_month(self, again: bool = True) -> None:
        """Purchases follow season, growth and regime; lateness strays a little (an AR(1) by month, sd 1.4 days)."""
        plan, rng, day = self.plan, self.rng, self.now // DAY
        level = 1.0 + plan.season * math.cos((day - plan.season_peak) * math.tau / 365.25)
        level *= math.exp(plan.growth * (day - plan.joins) / 365)
        if plan.surge > 1.0 and day >= plan.ramp_from:
            level *= 1.0 + (plan.surge - 1.0) * min(1.0, (day - plan.ramp_from) / 60)
        self.level = max(level, 0.05)
        self.pace = math.sqrt(self.level)
        self.wander = 0.7 * self.wander + rng.gauss(0.0, 1.0)
        if again:
            self.at(self.now + (10 if plan.surge > 1.0 else 30) * DAY, self._turn_of_month)

    def _after_the_event(self, event: int) -> None:
        """What a seller does when an account has turned."""
        plan, rng = self.plan, self.rng
        if plan.regime == "recover":
            return
        if plan.limit_factor is not None and rng.random() < 0.7:
            self.on(event + rng.randrange(3, 21), self._set_limit, "deliveries stopped", 0)
        if plan.regime in ("stop", "fail") and rng.random() < 0.7:
            self.on(event + rng.randrange(90, 180), self._write_off)
        if plan.regime == "stop":
            for _ in range(rng.choice((0, 0, 0, 1, 2))):
                self.on(business(plan.stops + rng.randrange(10, 60)), self._token)

    # -- purchases -------------------------------------------------------------------------------------------

    def _next_purchase(self) -> None:
        plan, rng = self.plan, self.rng
        self.clock += rng.gammavariate(REGULARITY, 1 / REGULARITY) * 30.0 / (plan.invoices * self.pace)
        day = business(int(self.clock))
        if day < plan.ceases:
            self.at(day * DAY + 28_800 + int(rng.random() * 32_400), self._purchase)

    def _purchase(self) -> None:
        """An order now and its invoice later, or the invoice at once."""
        plan, rng = self.plan, self.rng
        self._next_purchase()
        if not plan.orders:
            self._invoice(None, False)
            return
        minor = self._amount()
        if self._held_back(minor + self.ordered):
            return
        self.invoices += 1
        self.ordered += minor
        order = f"O-{plan.index + 1:06d}-{self.invoices}"
        self.put(
            self.event("order.booked", ERP)
            | {"order_id": order, "amount": money(minor), "currency": plan.currency}
        )
        day = self.now // DAY
        if rng.random() < 0.03:
            self.on(business(day + rng.randrange(2, 15)), self._cancel, order, minor)
        else:
            self.on(business(day + rng.randrange(2, 15)), self._invoice, (order, minor), False)

    def _cancel(self, order: str, minor: int) -> None:
        self.ordered -= minor
        self.put(self.event("order.closed", ERP) | {"order_id": order})

    def _held_back(self, more: int) -> bool:
        """Order entry holds back what would pass the limit, unless sales staff release it: nine times in ten."""
        if self.limit is None or self.balance + more <= self.limit or self.plan.released:
            return False
        return self.rng.random() < 0.9

    def _amount(self) -> int:
        spread = self.plan.amount_spread
        return max(int(math.exp(self.rng.gauss(self._log_mean, spread)) * self.pace), 500)

    def _invoice(self, order: tuple[str, int] | None, crossing: bool) -> None:
        """An invoice, and with it all that will become of it."""
        plan, now = self.plan, self.now
        minor = order[1] if order else self._amount()
        if order:
            self.ordered -= minor
        elif not crossing and self._held_back(minor):
            return
        day = now // DAY
        due = day + plan.terms
        self.invoices += 1
        number = f"I-{plan.index + 1:06d}-{self.invoices}"
        until = day + 10 if plan.takes_discount else 0
        invoice = Invoice(number, minor, due, until)
        event = {
            "event_id": number,
            "type": "invoice.issued",
            "account_id": plan.account_id,
            "occurred_at": text(day) + CLOCK[now % DAY],
            "source": ERP,
            "invoice_id": number,
            "amount": f"{minor // 100}.{minor % 100:02d}",
            "currency": plan.currency,
            "invoice_date": text(day),
            "due_date": text(due),
        }
        if order:
            event["order_id"] = order[0]
        if until:
            event["terms"] = f"2/10 net {plan.terms}"
            event["discount_percent"] = "2"
            event["discount_date"] = text(until)
        self.out.append((now, plan.index, self.events, event))
        self.events += 1
        self.balance += minor
        if due >= plan.guard and plan.ceases != NEVER:
            self.late_ones.append(invoice)
        self._foresee(invoice, day, crossing)

    # -- how it pays -----------------------------------------------------------------------------------------

    def _foresee(self, invoice: Invoice, day: int, crossing: bool) -> None:
        """Decide when the invoice is paid, in how many parts, and what happens to it before."""
        plan, rng, due = self.plan, self.rng, invoice.due
        late = plan.late + self.wander + rng.gauss(0.0, plan.late_spread)
        if rng.random() < 0.02:  # mislaid, or waiting for somebody's signature
            late += rng.expovariate(1 / 12)
        if due >= plan.ramp_from:
            late += self.added(due)
        if crossing:
            late = max(late, PAST + rng.expovariate(1 / 12))
            self._pay_on(self._settlement(day, due, late), invoice, None)
            return
        if due >= plan.guard and plan.regime in ("drift", "over_limit") and rng.random() < 0.3:
            paid: int | None = None  # never
        else:
            paid = self._settlement(day, due, late)

        chance = rng.random()
        if chance < plan.disputes:
            if self._dispute_of(invoice, day, paid):
                return
        elif chance < plan.disputes + plan.memos:
            self._memo_before(invoice, day, paid, 0.03 + 0.12 * rng.random())
        elif chance > 0.998 and (paid is None or paid > day + 3):
            self.on(day + 1 + int(rng.random() * 2), self._void, invoice)
        if (paid is None or paid > due + 12) and rng.random() < plan.promise:
            self._promise_of(invoice, paid)
        if rng.random() < plan.parts and paid is not None:
            rest = self._settlement(day, due, late + 7 + 18 * rng.random())
            if rest != paid:
                self._pay_on(paid, invoice, int(invoice.amount * (0.4 + 0.4 * rng.random())))
                paid = rest
        self._pay_on(paid, invoice, None)

    def added(self, day: int) -> float:
        """Days of lateness that the deterioration adds to an invoice due on `day`."""
        plan = self.plan
        if day < plan.ramp_from or not plan.peak:
            return 0.0
        if day >= plan.falls:
            return max(0.0, plan.peak * (1 - (day - plan.falls) / plan.fall_days))
        share = (day - plan.ramp_from) / max(plan.ramp_full - plan.ramp_from, 1)
        return plan.peak * min(float(share**plan.power), 1.4)

    def _settlement(self, day: int, due: int, late: float) -> int | None:
        """The day on which an invoice of `day` is paid: its payment runs, holidays, bank and plan considered."""
        plan = self.plan
        paid = self._run(max(due + round(late), day + 1), day + 1 if due < plan.ramp_from else NEVER)
        if due < plan.guard:
            if paid > due + PAST - 1:  # it does not cross: paid by hand before the next run
                paid = business_before(due + PAST - 1 - int(self.rng.random() * 7))
            if paid >= plan.stops:
                paid = business_before(plan.stops - 1)
        elif paid >= plan.stops:
            return None
        return paid

    def _run(self, day: int, earliest: int) -> int:
        """The day on which it pays what it means to pay on `day`; ahead of it not before `earliest`."""
        plan = self.plan
        if plan.bank_from <= day < plan.bank_to:
            day = plan.bank_to
        if plan.run_ahead:
            before = self._run_before(day)
            away = plan.bank_from <= before < plan.bank_to or (plan.slips and year_end(before) != before)
            if before >= earliest and not away:
                return before
        if plan.slips:
            day = year_end(day)
        if plan.run_days == 1:
            return business(day)
        if plan.run_days == 30:
            return monthly_run(day, plan.run_phase)
        return business(day + (plan.run_phase - day) % plan.run_days)

    def _run_before(self, day: int) -> int:
        plan = self.plan
        if plan.run_days == 30:
            return monthly_run_before(day, plan.run_phase)
        before = business(day - (day - plan.run_phase) % plan.run_days)
        return before if before <= day else before - plan.run_days

    def _pay_on(self, day: int | None, invoice: Invoice, part: int | None) -> None:
        if day is None:
            return
        run = self.runs.get(day)
        if run is not None:
            run.append((invoice, part))
            return
        self.runs[day] = [(invoice, part)]
        self.at(day * DAY + 21_600 + int(self.rng.random() * 36_000), self._pay, day)
        if self.plan.announces and day - 3 > self.now // DAY:
            self.on(day - 3, self._announce, day)

    def _announce(self, day: int) -> None:
        total = sum(i.open if part is None else min(part, i.open) for i, part in self.runs.get(day, ()))
        if total:
            self.put(
                self.event("payment.scheduled", "portal")
                | {
                    "payment_id": self._payment_id(day),
                    "amount": money(total),
                    "currency": self.plan.currency,
                    "scheduled_on": text(day),
                }
            )

    def _payment_id(self, day: int) -> str:
        return f"P-{self.plan.index + 1:06d}-{text(day)}"

    def _pay(self, day: int) -> None:
        """One payment run: one payment, with all invoices that it settles."""
        plan, rng = self.plan, self.rng
        applications: list[dict[str, Any]] = []
        back: list[tuple[Invoice, int]] = []
        total, settled, first_due = 0, 0, NEVER
        for invoice, part in self.runs.pop(day):
            amount = invoice.open if part is None else min(part, invoice.open)
            if amount <= 0:
                continue
            invoice.open -= amount
            settled += amount
            first_due = min(first_due, invoice.due)
            back.append((invoice, amount))
            if day <= invoice.discount_until and amount == invoice.amount:
                discount = amount * 2 // 100
                amount -= discount
                applications.append(
                    {"invoice_id": invoice.id, "amount": money(amount), "discount": money(discount)}
                )
            else:
                applications.append(
                    {"invoice_id": invoice.id, "amount": f"{amount // 100}.{amount % 100:02d}"}
                )
            total += amount
        if not applications:
            return
        number = self._payment_id(day)
        event = {
            "event_id": number,
            "type": "payment.received",
            "account_id": plan.account_id,
            "occurred_at": "",
            "source": BANK,
            "payment_id": number,
            "amount": f"{total // 100}.{total % 100:02d}",
            "currency": plan.currency,
            "paid_on": text(day),
            "method": "direct_debit" if plan.direct_debit else "bank_transfer",
            "applications": applications,
        }
        chance = rng.random()
        if chance < 0.03 and (first_due >= plan.guard or day + 7 < first_due + PAST):
            # The remittance does not say what it is for: applied by a clerk some days later.
            del event["applications"]
            self.put(event)
            self.on(business(day + 1 + int(rng.random() * 3)), self._apply, number, applications, settled)
            return
        self.balance -= settled
        if chance < 0.12:  # booked with the next morning's bank statement
            self.at((business(day + 1)) * DAY + 21_600 + int(rng.random() * 7_200), self.put, event)
        else:
            if chance > 0.998:  # a little too much; it stays unapplied
                event["amount"] = money(total + 100 + int(rng.random() * 5_000))
            self.put(event)
            returns = plan.returns * (8 if day >= plan.ramp_from else 1)
            if rng.random() < returns:
                again = business(day + 4 + int(rng.random() * 8))
                safe = again + 2 < first_due + PAST and again < plan.stops
                if first_due >= plan.guard or safe:
                    self.on(day + 2 + int(rng.random() * 2), self._return, number, back, again)

    def _apply(self, number: str, applications: list[dict[str, Any]], settled: int) -> None:
        self.balance -= settled
        self.put(self.event("payment.applied", ERP) | {"payment_id": number, "applications": applications})

    def _return(self, number: str, back: list[tuple[Invoice, int]], again: int) -> None:
        """The bank takes the payment back; most are paid once more within two weeks."""
        for invoice, amount in back:
            invoice.open += amount
            self.balance += amount
            self._pay_on(again if again < self.plan.stops else None, invoice, None)
        self.put(
            self.event("payment.reversed", BANK)
            | {
                "payment_id": number,
                "reversed_on": text(self.now // DAY),
                "reason_code": self.rng.choice(("AM04", "AM04", "AM04", "MS03", "AC04")),
            }
        )

    def _token(self) -> None:
        """A small part of the oldest invoice, from one who has stopped paying."""
        oldest = next((i for i in self.late_ones if i.open > 0), None)
        if oldest is not None:
            self._pay_on(business(self.now // DAY + 1), oldest, oldest.open // self.rng.randrange(4, 12) or 1)

    # -- what happens before -----------------------------------------------------------------------------------

    def _dispute_of(self, invoice: Invoice, day: int, paid: int | None) -> bool:
        """Plan a dispute, if there is time for one before the invoice is paid; False when there is none."""
        rng, due = self.rng, invoice.due
        opened = business(day + 3 + int(rng.random() * 10))
        resolved = min(business(opened + 10 + int(rng.random() * 35)), business_before(due + 50))
        if paid is None or paid <= opened or resolved <= opened:
            return False
        whole = rng.random() < 0.6
        disputed = invoice.amount if whole else int(invoice.amount * (0.1 + 0.5 * rng.random())) or 1
        self.on(opened, self._dispute, invoice, disputed, resolved)
        after = self._settlement(resolved, due, max(paid, resolved + 3 + int(rng.random() * 5)) - due)
        if not whole and after != paid:
            self._pay_on(paid, invoice, invoice.amount - disputed)
        self._pay_on(after, invoice, None)
        return True

    def _dispute(self, invoice: Invoice, disputed: int, resolved: int) -> None:
        disputed = min(disputed, invoice.open)
        if disputed <= 0:
            return
        number = f"D-{invoice.id[2:]}"
        self.put(
            self.event("invoice.disputed", "crm")
            | {
                "invoice_id": invoice.id,
                "dispute_id": number,
                "amount": money(disputed),
                "currency": self.plan.currency,
                "reason": self.rng.choice(
                    ("short delivery", "price", "damaged", "wrong goods", "late delivery")
                ),
            }
        )
        self.on(resolved, self._resolve, invoice, number, disputed)

    def _resolve(self, invoice: Invoice, number: str, disputed: int) -> None:
        upheld = self.rng.random() < 0.55 and invoice.open >= disputed
        self.put(
            self.event("dispute.resolved", "crm")
            | {
                "invoice_id": invoice.id,
                "dispute_id": number,
                "outcome": "upheld" if upheld else "rejected",
            }
        )
        if upheld:
            self._memo(invoice, disputed, "dispute upheld")

    def _memo_before(self, invoice: Invoice, day: int, paid: int | None, share: float) -> None:
        issued = business(day + 2 + int(self.rng.random() * 8))
        if paid is None or issued < paid:
            self.on(issued, self._memo, invoice, max(int(invoice.amount * share), 1), "price correction")

    def _memo(self, invoice: Invoice, minor: int, reason: str) -> None:
        minor = min(minor, invoice.open)
        if minor <= 0:
            return
        invoice.open -= minor
        self.balance -= minor
        event = self.event("invoice.credited", ERP)
        event |= {"memo_id": f"M-{event['event_id'][1:]}", "amount": money(minor)}
        self.put(event | {"currency": self.plan.currency, "invoice_id": invoice.id, "reason": reason})

    def _void(self, invoice: Invoice) -> None:
        if invoice.open == invoice.amount:
            self.balance -= invoice.open
            invoice.open = 0
            self.put(self.event("invoice.voided", ERP) | {"invoice_id": invoice.id})

    def _promise_of(self, invoice: Invoice, paid: int | None) -> None:
        """A reminder gets a promise: kept on the day it is paid anyway, or broken."""
        rng = self.rng
        asked = business(invoice.due + 5 + int(rng.random() * 6))
        if paid is not None and (paid <= asked or rng.random() < self.plan.keeps):
            due_on = paid
        else:
            due_on = business(asked + 3 + int(rng.random() * 5))
        if due_on > asked:
            self.on(asked, self._promise, invoice, due_on)

    def _promise(self, invoice: Invoice, due_on: int) -> None:
        if invoice.open > 0:
            event = self.event("payment.promised", "crm")
            event |= {"promise_id": f"V-{event['event_id'][1:]}", "amount": money(invoice.open)}
            event |= {"currency": self.plan.currency, "due_on": text(due_on), "invoice_ids": [invoice.id]}
            self.put(event)

    def _write_off(self) -> None:
        for invoice in self.late_ones:
            if invoice.open > 0:
                self.balance -= invoice.open
                invoice.open = 0
                self.put(self.event("invoice.written_off", ERP) | {"invoice_id": invoice.id})
        self.late_ones.clear()


__all__ = ["Emitted", "Life", "instant", "money", "two_digits"]
