"""Homes that the server's account can reach and that vanish afterwards; Python processes that use them."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import bank_sync
from bank_sync.storage.embedded import erase


@contextmanager
def temporary_homes() -> Iterator[Callable[[], Path]]:
    """Make as many homes as a test wants, outside pytest's own folders, which keep other accounts out."""
    with tempfile.TemporaryDirectory(prefix="bank_sync_test_") as parent:
        Path(parent).chmod(0o755)
        homes: list[Path] = []

        def make() -> Path:
            homes.append(Path(parent) / f"project_{len(homes)}" / ".bank_sync")
            return homes[-1]

        yield make
        for home in homes:
            erase(home)


@pytest.fixture
def make_home() -> Iterator[Callable[[], Path]]:
    """Make homes that do not exist yet."""
    with temporary_homes() as make:
        yield make


@pytest.fixture(scope="module")
def shared_home() -> Iterator[Path]:
    """One home for all tests of a file that leave it usable, whatever they did to its server."""
    with temporary_homes() as make:
        yield make()


@pytest.fixture
def home(make_home: Callable[[], Path]) -> Path:
    """One home that does not exist yet."""
    return make_home()


@pytest.fixture
def spawn() -> Iterator[Callable[[str, Path], subprocess.Popen[str]]]:
    """Run Python text with `home`, `ensure_running`, `status` and `stop` at hand in a process of its own."""
    processes: list[subprocess.Popen[str]] = []
    project = str(Path(bank_sync.__file__).parents[1])

    def start(text: str, home: Path) -> subprocess.Popen[str]:
        prelude = (
            "import os, sys, time, psycopg\n"
            "from pathlib import Path\n"
            "from bank_sync.storage.embedded import ensure_running, status, stop\n"
            "home = Path(sys.argv[1])\n"
        )
        processes.append(
            subprocess.Popen(
                [sys.executable, "-c", prelude + text, str(home)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                env={**os.environ, "PYTHONPATH": os.pathsep.join([project, *sys.path])},
            )
        )
        return processes[-1]

    yield start
    for process in processes:
        with process:  # waits, and closes its pipes
            process.kill()
