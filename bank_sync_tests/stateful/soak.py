"""Many stories, over all processors, and a table of what they met: `python -m bank_sync_tests.stateful.soak`.

Belongs here: processes, progress, figures. Does not belong here: a story (`telling`).
"""

from __future__ import annotations

import atexit
import multiprocessing
import os
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from bank_sync_tests.stateful.telling import Told, tell
from bank_sync_tests.stateful.world import World, new_database, open_world, running_server

_STORIES_A_TASK = 5
_PROOFS = ("proven", "unknown", "differs")
_SHOWN_SEEDS = 20
_SUMMED = ("rows_compared", "new_accounts", "new_rows", "edits_lost", "links_right", "links_wrong")


@dataclass(slots=True)
class Figures:
    """The sums of a soak."""

    stories: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    faults: Counter[str] = field(default_factory=Counter)
    relinks: int = 0
    rows_compared: int = 0
    new_accounts: int = 0
    new_rows: int = 0
    edits_lost: int = 0
    links_right: int = 0
    links_wrong: int = 0
    proofs: Counter[str] = field(default_factory=Counter)
    diverged: list[Told] = field(default_factory=list)

    def add(self, told: Told) -> None:
        """Count one story."""
        self.stories += 1
        self.steps.update(told.steps)
        self.outcomes.update(told.outcomes)
        self.faults.update(told.faults)
        self.relinks += told.relinks
        if told.verdict:
            for name in _SUMMED:
                setattr(self, name, getattr(self, name) + getattr(told.verdict, name))
            self.proofs.update(told.verdict.proofs)
        if told.divergences:
            self.diverged.append(told)


def soak(stories: int, first_seed: int, workers: int, *, console: Console | None = None) -> Figures:
    """Tell `stories` stories in `workers` processes; progress goes to the console, where there is one."""
    figures = Figures()
    seeds = range(first_seed, first_seed + stories)
    with _databases(workers) as (homes, urls), _bar(console, stories) as progress:
        context = multiprocessing.get_context("spawn")
        queue = context.SimpleQueue()
        for url in urls:
            queue.put((url, homes))
        with ProcessPoolExecutor(workers, context, initializer=_settle_in, initargs=(queue,)) as pool:
            for future in as_completed(_tasks(pool, seeds)):
                for told in future.result():
                    figures.add(told)
                    progress.advance(len(figures.diverged))
    return figures


def _tasks(pool: ProcessPoolExecutor, seeds: range) -> Iterable[Future[list[Told]]]:
    chunks = [seeds[start : start + _STORIES_A_TASK] for start in range(0, len(seeds), _STORIES_A_TASK)]
    return [pool.submit(_tell_some, chunk) for chunk in chunks]


def _settle_in(queue: multiprocessing.SimpleQueue[tuple[str, str]]) -> None:
    """A new process takes a database of its own."""
    os.environ["BANK_SYNC_STORIES"], os.environ["BANK_SYNC_STORIES_HOME"] = queue.get()


@cache
def _own_world() -> World:
    """The world of this process, opened by its first story."""
    stack = ExitStack()
    atexit.register(stack.close)
    home = Path(os.environ["BANK_SYNC_STORIES_HOME"]) / f"{os.getpid()}"
    return stack.enter_context(open_world(os.environ["BANK_SYNC_STORIES"], home))


def _tell_some(seeds: range) -> list[Told]:
    return [tell(_own_world(), seed) for seed in seeds]


@contextmanager
def _databases(count: int) -> Iterator[tuple[str, list[str]]]:
    """A PostgreSQL with `count` databases, gone at the end; gives a folder for the homes, and their URLs."""
    home = Path(tempfile.mkdtemp(prefix="bank_sync_stories_"))
    try:
        with running_server(home) as server:
            yield str(home), [new_database(server, f"stories_{number}") for number in range(count)]
    finally:
        shutil.rmtree(home, ignore_errors=True)


class _Silent:
    def advance(self, diverged: int) -> None:
        """Nobody watches."""


class _Shown:
    def __init__(self, progress: Progress, stories: int) -> None:
        self._progress = progress
        self._task = progress.add_task("stories", total=stories, diverged=0)

    def advance(self, diverged: int) -> None:
        """One story more."""
        self._progress.update(self._task, advance=1, diverged=diverged)


@contextmanager
def _bar(console: Console | None, stories: int) -> Iterator[_Silent | _Shown]:
    if console is None:
        yield _Silent()
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, TextColumn("{task.fields[diverged]} diverged"), console=console) as progress:
        yield _Shown(progress, stories)


def table_of(figures: Figures, seconds: float) -> Table:
    """What was told and what came of it."""
    table = Table("what", "figure", title="Seeded stories against the pretend banks")
    syncs = figures.outcomes.total()
    rows: list[tuple[str, object]] = [
        ("stories", figures.stories),
        ("steps", figures.steps.total()),
        ("syncs", f"{syncs} ({figures.outcomes['ok']} without any trouble)"),
        ("faults that struck", figures.faults.total()),
        *((f"  {kind}", count) for kind, count in sorted(figures.faults.items())),
        ("workers killed, doubled", f"{figures.steps['worker dies']}, {figures.steps['two workers']}"),
        ("rows compared with the banks' books", figures.rows_compared),
        ("re-links", figures.relinks),
        ("  new accounts", figures.new_accounts),
        ("  new rows", figures.new_rows),
        ("edits lost", figures.edits_lost),
        ("pending rows linked to what they became", figures.links_right),
        ("  to something that looks just like it", figures.links_wrong),
        ("balances proven, unknown, unexplained", ", ".join(f"{figures.proofs[each]}" for each in _PROOFS)),
        ("stories that diverged", len(figures.diverged)),
        ("seconds", f"{seconds:.0f}"),
    ]
    for what, figure in rows:
        table.add_row(what, f"{figure}")
    return table


def main(
    stories: Annotated[int, typer.Option(help="How many stories to tell.")] = 10_000,
    first_seed: Annotated[int, typer.Option(help="Seed of the first story; the others follow.")] = 1,
    workers: Annotated[int, typer.Option(help="Processes; each has a database of its own.")] = os.cpu_count()
    or 2,
    seed: Annotated[int | None, typer.Option(help="Tell this one story only.")] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Print what happened, step by step.")] = False,  # noqa: FBT002
) -> None:
    """Tell seeded stories of banks, faults and dying workers, and compare the ledger with the banks' books.

    Ends with 1 if any story's ledger differs from the world, and prints how to tell that story again.
    """
    console = Console()
    began = time.monotonic()
    figures = soak(1, seed, 1) if seed is not None else soak(stories, first_seed, workers, console=console)
    for told in figures.diverged[:_SHOWN_SEEDS]:
        console.print(f"seed {told.seed} diverged; tell it again with --seed {told.seed} --verbose")
        if verbose or seed is not None:
            console.print("\n".join(told.log), markup=False, highlight=False)
        console.print("\n".join(f"  {each}" for each in told.divergences), markup=False, highlight=False)
    console.print(table_of(figures, time.monotonic() - began))
    raise typer.Exit(1 if figures.diverged else 0)


if __name__ == "__main__":
    typer.run(main)
