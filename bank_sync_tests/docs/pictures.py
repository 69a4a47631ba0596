"""Pictures of Dagster's UI after a mixed batch: some connections synced, some failed, some untouched.

Belongs here: the stage and the pictures. Does not belong here: figures (`benchmarks`).

    python -m bank_sync_tests.docs.pictures --into docs/images

Needs `chromium` on the path. It works in a database and a home of its own, which it erases.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

import httpx
from sqlalchemy import text

from bank_sync.cli.demo_people import Person, prove
from bank_sync.orchestration.batch import REFRESH_DUE_CONNECTIONS
from bank_sync.orchestration.build import build_definitions
from bank_sync.orchestration.launch import dagster_home, open_instance
from bank_sync.orchestration.partitions import CONNECTIONS
from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import running_sandbox
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import connections, embedded
from bank_sync.storage.database import transaction
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from bank_sync.sync.onboarding import finish_link
from benchmarks.stage import webserver

_BANKS = (("plaid", "ins_109508", "US"), ("teller", "security_cu", "US"), ("plaid", "ins_56", "US"))
_PEOPLE, _FAILING, _UNTOUCHED = 24, 4, 6
_WORKSPACE = "load_from:\n  - python_module: {module_name: bank_sync.definitions, location_name: bank_sync}\n"
_ASSET = "normalized_transactions"


def link(services: Services) -> list[str]:
    """People at three banks, linked a while ago; the last few are not due yet."""
    found = []
    for number in range(_PEOPLE):
        person = Person(f"person-{number}", *_BANKS[number % len(_BANKS)])
        proof = prove(services, person, services.settings.sandbox_url)
        found.append(finish_link(services, person.provider, user_reference=person.reference, proof=proof))
    with transaction(services.engine) as db:
        db.execute(text("UPDATE bank.connections SET linked_at = linked_at - interval '2 hours'"))
        for connection_id in found[-_UNTOUCHED:]:
            later = services.clock() + timedelta(days=1)
            connections.update_connection(db, connection_id, next_sync_at=later)
    return found


def break_login(services: Services, connection_id: str) -> None:
    """The bank wants the person to log in again."""
    with transaction(services.engine) as db:
        connection = connections.get_connection(db, connection_id)
        token = connections.open_credential(db, services.cipher, connection).secret
    url = f"{services.settings.sandbox_url}/_sandbox/links/{token}/break"
    httpx.post(url, json={}).raise_for_status()


def picture(url: str, file: Path, *, height: int = 900) -> None:
    """What a browser shows after it has had time to ask for everything."""
    browser = shutil.which("chromium")
    if browser is None:
        raise SystemExit("chromium is missing: apt-get install chromium")
    wish = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--virtual-time-budget=20000"]
    size = [f"--window-size=1440,{height}", f"--screenshot={file}"]
    subprocess.run([browser, *wish, *size, url], check=True, capture_output=True)


def main() -> None:
    """Set the stage, take the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--into", type=Path, default=Path("docs/images"))
    folder = parser.parse_args().into
    folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pictures-", dir="/tmp")))
        sandbox = stack.enter_context(running_sandbox(SandboxConfig()))
        settings = load_settings(environment="sandbox", home=home, sandbox_url=sandbox.url, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        instance = stack.enter_context(open_instance(settings))
        linked = link(services)
        for connection_id in linked[:_FAILING]:
            break_login(services, connection_id)
        instance.add_dynamic_partitions(CONNECTIONS, linked)
        job = build_definitions(settings).resolve_job_def(REFRESH_DUE_CONNECTIONS)
        job.execute_in_process(instance=instance)
        (dagster_home(settings) / "workspace.yaml").write_text(_WORKSPACE)
        url, _ = stack.enter_context(webserver(settings))
        synced = {"view": "partitions", "partition": linked[_FAILING]}
        picture(f"{url}/assets/{_ASSET}?{urlencode(synced)}", folder / "partitions.png")


if __name__ == "__main__":
    main()
