"""The real executable in a process of its own, over an embedded PostgreSQL in a home folder of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bank_sync.storage import embedded

_PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Command:
    """`bank-sync` in a fresh checkout, where nothing is set but the home folder and `variables`."""

    home: Path
    variables: dict[str, str] = field(default_factory=dict)
    patience_s: float = 60.0

    def start(self, *args: str) -> subprocess.Popen[str]:
        """Start `bank-sync ARGS` and leave it running; both outputs are one stream."""
        return self._popen(args, subprocess.STDOUT)

    def run(self, *args: str) -> subprocess.CompletedProcess[str]:
        """Run `bank-sync ARGS` to its end, which is never a traceback."""
        with self._popen(args, subprocess.PIPE) as process:
            out, err = process.communicate(timeout=self.patience_s)
        assert "Traceback" not in err
        return subprocess.CompletedProcess(args, process.returncode, out, err)

    def _popen(self, args: tuple[str, ...], stderr: int) -> subprocess.Popen[str]:
        ours = ("BANK_SYNC_", "DAGSTER_")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
        return subprocess.Popen(
            [sys.executable, "-m", "bank_sync.cli", *args],
            env={**kept, "BANK_SYNC_HOME": str(self.home), "COLUMNS": "200", **self.variables},
            cwd=_PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=stderr,
            text=True,
        )


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Command]:
    """The command over a home that all tests of a file share; its server is erased at the end."""
    home = tmp_path_factory.mktemp("home")
    yield Command(home)
    embedded.erase(home)
