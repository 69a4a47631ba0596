"""Start, join, ask after, stop and erase one home's server. Each step's how is in the sister modules."""

import os
import shutil
import signal
from collections.abc import Mapping
from pathlib import Path

import psycopg

from bank_sync.storage.embedded import cluster, locks
from bank_sync.storage.embedded.binaries import find_bindir
from bank_sync.storage.embedded.errors import Deadline, EmbeddedServerError, os_errors_explained
from bank_sync.storage.embedded.place import (
    Place,
    cluster_folder,
    known_place,
    make_server_folder,
    server_folder,
    settle_place,
    start_lock,
    users_lock,
)
from bank_sync.storage.embedded.ports import free_port, known_port, remember_port
from bank_sync.storage.embedded.roles import (
    ADMIN,
    complete_cluster,
    connect_as_admin,
    passwords_for,
    read_passwords,
)
from bank_sync.storage.embedded.server import HOST, EmbeddedServer

# a port taken between our look and the server's is cured by another attempt, a kill during start-up too
_ATTEMPTS = 4
_ORPHAN_GRACE_S = 2.0
_FAST_STOP_S = 30.0
_IMMEDIATE_STOP_S = 10.0


def ensure_running(home: Path, *, bindir: Path | None = None, timeout_s: float = 60) -> EmbeddedServer:
    """Return the server of `home`, made, started or healed if need be, and count this process as a user.

    `bindir` names another PostgreSQL's programs. The process stays a user until it ends or calls `stop`.
    Raises EmbeddedServerError if the server does not accept a login within `timeout_s` seconds.
    """
    folder, deadline = server_folder(home), Deadline.after(timeout_s)
    with os_errors_explained(folder):
        make_server_folder(folder)
        is_new_user = locks.join_users(users_lock(folder), deadline)
        try:
            return _joined(folder) or _started(folder, bindir, deadline)
        except BaseException:
            if is_new_user:
                locks.leave_users(users_lock(folder))
            raise


def status(home: Path) -> EmbeddedServer | None:
    """Return the server of `home` if it is up and complete; starts and creates nothing, counts as no user."""
    folder = server_folder(home)
    with os_errors_explained(folder):
        return _joined(folder)


def stop(home: Path, *, if_unused: bool = False) -> bool:
    """Stop the server and wait until it is gone; return whether it was stopped.

    With `if_unused` a server that other live processes use stays up. The calling process itself no longer
    counts as a user afterwards. Raises EmbeddedServerError if the server does not stop.
    """
    folder, deadline = server_folder(home), Deadline.after(60)
    with os_errors_explained(folder):
        if not folder.is_dir():
            return False
        locks.leave_users(users_lock(folder))
        with locks.locked(start_lock(folder), deadline):
            return _stopped(folder, if_unused=if_unused)


def erase(home: Path) -> None:
    """Stop the server and delete its data, passwords and log, wherever they live; `home` itself stays."""
    folder, deadline = server_folder(home), Deadline.after(60)
    with os_errors_explained(folder):
        if not folder.is_dir():
            return
        locks.leave_users(users_lock(folder))
        with locks.locked(start_lock(folder), deadline):
            _stopped(folder, if_unused=False)
            # the folder that tells where the data live goes last, so that a crash here can be finished later
            for made in (cluster_folder(folder), folder):
                if made.exists():
                    shutil.rmtree(made)


def _joined(folder: Path) -> EmbeddedServer | None:
    """The quick way in: no start lock, one login."""
    place = known_place(folder)
    passwords = read_passwords(place) if place else None
    if place is None or passwords is None or not locks.is_held(place.server_lock):
        return None
    server = _answering(place, passwords)
    return server if server and known_port(place) == server.port else None


def _answering(place: Place, passwords: Mapping[str, str]) -> EmbeddedServer | None:
    """Return the server if it lets the superuser in now; None while it starts, recovers or stops."""
    pid_file = cluster.read_pid_file(place.data)
    # a stale file's port may be another server's by now, even that of the folder this one was copied from
    if pid_file is None or not pid_file.ready or cluster.postmaster_pid(place.data) != pid_file.pid:
        return None
    try:
        connect_as_admin(pid_file.port, passwords).close()
    except psycopg.OperationalError as error:
        # on a login libpq gives the reason only as text; the server's language is fixed to English
        if "password authentication failed" in str(error):
            raise EmbeddedServerError(
                f"The server in {place.data} refuses the superuser's password in {place.passwords}; restore "
                f"that file from a backup. The log is {place.log}."
            ) from None
        return None
    return EmbeddedServer(HOST, pid_file.port, pid_file.pid, place.data, passwords)


def _started(folder: Path, bindir: Path | None, deadline: Deadline) -> EmbeddedServer:
    with locks.locked(start_lock(folder), deadline):
        place = settle_place(folder)
        passwords = passwords_for(place)
        server = _awaited(place, passwords, deadline) or _launched(place, bindir, passwords, deadline)
        try:
            complete_cluster(server.port, passwords)
        except psycopg.Error as error:
            raise EmbeddedServerError(
                f"The roles and databases could not be made (SQLSTATE {error.sqlstate}); try again, and read "
                f"{place.log} if it stays so."
            ) from None
        remember_port(place, server.port)
        return server


def _launched(
    place: Place, bindir: Path | None, passwords: Mapping[str, str], deadline: Deadline
) -> EmbeddedServer:
    programs = find_bindir(bindir, place.account, deadline)
    cluster.trim_log(place)
    log_offset_bytes = cluster.log_size_bytes(place)
    port = known_port(place)
    for _ in range(_ATTEMPTS):
        with locks.locked(place.server_lock, deadline) as lock:
            cluster.remove_unfinished(place)
            if not place.data.is_dir():
                cluster.create_cluster(place, programs, (ADMIN, passwords[ADMIN]), lock, deadline)
            cluster.disarm_stale_pid_file(place.data)
            cluster.launch(place, programs, free_port(port), lock, deadline)
        if server := _awaited(place, passwords, deadline):
            return server
        port = None
    reasons = cluster.log_after(place, log_offset_bytes).splitlines()
    fatal = [line.partition("FATAL:")[2].strip() for line in reasons if "FATAL:" in line]
    reason = (fatal or reasons or ["no reason given"])[-1][:200]
    raise EmbeddedServerError(f"PostgreSQL did not start ({reason}); the whole story is in {place.log}.")


def _awaited(place: Place, passwords: Mapping[str, str], deadline: Deadline) -> EmbeddedServer | None:
    """Wait while some process of the server lives, through crash recovery too; None once all are gone."""
    headless_since_s = deadline.monotonic()
    while _is_alive(place):
        if server := _answering(place, passwords):
            return server
        if cluster.postmaster_pid(place.data) is not None:
            headless_since_s = deadline.monotonic()
        elif deadline.monotonic() - headless_since_s > _ORPHAN_GRACE_S:
            cluster.kill_orphans(place.data)
        deadline.pause(f"PostgreSQL to accept connections; its messages are in {place.log}")
    return None


def _is_alive(place: Place) -> bool:
    """The lock tells of every process we started; the second look is for a server started by hand."""
    return locks.is_held(place.server_lock) or cluster.postmaster_pid(place.data) is not None


def _stopped(folder: Path, *, if_unused: bool) -> bool:
    place = known_place(folder)
    if place is None or not _is_alive(place):
        return False
    users = locks.open_lock(users_lock(folder))
    try:
        # held alone until the server is gone, so that nobody joins a server on its way out
        if not locks.try_lock(users) and if_unused:
            return False
        return _shut_down(place)
    finally:
        os.close(users)


def _shut_down(place: Place) -> bool:
    """Fast shutdown, then immediate (recovery cleans up at the next start), then the kernel's way."""
    for number, patience_s in ((signal.SIGINT, _FAST_STOP_S), (signal.SIGQUIT, _IMMEDIATE_STOP_S)):
        pid = cluster.postmaster_pid(place.data)
        if pid is not None:
            cluster.send_signal(pid, number)
            if _is_gone_within(place, patience_s):
                return True
    cluster.kill_orphans(place.data)
    if not _is_gone_within(place, _IMMEDIATE_STOP_S):
        raise EmbeddedServerError(
            f"The server in {place.data} does not stop; end process {cluster.postmaster_pid(place.data)} by "
            f"hand. Its messages are in {place.log}."
        )
    return True


def _is_gone_within(place: Place, patience_s: float) -> bool:
    patience = Deadline.after(patience_s)
    while _is_alive(place):
        if patience.remaining_s() <= 0:
            return False
        patience.sleep(0.005)
    return True
