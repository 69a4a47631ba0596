"""`bank-sync keys`: keys of applications that use the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

import typer

from bank_sync.cli import terminal
from bank_sync.cli.opening import ready_services
from bank_sync.storage import api_keys, journal
from bank_sync.storage.api_keys import ApiKey, Scope
from bank_sync.storage.database import transaction

app = typer.Typer(no_args_is_help=True, help="Keys of applications that use the API.")

_OPERATOR = "operator"


@app.command()
def create(
    name: Annotated[str, typer.Argument(help="What it is for.")],
    read_only: Annotated[bool, typer.Option("--read-only", help="Good for reading alone.")] = False,  # noqa: FBT002 - a command-line flag
) -> None:
    """Make a key and print it, once: it is not stored.

    Example: `bank-sync keys create my-app`
    """
    scopes = frozenset({Scope.READ} if read_only else {Scope.READ, Scope.WRITE})
    with ready_services() as services, transaction(services.engine) as db:
        key, text = api_keys.create_key(db, name, scopes, now=services.clock())
        details = {"key_id": key.key_id, "scopes": sorted(scopes)}
        journal.record_audit(db, action="key_created", actor=_OPERATOR, connection_id=None, details=details)
    print(text)


@app.command("list")
def list_all() -> None:
    """List the keys, without their secrets.

    Example: `bank-sync keys list`
    """
    with ready_services() as services, transaction(services.engine) as db:
        found, now = api_keys.list_keys(db), services.clock()
    if not found:
        terminal.out.print("There are no keys. Make one with `bank-sync keys create NAME`.")
        return
    table = terminal.table(None, "key", "name", "scopes", "made", "last used", "state")
    for key in found:
        made, used = terminal.ago(key.created_at, now), terminal.ago(key.last_used_at, now)
        table.add_row(key.key_id, key.name, ", ".join(sorted(key.scopes)), made, used, _state(key))
    terminal.out.print(table)


def _state(key: ApiKey) -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "good" if key.ends_at is None else f"ends {key.ends_at:%Y-%m-%d %H:%M}"


@app.command()
def rotate(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    in_hours: Annotated[
        int, typer.Option(min=0, help="How long the old one stays good, while the new one is put in place.")
    ] = 24,
) -> None:
    """Make a successor of a key, with its name and scopes, print it once, and end the old one in a day.

    Example: `bank-sync keys rotate 01k...`
    """
    with ready_services() as services, transaction(services.engine) as db:
        now = services.clock()
        key, text = api_keys.rotate_key(db, key_id, ends_at=now + timedelta(hours=in_hours), now=now)
        details = {"key_id": key.key_id, "replaces": key_id}
        journal.record_audit(db, action="key_rotated", actor=_OPERATOR, connection_id=None, details=details)
    print(text)
    terminal.err.print(f"The old key {key_id} ends {'now' if not in_hours else f'in {in_hours} hours'}.")


@app.command()
def revoke(
    key_id: Annotated[str, typer.Argument(help="As `keys list` shows it.")],
    in_hours: Annotated[
        int, typer.Option(min=0, help="Leave it good so long, while its successor is put in place.")
    ] = 0,
) -> None:
    """End a key at once, or after some hours.

    Example: `bank-sync keys revoke 01k... --in-hours 24`
    """
    with ready_services() as services, transaction(services.engine) as db:
        now = services.clock()
        api_keys.end_key(db, key_id, at=now + timedelta(hours=in_hours), now=now)
        journal.record_audit(
            db, action="key_revoked", actor=_OPERATOR, connection_id=None, details={"key_id": key_id}
        )
    terminal.out.print(f"Key {key_id} ends {'now' if not in_hours else f'in {in_hours} hours'}.")
