"""The cluster as files and processes: initdb, launch, who is alive, signals. Makes no connection."""

import os
import secrets
import shutil
import signal
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from bank_sync.storage.embedded.accounts import Account
from bank_sync.storage.embedded.binaries import major_version
from bank_sync.storage.embedded.errors import Deadline, EmbeddedServerError
from bank_sync.storage.embedded.files import give_to_owner_of, read_text, sync_folder, write_private
from bank_sync.storage.embedded.place import Place
from bank_sync.storage.embedded.server import HOST

_LOG_LIMIT_BYTES = 10_000_000
_FIRST_WITH_BUILTIN_LOCALE = 17
_UNFINISHED = ".unfinished-"
# above every process id a kernel hands out
_NO_SUCH_PID = 2**31 - 1

SETTINGS = {
    "listen_addresses": HOST,
    # no socket: nothing needs one, and its path limit and stale files would be two more ways to fail
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "password_encryption": "scram-sha-256",
    "log_connections": "off",
    # statements and row values of a failed statement are people's bank data: keep them out of the log
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "lc_messages": "C",
}


class _RunAs(TypedDict, total=False):
    user: int
    group: int
    extra_groups: list[int]


@dataclass(frozen=True, slots=True)
class PidFile:
    """The server's own postmaster.pid."""

    pid: int
    port: int
    ready: bool


def read_pid_file(data: Path) -> PidFile | None:
    """Return what postmaster.pid says, or None while it is missing or half written."""
    lines = (read_text(data / "postmaster.pid") or "").splitlines()
    try:
        return PidFile(int(lines[0]), int(lines[3]), lines[7].strip() == "ready")
    except (IndexError, ValueError):
        return None


def postmaster_pid(data: Path) -> int | None:
    """Return the id of the process that postmaster.pid names, if that process is this cluster's server."""
    lines = (read_text(data / "postmaster.pid") or "").splitlines()
    pid = int(lines[0]) if lines and lines[0].isdigit() else None
    return pid if pid is not None and _is_server_of(pid, data) else None


def _is_server_of(pid: int, data: Path) -> bool:
    """Tell a server from a stranger who was given the same process id."""
    if Path("/proc/self/cwd").exists():
        try:
            command = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8")
            return Path(f"/proc/{pid}/cwd").readlink() == data and "postgres" in command
        except OSError:
            return False
    answer = subprocess.run(  # noqa: S603 - fixed program, numeric argument
        ["/bin/ps", "-p", str(pid), "-o", "command="], capture_output=True, text=True, check=False
    )
    return "postgres" in answer.stdout and str(data) in answer.stdout


def kill_orphans(data: Path) -> None:
    """Kill server processes whose postmaster is dead; busy ones could go on unsupervised for long."""
    for process in Path("/proc").glob("[0-9]*"):
        if _is_server_of(int(process.name), data):
            send_signal(int(process.name), signal.SIGKILL)


def send_signal(pid: int, number: signal.Signals) -> None:
    """Send a signal to a process that may be gone already."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def disarm_stale_pid_file(data: Path) -> None:
    """Make a dead server's postmaster.pid harmless if its process id now belongs to a stranger.

    The file is kept, with an impossible id: its shared memory line lets PostgreSQL itself refuse to start
    beside survivors of the old server.
    """
    path = data / "postmaster.pid"
    first, newline, rest = (read_text(path) or "").partition("\n")
    if not rest:
        path.unlink(missing_ok=True)
    elif first != str(_NO_SUCH_PID):
        write_private(path, f"{_NO_SUCH_PID}{newline}{rest}")


def create_cluster(place: Place, bindir: Path, login: tuple[str, str], lock: int, deadline: Deadline) -> None:
    """Run initdb in a folder of its own and move the result into place: no half-made cluster is ever used.

    `login` is the superuser's name and password; initdb inherits the server lock's descriptor `lock`, so
    that nobody clears up or begins anew beside an initdb whose starter was killed.
    """
    draft = place.cluster_folder / f"{_UNFINISHED}{secrets.token_hex(6)}"
    draft.mkdir(mode=0o700)
    password_file = draft / "password"
    write_private(password_file, f"{login[1]}\n")
    if place.account:
        os.chown(password_file, place.account.uid, place.account.gid)
        os.chown(draft, place.account.uid, place.account.gid)
    command = _initdb_command(bindir, draft, login[0])
    try:
        _run(place, command, draft, lock, deadline)
    except (subprocess.CalledProcessError, subprocess.TimeoutExpired):
        raise EmbeddedServerError(
            f"PostgreSQL's initdb did not finish; the reason is at the end of {place.log}."
        ) from None
    place.state.unlink(missing_ok=True)
    (draft / "data").rename(place.data)
    sync_folder(place.cluster_folder)
    shutil.rmtree(draft, ignore_errors=True)


def remove_unfinished(place: Place) -> None:
    """Remove what an initdb that was cut short left behind; call with the start lock held."""
    for leftover in place.cluster_folder.glob(f"{_UNFINISHED}*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _initdb_command(bindir: Path, draft: Path, admin: str) -> list[str]:
    command = [str(bindir / "initdb"), f"--pgdata={draft / 'data'}", f"--username={admin}"]
    command += [f"--pwfile={draft / 'password'}", "--auth=scram-sha-256", "--data-checksums"]
    command += ["--encoding=UTF8", "--locale=C"]
    if major_version(bindir) >= _FIRST_WITH_BUILTIN_LOCALE:
        # sorts like C but knows upper and lower case beyond ASCII, without ICU or the system's locales
        command += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    return command


def launch(place: Place, bindir: Path, port: int, lock: int, deadline: Deadline) -> None:
    """Start the server detached; it and its children inherit the server lock's descriptor, and so hold it."""
    command = [str(bindir / "postgres"), "-D", str(place.data), "-p", str(port)]
    command += [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    # the shell leaves at once, so the server is nobody's child here: no zombie if it dies before us
    _run(place, ["/bin/sh", "-c", '"$@" &', "sh", *command], place.data, lock, deadline)


def _run(place: Place, command: list[str], folder: Path, lock: int, deadline: Deadline) -> None:
    with os.fdopen(_open_log(place), "wb") as log:
        subprocess.run(  # noqa: S603 - the operator's own choice of programs
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=folder,
            env=_environment(),
            umask=0o077,
            start_new_session=True,
            pass_fds=(lock,),
            timeout=deadline.remaining_s(),
            **_as_account(place.account),
        )


def log_size_bytes(place: Place) -> int:
    """Return the log's length, to tell later messages from earlier ones."""
    return place.log.stat().st_size if place.log.exists() else 0


def log_after(place: Place, offset_bytes: int) -> str:
    """Return what the log gained since it was `offset_bytes` long."""
    with place.log.open("rb") as file:
        file.seek(offset_bytes)
        return file.read(100_000).decode("utf-8", "replace")


def trim_log(place: Place) -> None:
    """Set a log that has grown long aside, keeping one such; call while the server is down."""
    if log_size_bytes(place) > _LOG_LIMIT_BYTES:
        place.log.replace(place.log.with_name("server.log.1"))


def _open_log(place: Place) -> int:
    descriptor = os.open(place.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
    give_to_owner_of(place.folder, descriptor)
    return descriptor


def _environment() -> dict[str, str]:
    # the caller's PG* and locale variables must not reach the server, nor its secrets
    return {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}


def _as_account(account: Account | None) -> _RunAs:
    return {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
