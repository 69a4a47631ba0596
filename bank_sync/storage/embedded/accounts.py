"""Which system account runs the server, and what that account can reach. Only root has a choice to make."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from bank_sync.storage.embedded.errors import EmbeddedServerError

ACCOUNT_NAME = "bank_sync"


@dataclass(frozen=True, slots=True)
class Account:
    """An unprivileged account that root starts the server as."""

    name: str
    uid: int
    gid: int


def account_for(owned_folder: Path) -> Account | None:
    """Return the account to run as, or None for the current user; a folder's ordinary owner comes first."""
    if os.geteuid() != 0:
        return None
    owner_uid = owned_folder.stat().st_uid
    if owner_uid == 0:
        return _named(ACCOUNT_NAME) or _made(ACCOUNT_NAME) or _fallback()
    try:
        entry = pwd.getpwuid(owner_uid)
    except KeyError:
        raise EmbeddedServerError(
            f"{owned_folder} belongs to user id {owner_uid}, which the system's list of users does not hold; "
            f"give the folder to a user that exists."
        ) from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable_by_anyone(path: Path) -> bool:
    """Tell whether every existing folder from the root down to `path` lets any account pass through."""
    return all(folder.stat().st_mode & 0o001 for folder in (path, *path.parents) if folder.exists())


def _named(name: str) -> Account | None:
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        return None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def _made(name: str) -> Account | None:
    """Make the system account with whichever tool this system has; None if there is none or it fails."""
    commands = (
        [
            "useradd",
            "--system",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/bin/false",
            name,
        ],
        ["adduser", "-S", "-D", "-H", "-h", "/nonexistent", "-s", "/bin/false", name],
    )
    for command in commands:
        if program := shutil.which(command[0], path="/usr/sbin:/sbin:/usr/bin:/bin"):
            subprocess.run(  # noqa: S603 - a fixed command found in fixed folders
                [program, *command[1:]], capture_output=True, check=False, timeout=30
            )
            # asked again rather than trusting the exit code: another process may have been quicker
            if account := _named(name):
                return account
    return None


def _fallback() -> Account:
    if account := _named("nobody"):
        return account
    raise EmbeddedServerError(
        f"PostgreSQL must not run as root and no account for it could be made; create a system account named "
        f"'{ACCOUNT_NAME}', run as an ordinary user, or set a database URL of your own."
    )
