"""Starting, joining, counting users, stopping, and whom the server lets in."""

import json
import os
import socket
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from bank_sync.storage.embedded import (
    EmbeddedServer,
    EmbeddedServerError,
    ensure_running,
    erase,
    status,
    stop,
)

MakeHome = Callable[[], Path]
Spawn = Callable[[str, Path], subprocess.Popen[str]]


@pytest.fixture
def home(shared_home: Path) -> Path:
    """The home that most tests here share; those that need a fresh one ask for `make_home`."""
    return shared_home


@pytest.fixture
def server(home: Path) -> EmbeddedServer:
    """The shared home's server, started if the test before stopped it."""
    return ensure_running(home)


def value(url: str, query: str) -> object:
    """Return the first column of the query's first row."""
    with psycopg.connect(url) as connection:
        row = connection.execute(query.encode()).fetchone()
    assert row is not None
    return row[0]


def mode(path: Path) -> int:
    """Return the permission bits."""
    return stat.S_IMODE(path.stat().st_mode)


def test_first_start(server: EmbeddedServer) -> None:
    """It yields both databases, owned by a plain role, in UTF-8 with checksums and durable commits."""
    for database in ("bank_sync", "dagster"):
        owner = "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        assert value(server.url(database), owner) == "bank_sync"
    privileges = "concat(rolsuper, rolcreaterole, rolcreatedb, rolreplication)"
    for role in ("bank_sync", "bank_sync_analyst"):
        query = f"SELECT {privileges} FROM pg_roles WHERE rolname = current_user"
        assert value(server.url(role=role), query) == "ffff"
    expected = {
        "server_encoding": "UTF8",
        "data_checksums": "on",
        "fsync": "on",
        "listen_addresses": "127.0.0.1",
    }
    for name, setting in expected.items():
        assert value(server.url(), f"SHOW {name}") == setting
    assert (
        value(server.url(), "SELECT upper('é') || (SELECT min(w) FROM (VALUES ('a'), ('B')) words(w))")
        == "ÉB"
    )


def test_joining_a_running_server(home: Path, server: EmbeddedServer) -> None:
    """A second call finds the same process, quickly, and status agrees without starting anything."""
    durations_s = []
    for _ in range(5):
        started_s = time.perf_counter()
        assert ensure_running(home) == server
        durations_s.append(time.perf_counter() - started_s)
    assert min(durations_s) < 0.02
    assert status(home) == server


def test_status_of_a_home_never_started(make_home: MakeHome) -> None:
    """Asking creates no folder, and there is nothing to stop."""
    home = make_home()
    assert status(home) is None
    assert stop(home) is False
    assert not home.exists()


def test_stop_and_start_again(home: Path, server: EmbeddedServer) -> None:
    """Stop returns once the process is gone; the next start keeps port and rows."""
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    assert stop(home) is True
    assert status(home) is None
    with pytest.raises(psycopg.OperationalError):
        value(server.url(), "SELECT 1")
    again = ensure_running(home)
    assert (again.port, again.pid == server.pid) == (server.port, False)
    assert value(again.url(), "SELECT answer FROM kept") == 42


def test_stop_with_sessions_open(home: Path, server: EmbeddedServer) -> None:
    """An idle transaction of somebody else does not hold the stop up."""
    connection = psycopg.connect(server.url())
    connection.execute("SELECT 1")
    assert stop(home) is True
    assert status(home) is None
    connection.close()


def test_erasing(make_home: MakeHome) -> None:
    """Server, data and passwords are gone, the home itself stays; erasing again is no error."""
    home = make_home()
    server = ensure_running(home)
    erase(home)
    assert list(home.iterdir()) == []
    assert not Path(f"/proc/{server.pid}/cwd").exists()
    erase(home)


def test_server_outlives_its_starter(home: Path, spawn: Spawn) -> None:
    """Killing the process that started the server leaves the server up."""
    stop(home)
    starter = spawn("print(ensure_running(home).pid, flush=True); time.sleep(60)", home)
    assert starter.stdout is not None
    pid = int(starter.stdout.readline())
    starter.kill()
    starter.wait()
    server = status(home)
    assert server is not None
    assert server.pid == pid


def test_stop_if_unused(home: Path, server: EmbeddedServer, spawn: Spawn) -> None:
    """It spares a server that another live process uses; a killed process is a user no more."""
    user = spawn("ensure_running(home); print(flush=True); time.sleep(60)", home)
    assert user.stdout is not None
    user.stdout.readline()
    assert stop(home, if_unused=True) is False
    assert status(home) == server
    user.kill()
    user.wait()
    assert stop(home, if_unused=True) is True
    assert status(home) is None


def test_two_homes(server: EmbeddedServer, make_home: MakeHome) -> None:
    """Two checkouts on one machine get two servers that do not know each other's passwords."""
    first, second = server, ensure_running(make_home())
    assert first.port != second.port
    assert first.pid != second.pid
    assert not set(first.passwords.values()) & set(second.passwords.values())


def test_copied_home(home: Path, make_home: MakeHome) -> None:
    """The copy of a running server's home starts its own, although passwords and old port agree."""
    copy = make_home()
    original = ensure_running(home)
    copy.parent.mkdir()
    subprocess.run(["/bin/cp", "-a", str(home), str(copy)], check=True)
    server = ensure_running(copy)
    assert server.pid != original.pid
    assert server.port != original.port
    assert value(server.url(role="bank_sync_admin"), "SHOW data_directory") == str(copy / "postgres/data")
    assert status(home) == original


def test_port_taken_meanwhile(home: Path, server: EmbeddedServer) -> None:
    """If a stranger took the port while the server was down, it comes up on another one and remembers it."""
    stop(home)
    with socket.create_server(("127.0.0.1", server.port)):
        moved = ensure_running(home)
        assert moved.port != server.port
        assert value(moved.url(), "SELECT 1") == 1
    assert status(home) == moved


def test_logging_in_without_the_password(server: EmbeddedServer) -> None:
    """No role gets in with a wrong or without a password, from this machine's own accounts either."""
    for role in ("bank_sync_admin", "bank_sync", "bank_sync_analyst"):
        for password in ("wrong", ""):
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(
                    host=server.host, port=server.port, dbname="postgres", user=role, password=password
                ).close()
    rules = (server.data_dir / "pg_hba.conf").read_text().splitlines()
    methods = {rule.split()[-1] for rule in rules if rule and not rule.startswith("#")}
    assert methods == {"scram-sha-256"}


def test_analysts_and_run_logs(server: EmbeddedServer) -> None:
    """Analysts may enter the warehouse but not Dagster's own storage."""
    assert value(server.url(role="bank_sync_analyst"), "SELECT 1") == 1
    with pytest.raises(psycopg.OperationalError, match="permission denied"):
        value(server.url("dagster", "bank_sync_analyst"), "SELECT 1")


def test_secrets_stay_private(home: Path, server: EmbeddedServer) -> None:
    """Secrets are their owner's alone; no password shows in repr, log or any command line."""
    folder = home / "postgres"
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {"passwords.json", "state.json", "server.log"} <= {path.name for path in files}
    assert {mode(path) for path in files} == {0o600}
    assert mode(server.data_dir) == 0o700
    passwords = json.loads((folder / "passwords.json").read_text())
    assert len(set(passwords.values())) == 3
    command_line = subprocess.run(["/bin/ps", "axww"], capture_output=True, text=True, check=True).stdout
    for password in passwords.values():
        assert password not in f"{server!r} {(folder / 'server.log').read_text()} {command_line}"


def test_log_of_a_failed_statement(home: Path, server: EmbeddedServer) -> None:
    """The log keeps neither the statement nor the row of a failure, for both may be somebody's bank data."""
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE people (name text PRIMARY KEY)")
        connection.execute("INSERT INTO people VALUES ('Jane Secret')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO people VALUES ('Jane Secret')")
    log = (home / "postgres/server.log").read_text()
    assert "duplicate key" in log
    assert "Jane" not in log


def test_urls(server: EmbeddedServer) -> None:
    """A role nobody made is refused by name; odd characters in a password are quoted."""
    with pytest.raises(EmbeddedServerError, match="no role 'stranger'"):
        server.url(role="stranger")
    odd = EmbeddedServer("127.0.0.1", 1, 2, Path("/data"), {"bank_sync": "a/b@c:d"})
    assert odd.url() == "postgresql://bank_sync:a%2Fb%40c%3Ad@127.0.0.1:1/bank_sync"


def test_environment_of_the_caller(make_home: MakeHome, monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL variables meant for another server, and a strange umask, change nothing."""
    home = make_home()
    for name in ("PGHOST", "PGDATA", "PGDATABASE"):
        monkeypatch.setenv(name, "/nowhere")
    monkeypatch.setenv("PGOPTIONS", "-c no_such_setting=1")
    old_umask = os.umask(0o000)
    try:
        server = ensure_running(home)
    finally:
        os.umask(old_umask)
    monkeypatch.undo()
    assert value(server.url(), "SELECT 1") == 1
    assert {mode(path) for path in (home / "postgres").iterdir() if path.is_file()} == {0o600}


def test_home_that_is_a_file(tmp_path: Path) -> None:
    """The error is one sentence that names the path."""
    (tmp_path / "file").write_text("")
    with pytest.raises(EmbeddedServerError, match=str(tmp_path / "file")):
        ensure_running(tmp_path / "file")


def test_programs_that_are_missing(make_home: MakeHome, tmp_path: Path) -> None:
    """A bindir without PostgreSQL in it is refused before anything is made."""
    home = make_home()
    with pytest.raises(EmbeddedServerError, match="no initdb program"):
        ensure_running(home, bindir=tmp_path)
    assert not (home / "postgres/data").exists()


def test_programs_that_do_not_work(make_home: MakeHome) -> None:
    """The error names the log that holds the reason; with working programs the same home then starts."""
    home = make_home()
    bindir = home.parent / "bin"
    bindir.mkdir(parents=True)
    for program, text in {"initdb": "echo broken >&2; exit 1", "postgres": "echo 'postgres 18.0'"}.items():
        (bindir / program).write_text(f"#!/bin/sh\n{text}\n")
        (bindir / program).chmod(0o755)
    with pytest.raises(EmbeddedServerError, match=r"initdb did not finish.*server\.log"):
        ensure_running(home, bindir=bindir)
    assert value(ensure_running(home).url(), "SELECT 1") == 1
