"""`bank-sync dev` and `bank-sync sandbox`: the services of a workstation.

Belongs here: which processes run together and with which environment. Does not belong here: keeping them
alive (`cli.supervisor`).
"""

from __future__ import annotations

import os
import sysconfig
import time
from pathlib import Path
from typing import Annotated

import httpx
import typer
from pydantic import SecretStr

from bank_sync.cli import terminal
from bank_sync.cli.ports import demand_free_port
from bank_sync.cli.supervisor import Supervisor
from bank_sync.domain.errors import SettingsError
from bank_sync.settings import SANDBOX_PORT, WEB_PORT, Settings, load_settings, project_root
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate

_LOOPBACK = "127.0.0.1"
_WEBSERVER_START_S = 120.0
_POLL_S = 0.5
_SEED = "1"  # the world of the pretend banks, and the secrets they sign with


def sandbox(
    port: Annotated[int, typer.Option(help="0 takes any free port.")] = SANDBOX_PORT,
    host: Annotated[str, typer.Option(help="Loopback unless told otherwise.")] = _LOOPBACK,
    seed: Annotated[str, typer.Option(help="Another seed is another world.")] = _SEED,
) -> None:
    """Run the pretend banks alone: Plaid, Teller and GoCardless on one port.

    Example: `bank-sync sandbox --port 8765`
    """
    from bank_sync.sandbox.config import SandboxConfig
    from bank_sync.sandbox.serve import run

    settings = load_settings()
    if settings.environment == "production":
        raise SettingsError("The pretend banks do not run in production.")
    folder = settings.home / "sandbox"
    folder.mkdir(parents=True, exist_ok=True)
    demand_free_port(host, port, option="--port")
    run(host=host, port=port, config=SandboxConfig(seed=seed, state_path=folder / "state.json"))


def dev(
    port: Annotated[int, typer.Option(help="Where the Dagster UI listens.")] = 3000,
    sandbox_port: Annotated[int, typer.Option(help="Where the pretend banks listen.")] = SANDBOX_PORT,
    web_port: Annotated[int, typer.Option(help="Where API, pages and webhooks listen.")] = WEB_PORT,
) -> None:
    """Run the database, the pretend banks, the web side and Dagster until Ctrl-C; then stop them all.

    Example: `bank-sync dev --port 3001`
    """
    settings = load_settings()
    demand_free_port(_LOOPBACK, port, option="--port")
    demand_free_port(_LOOPBACK, web_port, option="--web-port")
    pretend = settings.environment != "production"
    if pretend:
        demand_free_port(_LOOPBACK, sandbox_port, option="--sandbox-port")
        settings = _pretending(settings, sandbox_port, web_port)
    try:
        migrate(locate(settings))
        ended = _run_together(settings, port, sandbox_port if pretend else None, web_port)
    finally:
        if settings.database_url is None:
            _stop_database(settings)
    terminal.out.print("Everything is stopped.")
    if ended is not None:
        terminal.err.print(
            f"[red]{ended} ended by itself, so the rest was stopped. Its output is above.[/red]"
        )
        raise typer.Exit(1)


def _pretending(settings: Settings, sandbox_port: int, web_port: int) -> Settings:
    """What belongs to the pretend banks of this machine: their address, and the secrets they sign with."""
    from bank_sync.sandbox.webhooks.signing import TellerSecrets

    update: dict[str, object] = {"sandbox_url": f"http://{_LOOPBACK}:{sandbox_port}"}
    if "public_url" not in settings.model_fields_set:
        update["public_url"] = f"http://{_LOOPBACK}:{web_port}"
    if settings.teller_webhook_secrets is None:
        update["teller_webhook_secrets"] = SecretStr(TellerSecrets(_SEED).live[0])
    return settings.model_copy(update=update)


def _run_together(settings: Settings, port: int, sandbox_port: int | None, web_port: int) -> str | None:
    """Run until interrupted; the name of a process that ended by itself, or None."""
    from bank_sync.orchestration.launch import dagster_home

    scripts, root = Path(sysconfig.get_path("scripts")), project_root()
    environment = {**os.environ, **settings.as_environment(), "DAGSTER_HOME": str(dagster_home(settings))}
    with Supervisor() as supervisor:
        if sandbox_port is not None:
            command = [str(scripts / "bank-sync"), "sandbox", "--port", str(sandbox_port)]
            supervisor.start("The sandbox", command, environment=environment, folder=root)
            environment["BANK_SYNC_SANDBOX_URL"] = settings.sandbox_url
        command = [str(scripts / "bank-sync"), "serve", "--port", str(web_port)]
        supervisor.start("The web side", command, environment=environment, folder=root)
        address = ["--host", _LOOPBACK, "--port", str(port)]
        command = [str(scripts / "dagster"), "dev", "--workspace", str(root / "workspace.yaml"), *address]
        supervisor.start("Dagster", command, environment=environment, folder=root)
        _announce(supervisor, port, settings)
        ended = supervisor.wait()
        terminal.out.print("Stopping …")
    return ended.name if ended else None


def _announce(supervisor: Supervisor, port: int, settings: Settings) -> None:
    """Print the addresses once the UI answers; Dagster's own output goes on above and below."""
    url = f"http://{_LOOPBACK}:{port}"
    deadline = time.monotonic() + _WEBSERVER_START_S
    while time.monotonic() < deadline and not supervisor.interrupted and not supervisor.ended():
        try:
            httpx.get(f"{url}/server_info", timeout=_POLL_S, trust_env=False).raise_for_status()
        except httpx.HTTPError:
            time.sleep(_POLL_S)
            continue
        terminal.out.print(f"\n[bold green]Dagster is ready: {url}[/bold green]")
        terminal.out.print(f"Web side: {settings.public_url}   `bank-sync connect` opens it for a person.")
        if settings.environment != "production":
            terminal.out.print(f"Pretend banks: {settings.sandbox_url}   Ctrl-C stops everything.\n")
        return


def _stop_database(settings: Settings) -> None:
    """Stop the embedded server unless another process uses it."""
    from bank_sync.storage.embedded import stop

    stop(settings.home, if_unused=True)
