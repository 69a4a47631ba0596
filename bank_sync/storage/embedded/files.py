"""Folders and small private files: exact modes, written whole or not at all, safe against power loss."""

import os
import secrets
from pathlib import Path


def make_folder(path: Path, mode: int) -> None:
    """Create `path` and missing parents with `mode`, whatever the umask; what is there stays untouched."""
    if path.is_dir():
        return
    make_folder(path.parent, mode)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise NotADirectoryError(20, "Not a folder", str(path)) from None
        return
    path.chmod(mode)
    give_to_owner_of(path.parent, path)


def give_to_owner_of(folder: Path, made: Path | int) -> None:
    """Let root hand what it made in an ordinary user's folder to that user; others change nothing."""
    owner = folder.stat()
    # a sticky, world-writable folder such as /tmp says nothing about who its contents are for
    if os.geteuid() == 0 and owner.st_uid != 0 and not owner.st_mode & 0o002:
        os.chown(made, owner.st_uid, owner.st_gid)


def write_private(path: Path, text: str) -> None:
    """Replace `path` with `text`, mode 0600; after a crash the file holds either the old text or the new."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(6)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
        give_to_owner_of(path.parent, descriptor)
    draft.replace(path)
    sync_folder(path.parent)


def read_text(path: Path) -> str | None:
    """Return the file's text, or None where there is no such file; refuses a symbolic link.

    Root reads files in a folder that the server's account may write: a link there could point anywhere.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except (FileNotFoundError, NotADirectoryError):
        return None
    with os.fdopen(descriptor, encoding="utf-8") as file:
        return file.read()


def sync_folder(path: Path) -> None:
    """Make renames inside `path` survive power loss."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
