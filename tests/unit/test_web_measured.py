"""What the page tells those who run it: requests by address and class, streams, the store; and its two verdicts."""

from __future__ import annotations

import asyncio
import urllib.error
import urllib.request
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from streams.errors import Refused
from streams.metrics import METRICS as TABLE
from streams.metrics import PORTS, serve
from streams.settings import Settings
from streams.web import measured
from streams.web.measured import EVERY, METRICS, STALL_SECONDS, MeasuredStore, PageMetrics, Pulse
from streams.web.queries import ready
from tests.ports import free_port
from tests.web_kit import ACCOUNT, PAGES, Browser, MemoryStore, account, browser

REQUESTS = "bellwether_page_requests_total"


def counted(it: Browser) -> dict[tuple[str, ...], float]:
    """(name of the sample, values of the labels but `app`) -> value, as a scrape finds it."""
    assert it.client.app is not None
    return read(it.client.app[METRICS])


def read(metrics: PageMetrics) -> dict[tuple[str, ...], float]:
    return {
        (s.name, *(value for label, value in s.labels.items() if label != "app")): s.value
        for family in metrics.collect()
        for s in family.samples
    }


def test_requests_are_counted_by_the_template_of_their_address_and_the_class_of_the_answer() -> None:
    with browser() as it:
        for path in (
            f"/accounts/{ACCOUNT}",
            "/accounts/another",
            "/accounts?sort=price",
            "/nothing",
            "/wp.php",
        ):
            it.get(path)
        it.post("/accounts", {})
        seen = counted(it)
    assert {key[1:]: value for key, value in seen.items() if key[0] == REQUESTS and value} == {
        ("/accounts/{id}", "2xx"): 2,
        ("/accounts", "4xx"): 1,
        ("none", "4xx"): 3,
    }
    assert seen["bellwether_page_request_seconds_count", "/accounts/{id}"] == 2


def test_no_account_becomes_a_label() -> None:
    with browser(MemoryStore(account=[account(account_id="C-SECRET")])) as it:
        for path in (
            *PAGES,
            "/accounts/C-SECRET",
            "/accounts/C-SECRET/x",
            "/C-SECRET",
            "/accounts?q=C-SECRET",
        ):
            it.get(path)
        labels = {value for key in counted(it) for value in key[1:]}
    assert not [value for value in labels if "SECRET" in value or ACCOUNT in value]


@pytest.mark.parametrize(
    ("error", "status", "failed"),
    [(RuntimeError("x"), "5xx", 1), (Refused("away"), "5xx", 1), (None, "2xx", 0)],
)
def test_a_store_that_does_not_answer_is_counted_and_so_is_the_page_that_failed_for_it(
    error: Exception | None, status: str, failed: int
) -> None:
    store = MemoryStore(**({"letters": error} if error else {}))
    with browser(store) as it:
        it.get("/dead-letters")
        seen = counted(it)
    assert seen[REQUESTS, "/dead-letters", status] == 1
    assert seen["bellwether_page_store_errors_total",] == failed
    asked = seen["bellwether_page_store_query_seconds_count",]
    assert asked == len(store.asked) > 1


def test_answers_that_never_came_stand_as_nothing_so_that_the_first_is_seen() -> None:
    with browser() as it:
        seen = counted(it)
        assert it.client.app is not None
        routes = {resource.canonical for resource in it.client.app.router.resources()}
    assert {key[1] for key in seen if key[0] == REQUESTS} == routes
    assert seen[REQUESTS, "/accounts/{id}", "5xx"] == seen["bellwether_page_store_errors_total",] == 0


def test_an_event_stream_counts_while_it_lasts_and_has_no_latency() -> None:
    with browser(bind="127.0.0.1") as it:

        async def watched() -> tuple[float, float]:
            async with it.client.get("/live") as stream:
                await stream.content.readline()
                during = counted(it)["bellwether_page_event_streams",]
            for _ in range(200):
                if not counted(it)["bellwether_page_event_streams",]:
                    break
                await asyncio.sleep(0.05)
            return during, counted(it)["bellwether_page_event_streams",]

        assert it.loop.run_until_complete(watched()) == (1, 0)
        seen = counted(it)
    assert ("bellwether_page_request_seconds_count", "/live") not in seen


def test_a_redirect_is_no_failure() -> None:
    with browser(bind="0.0.0.0") as it:
        assert it.get("/accounts").status == 303
        assert counted(it)[REQUESTS, "/accounts", "3xx"] == 1


def test_a_browser_that_leaves_is_neither_an_answer_nor_an_error_of_the_store() -> None:
    class Slow(MemoryStore):
        async def ask(self, question: Any) -> Any:
            await asyncio.sleep(60)

    metrics = PageMetrics(lambda: 0)

    async def left() -> None:
        asking = asyncio.create_task(MeasuredStore(Slow(), metrics).ask(ready()))
        await asyncio.sleep(0)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        assert asking.cancelled()

    asyncio.run(left())
    seen = read(metrics)
    assert seen["bellwether_page_store_query_seconds_count",] == 1
    assert seen["bellwether_page_store_errors_total",] == 0


def test_the_page_serves_its_rows_of_the_table() -> None:
    served = {family.name for family in PageMetrics(lambda: 0).collect()}
    assert served == {metric.name.removesuffix("_total") for metric in TABLE if "web" in metric.apps}
    assert len(served) == 5


# ---------------------------------------------------------------- verdicts


def looks(pulse: Pulse, monkeypatch: pytest.MonkeyPatch, *answers: Any) -> list[str | None]:
    """What /readyz says after each look at a store that answers so: an exception is raised, `None` never comes."""
    said: list[str | None] = []
    left = list(answers)

    class Given(MemoryStore):
        async def ask(self, question: Any) -> Any:
            assert question == ready()
            answer = left.pop(0)
            if answer is None:
                await asyncio.sleep(60)
            if isinstance(answer, Exception):
                raise answer
            return [{"one": 1}]

    async def watched() -> None:
        real = asyncio.sleep

        async def sleep(seconds: float) -> None:
            if seconds == EVERY:
                said.append(pulse.unready())
                if not left:
                    raise asyncio.CancelledError
                seconds = 0
            await real(seconds)

        monkeypatch.setattr(asyncio, "sleep", sleep)
        monkeypatch.setattr(measured, "PATIENCE", 0.01)
        await asyncio.gather(asyncio.create_task(pulse.watch(Given())), return_exceptions=True)

    asyncio.run(watched())
    return said


def test_the_page_is_ready_while_the_store_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse()
    assert pulse.unready() == "the store has not been asked yet"
    said = looks(pulse, monkeypatch, 1, Refused("connection refused"), 1, None, 1)
    assert said == [
        None,
        "the store does not answer: connection refused",
        None,
        "the store did not answer within 0 s",
        None,
    ]
    assert pulse.stalled() is None


def test_a_store_that_is_away_is_no_reason_to_start_the_page_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    pulse = Pulse()
    assert looks(pulse, monkeypatch, Refused("away")) != [None]
    assert pulse.stalled() is None


def test_a_page_whose_loop_stands_still_is_stalled() -> None:
    at = [0.0]
    pulse = Pulse(lambda: at[0])
    at[0] = STALL_SECONDS
    assert pulse.stalled() is None
    at[0] = STALL_SECONDS + 5
    assert pulse.stalled() == "the page has done nothing for 65 s"
    assert pulse.unready() == pulse.stalled()


def test_they_are_served_beside_the_metrics_on_the_pages_own_port() -> None:
    port = free_port()
    with browser() as it:
        it.get("/feeds")
        assert it.client.app is not None
        serve(Settings(_env_file=None, metrics_port=port - PORTS["web"]), it.client.app[METRICS])
    at = f"http://127.0.0.1:{port}"
    with urllib.request.urlopen(f"{at}/metrics", timeout=30) as answer:
        found = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
    sample = next(
        s for s in found["bellwether_page_requests"].samples if s.labels["route"] == "/feeds" and s.value
    )
    assert sample.labels == {"app": "web", "route": "/feeds", "status": "2xx"}
    with urllib.request.urlopen(f"{at}/livez", timeout=30) as answer:
        assert answer.read() == b"ok\n"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{at}/readyz", timeout=30)
    with refused.value as error:
        assert (error.code, error.read()) == (503, b"the store has not been asked yet\n")
