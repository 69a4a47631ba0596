"""How much memory and time a large first sync and a replay of it take: `make bench`.

Belongs here: starting the parts, and the table of figures. Does not belong here: the sync that is measured
(`benchmarks.first_sync`), the bank (`benchmarks.plaid_server`).

    python -m benchmarks.streaming [--rows 1000000] [--sample 20000]

Peaks are of our own process alone, measured by the operating system; bank and database run in others.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bank_sync.services import open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.sync.replay import Replayed, replay_connection

_LIMIT_MB = 300
_OURS, _OTHER = "bank_sync", "dagster"  # the two databases that a fresh server has


@contextmanager
def bank(rows: int) -> Iterator[str]:
    """A bank in a process of its own; yields its address."""
    command = [sys.executable, "-m", "benchmarks.plaid_server", "--rows", str(rows)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own program
        if process.stdout is None or process.stdin is None:
            raise RuntimeError("The bank has no pipes.")
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


def first_sync(rows: int, database_url: str, spare_url: str, way: str = "streaming") -> dict[str, Any]:
    """The figures of a first sync of so many rows in a child process; Dagster's storage is left alone."""
    databases = {"BANK_SYNC_DATABASE_URL": database_url, "BANK_SYNC_DAGSTER_DATABASE_URL": spare_url}
    with bank(rows) as address:
        done = subprocess.run(  # noqa: S603 - our own program
            [
                *(sys.executable, "-m", "benchmarks.first_sync"),
                *("--bank", address, "--way", way),
            ],
            env={**os.environ, **databases},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Measure and print; ends with code 1 when the limit is passed or the replay differs."""
    parser = argparse.ArgumentParser(description="Memory and speed of a large first sync")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--sample", type=int, default=20_000, help="rows for the alternative, which is slow")
    wish = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        server = embedded.ensure_running(home)
        try:
            here, there = server.url(_OURS), server.url(_OTHER)
            ours = first_sync(wish.rows, here, there)
            other = first_sync(wish.sample, there, here, "in-memory")
            again = _replay(home, ours["connection_id"])
        finally:
            embedded.erase(home)
    _print(ours, other, again)
    sys.exit(ours["peak_mb"] > _LIMIT_MB or again.differing > 0)


def _replay(home: Path, connection_id: str) -> Replayed:
    with open_services(load_settings(home=home, environment="sandbox", database_url=None)) as services:
        return replay_connection(services, connection_id)


def _print(ours: dict[str, Any], other: dict[str, Any], again: Replayed) -> None:
    table = Table(title="First sync of one connection", title_justify="left")
    for column in ("way", "rows", "peak MB", "grown MB", "pull s", "project s", "rows/s"):
        table.add_column(column, justify="left" if column == "way" else "right")
    for way, one in (("bank_sync: streamed", ours), ("round in memory, row by row", other)):
        seconds = one["pull_s"] + one["project_s"]
        grown = one["peak_mb"] - one["start_mb"]
        table.add_row(
            way,
            f"{one['rows']:,}",
            f"{one['peak_mb']:.0f}",
            f"{grown:.0f}",
            f"{one['pull_s']:.1f}",
            f"{one['project_s']:.1f}",
            f"{one['rows'] / seconds:,.0f}",
        )
    out = Console()
    out.print(table)
    speed = (ours["rows"] / ours["project_s"]) / (other["rows"] / other["project_s"])
    out.print(f"Ledger writing: {speed:.1f} times the rows per second of the alternative.")
    memory = (other["peak_mb"] - other["start_mb"]) / other["rows"] * 1e6
    out.print(
        f"The alternative would grow by {memory:,.0f} MB for a million rows; the limit is {_LIMIT_MB} MB."
    )
    out.print(
        f"Replay: {again.rows:,} rows compared in {again.seconds:.1f} s "
        f"({again.rows / again.seconds:,.0f} rows/s), {again.differing} differ."
    )


if __name__ == "__main__":
    main()
