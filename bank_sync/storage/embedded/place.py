"""Where one home's server keeps its files, and as whom it runs. Decides and remembers; starts nothing."""

import hashlib
import os
import secrets
from dataclasses import dataclass, replace
from pathlib import Path

from bank_sync.storage.embedded.accounts import Account, account_for, reachable_by_anyone
from bank_sync.storage.embedded.errors import EmbeddedServerError
from bank_sync.storage.embedded.files import make_folder, read_text, write_private

SYSTEM_FOLDER = Path("/var/lib/bank_sync")


@dataclass(frozen=True, slots=True)
class Place:
    """One server's files: `folder` is `home/postgres`, `cluster_folder` (usually the same) has the data."""

    folder: Path
    cluster_folder: Path
    account: Account | None

    @property
    def data(self) -> Path:
        """The cluster itself, owned by the account that runs the server."""
        return self.cluster_folder / "data"

    @property
    def server_lock(self) -> Path:
        """Held by every process of the running server; beside the data, for it guards the data."""
        return self.cluster_folder / "server.lock"

    @property
    def log(self) -> Path:
        """The server's messages."""
        return self.folder / "server.log"

    @property
    def passwords(self) -> Path:
        """Every role's password as a JSON object."""
        return self.folder / "passwords.json"

    @property
    def state(self) -> Path:
        """The port, written once roles and databases are complete."""
        return self.folder / "state.json"


def server_folder(home: Path) -> Path:
    """Return `home/postgres` without symbolic links, so that every process names it alike."""
    return home.expanduser().resolve() / "postgres"


def start_lock(folder: Path) -> Path:
    """Return the file locked while one process starts, stops or erases the server."""
    return folder / "start.lock"


def users_lock(folder: Path) -> Path:
    """Return the file shared by all live users of the server."""
    return folder / "users.lock"


def make_server_folder(folder: Path) -> None:
    """Create `home/postgres`; the server's account may pass through it, nobody but the owner may list it."""
    make_folder(folder, 0o711 if os.geteuid() == 0 else 0o700)


def known_place(folder: Path) -> Place | None:
    """Return the place decided earlier, or None before the first start."""
    place = Place(folder, cluster_folder(folder), None)
    return replace(place, account=account_for(place.data)) if place.data.is_dir() else None


def cluster_folder(folder: Path) -> Path:
    """Return the folder that has, or had, the data; `folder` itself unless root had to put it elsewhere."""
    return _location(folder) or folder


def settle_place(folder: Path) -> Place:
    """Return the place, deciding it if this is the first start; call with the start lock held."""
    if known := known_place(folder):
        return known
    account = account_for(folder)
    # an ordinary user's own folder is reachable by that user, whatever its mode
    if account is None or folder.stat().st_uid == account.uid or reachable_by_anyone(folder):
        return Place(folder, folder, account)
    location = _location(folder)
    if location is None:
        location = SYSTEM_FOLDER / f"{_fingerprint(folder)}-{secrets.token_hex(4)}"
        write_private(folder / "data_location", f"{location}\n")
    make_folder(location, 0o711)
    return Place(folder, location, account)


def _location(folder: Path) -> Path | None:
    text = read_text(folder / "data_location")
    if text is None:
        return None
    location = Path(text.strip())
    if not location.name.startswith(f"{_fingerprint(folder)}-"):
        raise EmbeddedServerError(
            f"{folder} was moved or copied from elsewhere, and its database stayed at {location}; move the "
            f"folder back, or delete {folder} to begin with an empty database."
        )
    return location


def _fingerprint(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
