"""A real Chromium before the real page: Kafka, ClickHouse, the three workers and the page, filled with a small book."""

from __future__ import annotations

import subprocess
import time
import urllib.request
import uuid
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright
from pydantic import SecretStr

from streams.settings import Settings, deploy_dir
from tests.browser import story
from tests.integration.pipeline import backfill, deployment, finished, prepare, workers
from tests.ports import free_port

TOKENS = {"mo:manager": SecretStr("token-of-mo"), "ann:analyst": SecretStr("token-of-ann")}


@dataclass(frozen=True)
class Run:
    """A page that is up, and what it stands on."""

    url: str
    kafka: str
    settings: Settings


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, installed where that can be done; else the tests are skipped, loudly.

    Of one module: while it is open playwright's event loop runs, and no other test of the process could run one.
    """
    found = subprocess.run(
        ["sh", str(deploy_dir() / "browser.sh")], capture_output=True, text=True, timeout=600, check=False
    )
    if found.returncode:
        reason = f"NOT TESTED IN A BROWSER: {found.stderr.strip().splitlines()[-1]}"
        warnings.warn(reason, stacklevel=1)
        pytest.skip(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=found.stdout.strip().splitlines()[-1], args=["--no-sandbox"]
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def run(
    chromium: Browser, kafka: str, clickhouse: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Run]:
    """The whole pipeline with the book in it. `chromium` comes first: without one nothing is started."""
    made = deployment(kafka, clickhouse, f"t{uuid.uuid4().hex[:10]}", tmp_path_factory.mktemp("page"))
    settings = made.model_copy(update={"web_port": free_port(), "tokens": TOKENS})
    prepare(settings, kafka)
    backfill(settings, kafka, story.events(story.yesterday()))
    with workers(settings, "intake", "monitor", "store", "web") as crew:
        finished(settings, kafka, crew)
        url = f"http://127.0.0.1:{settings.web_port}"
        until = time.monotonic() + 120
        while True:
            crew.check()
            try:
                urllib.request.urlopen(f"{url}/login", timeout=5).close()
                break
            except OSError:
                assert time.monotonic() < until, "the page does not come up"
                time.sleep(0.2)
        yield Run(url, kafka, settings)


@pytest.fixture
def page(run: Run, chromium: Browser) -> Iterator[Page]:
    """A fresh window. Whatever a script or the policy for content complains of fails the test."""
    context = chromium.new_context(viewport={"width": 1280, "height": 900}, base_url=run.url)
    opened = context.new_page()
    complaints: list[str] = []
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    opened.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    outside: list[str] = []
    opened.on("request", lambda r: outside.append(r.url) if not r.url.startswith(run.url) else None)
    opened.set_default_timeout(30_000)
    yield opened
    context.close()
    assert complaints == []
    assert outside == [], "nothing is fetched from elsewhere"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where a test may leave what it saw."""
    return tmp_path
