"""The server or its starter dies at a bad moment, or many start at once; the next call heals it."""

import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from bank_sync.storage.embedded import EmbeddedServer, EmbeddedServerError, ensure_running, status, stop
from bank_sync.storage.embedded.cluster import postmaster_pid
from bank_sync.storage.embedded.roles import COMPLETION_LOCK

MakeHome = Callable[[], Path]
Spawn = Callable[[str, Path], subprocess.Popen[str]]


@pytest.fixture
def home(shared_home: Path) -> Path:
    """The home that most tests here share: each heals what the one before left behind."""
    return shared_home


def is_complete(server: EmbeddedServer) -> bool:
    """Tell whether every role can log in to every database it should."""
    for database, role in (
        ("bank_sync", "bank_sync"),
        ("dagster", "bank_sync"),
        ("bank_sync", "bank_sync_analyst"),
    ):
        psycopg.connect(server.url(database, role)).close()
    return True


def kill_server(server: EmbeddedServer) -> None:
    """Kill the postmaster, leaving its children to themselves."""
    os.kill(server.pid, signal.SIGKILL)


def test_eight_first_starts_at_once(make_home: MakeHome, spawn: Spawn) -> None:
    """Eight processes that all find no server end up with one and the same."""
    home = make_home()
    processes = [spawn("input(); print(ensure_running(home).pid)", home) for _ in range(8)]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write("go\n")
        process.stdin.flush()
    pids = {process.communicate(timeout=60)[0].strip() for process in processes}
    server = status(home)
    assert server is not None
    assert pids == {str(server.pid)}


def test_eight_threads_after_a_crash(home: Path) -> None:
    """Threads of one process restart a killed server together and share the one that comes up."""
    kill_server(ensure_running(home))
    servers: list[EmbeddedServer] = []
    threads = [threading.Thread(target=lambda: servers.append(ensure_running(home))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(servers) == 8
    assert len({server.pid for server in servers}) == 1


def test_server_killed_while_rows_are_written(home: Path) -> None:
    """Every acknowledged row is there after the restart, which waits for crash recovery."""
    server = ensure_running(home)
    acknowledged = 0
    with psycopg.connect(server.url(), autocommit=True) as connection:
        connection.execute("CREATE TABLE written (n int)")
        killer = threading.Timer(0.3, kill_server, [server])
        killer.start()
        with suppress(psycopg.OperationalError):
            while True:
                connection.execute("INSERT INTO written VALUES (%s)", [acknowledged + 1])
                acknowledged += 1
        killer.join()
    again = ensure_running(home)
    assert again.pid != server.pid
    with psycopg.connect(again.url()) as connection:
        rows = [n for (n,) in connection.execute("SELECT n FROM written ORDER BY n")]
    assert acknowledged > 0
    assert rows[:acknowledged] == list(range(1, acknowledged + 1))
    assert len(rows) <= acknowledged + 1  # the one in flight may have been committed unacknowledged


def test_backend_that_outlives_its_postmaster(home: Path) -> None:
    """A busy backend without a postmaster is put down before the cluster is opened again."""
    server = ensure_running(home)
    with psycopg.connect(server.url(), autocommit=True) as connection:
        backend_pid = connection.info.backend_pid
        busy = threading.Thread(target=_run_until_cut_off, args=[connection])
        busy.start()
        time.sleep(0.1)  # until the query runs
        kill_server(server)
        assert ensure_running(home).pid != server.pid
        busy.join()
    assert not Path(f"/proc/{backend_pid}/cwd").exists()


def _run_until_cut_off(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 20000000) a, generate_series(1, 1000) b")


@pytest.mark.parametrize("same_account", [True, False])
def test_process_id_given_to_a_stranger(home: Path, *, same_account: bool) -> None:
    """A process that got the dead server's id is neither joined, nor harmed, nor in the way."""
    server = ensure_running(home)
    kill_server(server)
    pid_file = server.data_dir / "postmaster.pid"
    owner_uid = server.data_dir.stat().st_uid if same_account else os.geteuid()
    with subprocess.Popen(["/bin/sleep", "60"], user=owner_uid) as stranger:
        lines = pid_file.read_text().splitlines()
        pid_file.write_text("\n".join([str(stranger.pid), *lines[1:]]) + "\n")
        assert status(home) is None
        again = ensure_running(home)
        assert again.pid not in {stranger.pid, server.pid}
        assert stop(home) is True
        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.parametrize("content", ["", "12", "no number\n/somewhere\n"])
def test_process_id_file_cut_short(home: Path, content: str) -> None:
    """A full disk may leave an empty or half-written file; it does not keep the server down."""
    server = ensure_running(home)
    stop(home)
    (server.data_dir / "postmaster.pid").write_text(content)
    assert ensure_running(home).pid != server.pid


@pytest.mark.parametrize("killed_after_s", [0.02, 0.2, 0.5, 0.9])
def test_starter_killed_during_the_first_start(
    make_home: MakeHome, spawn: Spawn, killed_after_s: float
) -> None:
    """Wherever the kill falls, from initdb to the last role, the next call ends with a complete server."""
    home = make_home()
    starter = spawn("print(flush=True); ensure_running(home)", home)
    assert starter.stdout is not None
    starter.stdout.readline()
    time.sleep(killed_after_s)
    starter.kill()
    starter.wait()
    assert is_complete(ensure_running(home))
    assert list((home / "postgres").glob(".unfinished*")) == []


def test_first_start_cut_off_before_the_last_database(home: Path) -> None:
    """Roles and databases that are missing are made, those that exist keep their rows."""
    server = ensure_running(home)
    with psycopg.connect(server.url("bank_sync")) as connection:
        connection.execute("CREATE TABLE kept ()")
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as connection:
        connection.execute("DROP DATABASE dagster")
        connection.execute("DROP ROLE bank_sync_analyst")
    (home / "postgres/state.json").unlink()
    assert status(home) is None
    again = ensure_running(home)
    assert again.pid == server.pid
    assert is_complete(again)
    with psycopg.connect(again.url()) as connection:
        connection.execute("SELECT FROM kept")


def test_killed_starters_session_still_at_work(home: Path) -> None:
    """The session that a killed starter left behind finishes first; nothing is created twice."""
    server = ensure_running(home)
    answers: list[EmbeddedServer] = []
    with psycopg.connect(server.url("postgres", "bank_sync_admin"), autocommit=True) as left_behind:
        left_behind.execute("SELECT pg_advisory_lock(%s)", [COMPLETION_LOCK])
        left_behind.execute("DROP DATABASE dagster")
        (home / "postgres/state.json").unlink()
        caller = threading.Thread(target=lambda: answers.append(ensure_running(home)))
        caller.start()
        caller.join(timeout=0.1)
        assert caller.is_alive()
        left_behind.execute("CREATE DATABASE dagster OWNER bank_sync")
    caller.join()
    assert is_complete(answers[0])


def test_server_stopped_by_hand_and_started_by_hand(home: Path) -> None:
    """A server that somebody started without the launcher is joined, not doubled."""
    server = ensure_running(home)
    command = Path(f"/proc/{server.pid}/cmdline").read_bytes().decode().split("\0")[:-1]
    stop(home)
    owner = server.data_dir.stat()
    with subprocess.Popen(
        command, cwd="/", user=owner.st_uid, group=owner.st_gid, stderr=subprocess.DEVNULL
    ) as by_hand:
        while postmaster_pid(server.data_dir) is None:
            time.sleep(0.01)
        assert ensure_running(home).pid == by_hand.pid
        by_hand.send_signal(signal.SIGINT)


def test_passwords_lost(home: Path) -> None:
    """The data are kept, and the error says which file is missing."""
    server = ensure_running(home)
    passwords = home / "postgres/passwords.json"
    passwords.rename(home / "postgres/aside.json")
    with pytest.raises(EmbeddedServerError, match=r"passwords\.json is missing"):
        ensure_running(home)
    (home / "postgres/aside.json").rename(passwords)
    assert ensure_running(home) == server


def test_passwords_damaged_or_wrong(home: Path) -> None:
    """The error names the file and shows nothing of its content."""
    ensure_running(home)
    passwords = home / "postgres/passwords.json"
    text = passwords.read_text()
    passwords.write_text(text[:40])
    with pytest.raises(EmbeddedServerError, match=r"passwords\.json is damaged") as damaged:
        ensure_running(home)
    passwords.write_text(text.replace('": "', '": "wrong'))
    with pytest.raises(EmbeddedServerError, match="refuses the superuser's password") as wrong:
        ensure_running(home)
    passwords.write_text(text)
    for raised in (damaged, wrong):
        assert not any(part in str(raised.value) for part in text.split('"') if len(part) > 30)


def test_data_folder_removed_by_hand(home: Path) -> None:
    """Whoever deletes the stopped server's data gets a new, complete, empty cluster."""
    server = ensure_running(home)
    stop(home)
    shutil.rmtree(server.data_dir)
    assert is_complete(ensure_running(home))


def test_server_that_cannot_start(home: Path) -> None:
    """The error carries the server's own reason and the log's path, long before the time is up."""
    server = ensure_running(home)
    stop(home)
    version = (server.data_dir / "PG_VERSION").read_text()
    (server.data_dir / "PG_VERSION").write_text("9.6\n")
    with pytest.raises(
        EmbeddedServerError, match=r"database files are incompatible with server.*server\.log"
    ):
        ensure_running(home, timeout_s=20)
    (server.data_dir / "PG_VERSION").write_text(version)


def test_time_is_up(home: Path, spawn: Spawn) -> None:
    """A start that another process holds up ends with an error that names the file waited for."""
    ensure_running(home)
    stop(home)
    holder = spawn(
        "import fcntl; file = (home / 'postgres/start.lock').open(); fcntl.flock(file, fcntl.LOCK_EX)\n"
        "print(flush=True); time.sleep(60)",
        home,
    )
    assert holder.stdout is not None
    holder.stdout.readline()
    with pytest.raises(EmbeddedServerError, match=r"start\.lock"):
        ensure_running(home, timeout_s=0.1)
