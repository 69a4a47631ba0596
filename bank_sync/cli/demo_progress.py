"""What the demo shows while it works: a spinner on a terminal, plain lines anywhere else.

Belongs here: the display of steps and how long each took. Does not belong here: what a step does (`demo`) and
what comes of them all (`demo_report`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from rich.console import Console
from rich.markup import escape
from rich.status import Status


@dataclass(frozen=True, slots=True)
class Timing:
    """One finished step."""

    title: str
    seconds: float


class Step:
    """A step under way; it tells what it is at, and in the end what came of it."""

    def __init__(self, title: str, status: Status) -> None:
        self.outcome = ""
        self.failed = False
        self._title = title
        self._status = status

    def says(self, text: str) -> None:
        """Show what happens right now; a terminal alone has room for it."""
        self._status.update(f"{escape(self._title)} [dim]{escape(text)}[/]")

    def finds(self, text: str) -> None:
        """What the line of the finished step tells."""
        self.outcome = text

    def fails(self, text: str) -> None:
        """The step came to its end, but did not do what it should."""
        self.outcome, self.failed = text, True


class Steps:
    """Runs steps one after the other and remembers how long each took.

    Args:
        console: where to show them.
        timer: seconds that only ever grow.
    """

    def __init__(self, console: Console, timer: Callable[[], float] = time.perf_counter) -> None:
        self.timings: list[Timing] = []
        self._console = console
        self._timer = timer

    @contextmanager
    def step(self, title: str) -> Iterator[Step]:
        """Show that the step is under way until the block ends, then one line with its outcome and time."""
        if not self._console.is_terminal:
            self._print(f"  {title} …")
        started = self._timer()
        with self._console.status(escape(title)) as status:
            step = Step(title, status)
            try:
                yield step
            except BaseException:
                self._finish(title, started, "did not finish", failed=True)
                raise
        self._finish(title, started, step.outcome, failed=step.failed)

    def _finish(self, title: str, started: float, outcome: str, *, failed: bool) -> None:
        seconds = self._timer() - started
        self.timings.append(Timing(title, seconds))
        mark = "[red]✗[/]" if failed else "[green]✓[/]"
        self._print(f"{mark} {escape(title)}  [dim]{escape(outcome)}  {seconds:.1f} s[/]")

    def _print(self, markup: str) -> None:
        # colours are given in the text: figures and paths stay as plain as they are
        self._console.print(markup, highlight=False, soft_wrap=True)
