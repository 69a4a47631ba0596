"""`bank-sync dev` as a person uses it: the services come up, a partition is materialized, Ctrl-C ends all."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from bank_sync.sandbox.serve import RunningSandbox
from bank_sync.services import open_services
from bank_sync.settings import Settings, load_settings
from bank_sync.storage import embedded
from bank_sync.storage.overview import overview
from bank_sync.sync.onboarding import finish_link
from bank_sync_tests.conftest import link_plaid

BANK_SYNC = Path(sysconfig.get_path("scripts")) / "bank-sync"

ADD_PARTITION = """
mutation Add($key: String!) {
  addDynamicPartition(
    partitionsDefName: "connections", partitionKey: $key,
    repositorySelector: {repositoryName: "__repository__", repositoryLocationName: "bank_sync"}
  ) { __typename }
}
"""
LAUNCH = """
mutation Launch($key: String!) {
  launchRun(executionParams: {
    selector: {repositoryName: "__repository__", repositoryLocationName: "bank_sync",
      jobName: "sync_connection"},
    executionMetadata: {tags: [{key: "dagster/partition", value: $key}]}
  }) { __typename ... on LaunchRunSuccess { run { runId } } }
}
"""
STATUS = """
query Status($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }
"""
LOADED = """
query Loaded {
  workspaceOrError { ... on Workspace { locationEntries { name loadStatus
    locationOrLoadError { ... on RepositoryLocation { repositories {
      schedules { name scheduleState { status } } sensors { name sensorState { status } }
      assetNodes { assetKey { path } } } } ... on PythonError { message } } } } }
}
"""


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(look: Callable[[], Any], *, seconds: float, what: str) -> Any:
    """What `look` gives once it gives something true; fails the test after that many seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = look()
        if found:
            return found
        time.sleep(0.5)
    pytest.fail(f"{what} did not happen within {seconds} s")


def ask(url: str, query: str, **variables: str) -> Any:
    """A GraphQL answer's data; None while the server is not up."""
    try:
        answer = httpx.post(f"{url}/graphql", json={"query": query, "variables": variables}, timeout=30)
    except httpx.TransportError:
        return None
    return answer.json()["data"] if answer.status_code == httpx.codes.OK else None


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The local state of a fresh checkout, with its own embedded database."""
    folder = tmp_path / "home"
    yield folder
    embedded.erase(folder)


def _environment(home: Path) -> dict[str, str]:
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("BANK_SYNC_", "DAGSTER_"))
    }
    return {**kept, "BANK_SYNC_HOME": str(home)}


def _link(settings: Settings) -> str:
    """A person connects a bank while everything runs."""
    with open_services(settings) as services:
        proof = link_plaid(services, RunningSandbox(settings.sandbox_url), "user_good")
        return finish_link(services, "plaid", user_reference="person", proof=proof)


@pytest.mark.timeout(300)  # the webserver, the daemon and two code locations start on a busy machine
def test_materialize_one_partition_from_the_webserver(home: Path, tmp_path: Path) -> None:
    """Locations load, a partition is added and materialized through GraphQL, and SIGINT leaves nothing."""
    port, sandbox_port = free_port(), free_port()
    log = (tmp_path / "dev.log").open("wb")
    ports = ["--port", str(port), "--sandbox-port", str(sandbox_port), "--web-port", str(free_port())]
    command = [str(BANK_SYNC), "dev", *ports]
    dev = subprocess.Popen(command, env=_environment(home), stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    try:
        entries = until(lambda: _loaded(url), seconds=180, what="loading the code locations")
        assert {one["name"]: one["loadStatus"] for one in entries} == {
            "bank_sync": "LOADED",
            "bank_sync_dbt": "LOADED",
        }
        ours = next(one for one in entries if one["name"] == "bank_sync")["locationOrLoadError"][
            "repositories"
        ][0]
        for kind, state in (("schedules", "scheduleState"), ("sensors", "sensorState")):
            assert ours[kind]
            assert {one[state]["status"] for one in ours[kind]} == {"RUNNING"}
        settings = load_settings(
            home=home,
            database_url=None,
            sandbox_url=f"http://127.0.0.1:{sandbox_port}",
            environment="sandbox",
        )
        connection_id = _link(settings)
        assert ask(url, ADD_PARTITION, key=connection_id) is not None
        launched = ask(url, LAUNCH, key=connection_id)["launchRun"]
        run_id = launched["run"]["runId"]
        ended = until(lambda: _ended(url, run_id), seconds=120, what="the run's end")
        assert ended == "SUCCESS"
        with open_services(settings) as services, services.engine.connect() as db:
            assert overview(db)[0].transactions > 100
        processes = psutil.Process(dev.pid).children(recursive=True)
    finally:
        dev.send_signal(signal.SIGINT)
        code = dev.wait(90)
        log.close()
    assert code == 0, (tmp_path / "dev.log").read_text()[-2000:]
    _gone, alive = psutil.wait_procs(processes, timeout=10)
    assert [one.pid for one in alive] == []


def _loaded(url: str) -> Any:
    data = ask(url, LOADED)
    entries = data["workspaceOrError"]["locationEntries"] if data else []
    return entries if len(entries) == 2 and all(one["loadStatus"] == "LOADED" for one in entries) else None


def _ended(url: str, run_id: str) -> str | None:
    status: str = ask(url, STATUS, id=run_id)["runOrError"]["status"]
    return status if status in {"SUCCESS", "FAILURE", "CANCELED"} else None
