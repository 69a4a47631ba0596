"""Which account runs the server, and where its files go if that account cannot reach them."""

import os
import pwd
import shutil
import stat
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest

from bank_sync.storage.embedded import EmbeddedServerError, ensure_running, erase, status, stop
from bank_sync.storage.embedded.accounts import reachable_by_anyone
from bank_sync.storage.embedded.binaries import copied_bindir, packaged_bindir
from bank_sync.storage.embedded.errors import Deadline

Spawn = Callable[[str, Path], subprocess.Popen[str]]

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root chooses an account for the server")
as_user = pytest.mark.skipif(os.geteuid() == 0, reason="root has tests of its own")


@pytest.fixture
def locked_away(tmp_path: Path) -> Iterator[Path]:
    """A home below a folder that only its owner may enter."""
    (tmp_path / "private").mkdir(mode=0o700)
    home = tmp_path / "private/.bank_sync"
    yield home
    erase(home)


def owner_uid_of_process(pid: int) -> int:
    """Return the user id a process runs as."""
    return Path(f"/proc/{pid}").stat().st_uid


@as_user
def test_ordinary_user(home: Path) -> None:
    """An ordinary user's server runs as that user."""
    assert owner_uid_of_process(ensure_running(home).pid) == os.geteuid()


@as_root
def test_root(home: Path) -> None:
    """Root's server runs as an unprivileged account that owns the data and nothing else."""
    server = ensure_running(home)
    account = pwd.getpwnam("bank_sync")
    assert owner_uid_of_process(server.pid) == server.data_dir.stat().st_uid == account.pw_uid != 0
    assert {path.stat().st_uid for path in (home / "postgres").iterdir() if path != server.data_dir} == {0}


@as_root
def test_root_in_a_folder_nobody_else_may_enter(locked_away: Path) -> None:
    """The data go where the account can reach them; no folder's mode changes; later calls find them."""
    before = [stat.S_IMODE(folder.stat().st_mode) for folder in locked_away.parents]
    server = ensure_running(locked_away)
    assert not server.data_dir.is_relative_to(locked_away)
    assert [stat.S_IMODE(folder.stat().st_mode) for folder in locked_away.parents] == before
    with psycopg.connect(server.url()) as connection:
        connection.execute("CREATE TABLE kept ()")
    assert stop(locked_away)
    with psycopg.connect(ensure_running(locked_away).url()) as connection:
        connection.execute("SELECT FROM kept")
    erase(locked_away)
    assert not server.data_dir.parent.exists()


@as_root
def test_copy_of_a_home_whose_data_live_elsewhere(locked_away: Path) -> None:
    """The copy must not open the original's data; the error says where those are."""
    server = ensure_running(locked_away)
    copy = locked_away.parent / "copy"
    shutil.copytree(locked_away, copy)
    with pytest.raises(EmbeddedServerError, match=str(server.data_dir.parent)):
        ensure_running(copy)
    assert status(locked_away) == server


@as_root
def test_root_and_a_user_share_a_home(home: Path, spawn: Spawn) -> None:
    """Root joins what a user started and restarts it as that user, leaving nothing the user cannot use."""
    if not reachable_by_anyone(packaged_bindir()):
        pytest.skip("no ordinary user can reach the packaged programs here")
    user = pwd.getpwnam("nobody")
    home.mkdir(parents=True)
    os.chown(home, user.pw_uid, user.pw_gid)
    become = f"os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})\n"
    pid = int(spawn(become + "print(ensure_running(home).pid)", home).communicate()[0])
    assert owner_uid_of_process(pid) == user.pw_uid
    assert ensure_running(home).pid == pid
    assert stop(home)
    restarted = ensure_running(home)
    assert owner_uid_of_process(restarted.pid) == user.pw_uid
    assert {path.stat().st_uid for path in (home / "postgres").rglob("*")} == {user.pw_uid}
    again = "print(ensure_running(home).pid); print(stop(home))"
    assert spawn(become + again, home).communicate()[0].split() == [str(restarted.pid), "True"]


@as_root
def test_user_in_a_home_of_root(home: Path, spawn: Spawn) -> None:
    """A user who may not read root's passwords gets an error that says whose home it is, and no way in."""
    ensure_running(home)
    user = pwd.getpwnam("nobody")
    text = (
        f"os.setgroups([]); os.setgid({user.pw_gid}); os.setuid({user.pw_uid})\n"
        "try:\n    ensure_running(home)\n"
        "except Exception as error:\n    print(type(error).__name__, error)\n"
    )
    answer = spawn(text, home).communicate()[0]
    assert answer.startswith("EmbeddedServerError No permission for")


def test_programs_copied_elsewhere(home: Path) -> None:
    """A copy of the packaged programs works where it lies, is made once, and serves as `bindir`."""
    home.parent.mkdir(parents=True)
    copied = copied_bindir(packaged_bindir(), home.parent / "store", Deadline.after(30))
    made_at_ns = copied.stat().st_ctime_ns
    assert copied_bindir(packaged_bindir(), home.parent / "store", Deadline.after(30)) == copied
    assert copied.stat().st_ctime_ns == made_at_ns
    server = ensure_running(home, bindir=copied)
    command = Path(f"/proc/{server.pid}/cmdline").read_text()
    assert command.startswith(str(copied / "postgres"))


@as_root
def test_own_programs_out_of_reach(home: Path, locked_away: Path) -> None:
    """A `bindir` that the account cannot reach is named in the error instead of failing obscurely."""
    bindir = locked_away.parent / "bin"
    bindir.mkdir()
    for program in ("initdb", "postgres"):
        (bindir / program).touch(mode=0o755)
    with pytest.raises(EmbeddedServerError, match=f"cannot reach {bindir}"):
        ensure_running(home, bindir=bindir)
