"""A real browser before the web side, the pretend banks behind it, and a worker that does what is asked."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from bank_sync.services import Services
from bank_sync.storage.connections import due_connections
from bank_sync.storage.database import transaction
from bank_sync.storage.sync_requests import note_started, waiting_requests
from bank_sync.sync.whole import sync_connection
from bank_sync_tests.web.conftest import services, settings, site
from bank_sync_tests.web.people import api, api_key

__all__ = ["services", "settings", "site"]

_SCREENSHOTS = Path(__file__).resolve().parents[2] / "build" / "screenshots"
_PATIENCE_MS = 30_000
_SERIOUS = {"serious", "critical"}
_LOOKS = {"phone": (390, 844), "desktop": (1280, 900)}


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The system's Chromium, headless."""
    program = shutil.which("chromium")
    assert program is not None, "Install Debian's package chromium to run these tests."
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser) -> Iterator[BrowserContext]:
    """A browser nobody has used."""
    fresh = chromium.new_context(viewport={"width": 390, "height": 844})
    fresh.set_default_timeout(_PATIENCE_MS)
    yield fresh
    fresh.close()


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """A tab that fails the test where a page has an error of script or policy."""
    tab = context.new_page()
    tab.on("pageerror", lambda error: pytest.fail(f"script error: {error}"))
    tab.on("console", lambda said: print(f"console {said.type}: {said.text}"))
    return tab


@pytest.fixture
def open_for(page: Page, site: str, services: Services) -> Callable[[str, str], Page]:
    """Opens a page for a person by an address that the API made."""
    key = api_key(services)

    def opened(person: str, which: str = "connect") -> Page:
        with api(site, key, person) as application:
            url = application.post("/sessions", json={"page": which}).raise_for_status().json()["url"]
        page.goto(url)
        return page

    return opened


@pytest.fixture
def work(services: Services) -> Callable[[], None]:
    """What the sensors' runs do: sync what is due or asked for."""

    def done() -> None:
        with transaction(services.engine) as db:
            asked = waiting_requests(db, limit=100)
            due = due_connections(db, now=services.clock(), limit=100)
            note_started(db, [one.request_id for one in asked], now=services.clock())
        for name in dict.fromkeys(
            [*(one.connection_id for one in asked), *(one.connection_id for one in due)]
        ):
            try:
                sync_connection(services, name)
            except Exception as error:  # noqa: BLE001 - a login that fails is shown on the page
                print(f"sync of {name}: {error}")

    return done


@pytest.fixture
def looks_good(page: Page) -> Callable[[str], None]:
    """Keeps screenshots (phone and desktop, light and dark) and finds no serious fault of accessibility."""

    def checked(name: str) -> None:
        _SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
        for scheme in schemes:
            page.emulate_media(color_scheme=scheme)
            for device, (width, height) in _LOOKS.items():
                page.set_viewport_size({"width": width, "height": height})
                page.screenshot(path=_SCREENSHOTS / f"{name}-{device}-{scheme}.png", full_page=True)
                wide = page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
                assert not wide, f"{name} scrolls sideways on a {device}"
            found = Axe().run(page).response["violations"]
            serious = [
                (one["id"], [node["html"] for node in one["nodes"]])
                for one in found
                if one["impact"] in _SERIOUS
            ]
            assert serious == [], f"{name} in {scheme}"
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": 390, "height": 844})

    return checked
