"""A machine that runs Dagster as installations do: a code server and a daemon, each of which can be killed.

Belongs here: their processes, and putting runs into the queue. Does not belong here: what a test expects.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import dagster as dg
import psutil
from dagster._core.remote_origin import (
    RegisteredCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)

from bank_sync.orchestration.launch import dagster_home
from bank_sync.settings import Settings, project_root
from bank_sync_tests.conftest import Clock
from bank_sync_tests.orchestration.clocked_location import CLOCK_FILE

_SCRIPTS = Path(sysconfig.get_path("scripts"))
_MODULE = "bank_sync_tests.orchestration.clocked_location"
ORIGIN = RemoteRepositoryOrigin(RegisteredCodeLocationOrigin("bank_sync"), "__repository__")


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def until(look: Callable[[], bool], what: str, *, seconds: float = 90, poll_s: float = 0.1) -> None:
    """Wait for it.

    Raises:
        TimeoutError: it did not happen in time.
    """
    deadline = time.monotonic() + seconds
    while not look():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not happen within {seconds} s")
        time.sleep(poll_s)


@dataclass
class Machine:
    """The processes, and what they share."""

    settings: Settings
    clock: Clock
    instance: dg.DagsterInstance
    location: dg.Definitions
    port: int = field(default_factory=free_port)
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        """Dagster's folder."""
        return dagster_home(self.settings)

    def start(self, name: str) -> None:
        """Start `code_server` or `daemon`, as a supervisor does after each end."""
        self.tell_time()
        module = ["api", "grpc", "-m", _MODULE, "-h", "127.0.0.1", "-p", str(self.port)]
        programs = {
            "code_server": [str(_SCRIPTS / "dagster"), *module, "--location-name", "bank_sync"],
            "daemon": [str(_SCRIPTS / "dagster-daemon"), "run", "-w", str(self.home / "workspace.yaml")],
        }
        environment = {
            **os.environ,
            **self.settings.as_environment(),
            "DAGSTER_HOME": str(self.home),
            CLOCK_FILE: str(self.home / "clock"),
        }
        with (self.home / f"{name}.log").open("ab") as log:
            self.running[name] = subprocess.Popen(
                programs[name], cwd=project_root(), env=environment, stdout=log, stderr=log
            )

    def tell_time(self) -> None:
        """What the test's clock shows, the processes see."""
        (self.home / "clock").write_text(self.clock.now.isoformat())

    def is_listening(self) -> bool:
        """Whether the code server answers."""
        assert self.running["code_server"].poll() is None, (self.home / "code_server.log").read_text()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def workers(self) -> list[psutil.Process]:
        """The processes of runs."""
        children = psutil.Process(self.running["code_server"].pid).children()
        return [one for one in children if "spawn_main" in " ".join(one.cmdline())]

    def kill(self, name: str) -> None:
        """End it as a machine out of memory does; of `workers`, each."""
        if name == "workers":
            for worker in self.workers():
                worker.kill()
            return
        process = self.running.pop(name)
        process.kill()
        process.wait()

    def queue(self, job_name: str, tags: dict[str, str] | None = None) -> str:
        """Put a run into the queue, as a sensor does; gives its id."""
        run = self.instance.create_run_for_job(
            self.location.resolve_job_def(job_name),
            tags=tags,
            status=dg.DagsterRunStatus.QUEUED,
            remote_job_origin=RemoteJobOrigin(ORIGIN, job_name),
        )
        return run.run_id

    def all_ended(self) -> bool:
        """Whether no run waits or goes on, nor will be started again."""
        return all(run.is_finished for run in self.instance.get_runs())


@contextmanager
def running_machine(
    settings: Settings, clock: Clock, instance: dg.DagsterInstance, location: dg.Definitions
) -> Iterator[Machine]:
    """Code server and daemon, until the block ends."""
    machine = Machine(settings, clock, instance, location)
    server = {"host": "127.0.0.1", "port": machine.port, "location_name": "bank_sync"}
    workspace = {"load_from": [{"grpc_server": server}]}
    (machine.home / "workspace.yaml").write_text(json.dumps(workspace))
    try:
        machine.start("code_server")
        until(machine.is_listening, "the code server's start")
        machine.start("daemon")
        yield machine
    finally:
        _stop(machine)


def _stop(machine: Machine) -> None:
    """Everything, and what outlived its parent."""
    for process in machine.running.values():
        family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
        process.kill()
        process.wait()
        for child in family:
            with suppress(psutil.NoSuchProcess):
                child.kill()
