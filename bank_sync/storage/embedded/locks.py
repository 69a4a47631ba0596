"""File locks (flock). The kernel drops them when the last holder dies, so no crash can leave one behind."""

import fcntl
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bank_sync.storage.embedded.errors import Deadline
from bank_sync.storage.embedded.files import give_to_owner_of

_shares: dict[tuple[int, Path], int] = {}
_shares_guard = threading.Lock()


def open_lock(path: Path) -> int:
    """Open (and if need be create) a lock file; the descriptor is closed in programs this process starts."""
    existed = path.exists()
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    if not existed:
        give_to_owner_of(path.parent, descriptor)
    return descriptor


def try_lock(descriptor: int, *, shared: bool = False) -> bool:
    """Take the lock if that needs no waiting; return whether it was taken."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def acquire(path: Path, deadline: Deadline, *, shared: bool = False) -> int:
    """Wait for the lock and return its descriptor; closing that releases it."""
    while True:
        descriptor = open_lock(path)
        try:
            while not try_lock(descriptor, shared=shared):
                deadline.pause(f"another process that holds {path}")
            if _is_still(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # the file was erased while we waited: lock its successor


def _is_still(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


@contextmanager
def locked(path: Path, deadline: Deadline) -> Iterator[int]:
    """Hold the lock alone for a `with` block, and longer in programs that inherit the descriptor."""
    descriptor = acquire(path, deadline)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def is_held(path: Path) -> bool:
    """Tell whether some process holds the lock alone; looks without creating the file."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return False
    try:
        return not try_lock(descriptor, shared=True)
    finally:
        os.close(descriptor)


def join_users(path: Path, deadline: Deadline) -> bool:
    """Share the lock for the rest of this process's life; return False if it already did."""
    key = (os.getpid(), path)  # a forked child is a user of its own
    with _shares_guard:
        if key in _shares and _is_still(path, _shares[key]):
            return False
        if key in _shares:
            os.close(_shares.pop(key))
        _shares[key] = acquire(path, deadline, shared=True)
        return True


def leave_users(path: Path) -> None:
    """Give this process's share back, if it has one."""
    with _shares_guard:
        descriptor = _shares.pop((os.getpid(), path), None)
        if descriptor is not None:
            os.close(descriptor)
