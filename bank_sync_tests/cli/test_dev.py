"""`bank-sync dev` as a whole: up with everything, down with everything."""

from __future__ import annotations

import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from bank_sync.storage import embedded


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _processes_of(home: Path) -> list[str]:
    """Commands of living processes that were told of this home folder; zombies have no environment."""
    wanted = f"BANK_SYNC_HOME={home}".encode()
    found = []
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            if wanted in (folder / "environ").read_bytes().split(b"\0"):
                found.append((folder / "cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="looks processes up in /proc")
@pytest.mark.timeout(180)
def test_interrupted_dev(command: Any) -> None:
    """Once the pages answer, Ctrl-C leaves no process behind, the database server included."""
    options = ("--port", "--sandbox-port", "--web-port")
    ports = [word for option in options for word in (option, str(_free_port()))]
    with command.start("dev", *ports) as process:
        # whatever happens, the loop below ends
        watchdog = threading.Timer(120, process.terminate)
        watchdog.start()
        lines = []
        for line in process.stdout:
            lines.append(line)
            if "Ctrl-C stops everything." in line:
                break
        assert len(_processes_of(command.home)) > 2, "".join(lines)
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=60)
        watchdog.cancel()
    assert process.returncode == 0, "".join(lines) + rest
    assert _processes_of(command.home) == []
    assert embedded.status(command.home) is None
