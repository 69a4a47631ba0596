"""What the demo shows while it works: a spinner on a terminal, plain lines anywhere else.

Belongs here: the display of steps and how long each took. Does not belong here: what a step does (`demo`) and
what comes of them all (`demo_report`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.spinner import Spinner


@dataclass(frozen=True, slots=True)
class Timing:
    """One finished step."""

    title: str
    seconds: float


class Step:
    """A step under way; it tells what it is at, and in the end what came of it."""

    def __init__(self, title: str, spinner: Spinner) -> None:
        self.outcome = ""
        self.failed = False
        self._title = title
        self._spinner = spinner

    def says(self, text: str) -> None:
        """Show what happens right now; a terminal alone has room for it."""
        self._spinner.update(text=f"{escape(self._title)}  [dim]{escape(text)}[/]")

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
        spinner = Spinner("dots", text=escape(title), style="green")
        step = Step(title, spinner)
        with self._spinning(spinner):
            try:
                yield step
            except BaseException:
                self._finish(title, started, "did not finish", failed=True)
                raise
        self._finish(title, started, step.outcome, failed=step.failed)

    def _spinning(self, spinner: Spinner) -> Live:
        # what libraries print belongs into the log (`set_aside`), not above the spinner
        return Live(
            spinner, console=self._console, transient=True, redirect_stdout=False, redirect_stderr=False
        )

    def _finish(self, title: str, started: float, outcome: str, *, failed: bool) -> None:
        seconds = self._timer() - started
        self.timings.append(Timing(title, seconds))
        mark = "[red]✗[/]" if failed else "[green]✓[/]"
        self._print(f"{mark} {escape(title)}  [dim]{escape(outcome)}  {seconds:.1f} s[/]")

    def _print(self, markup: str) -> None:
        # colours are given in the text: figures and paths stay as plain as they are
        self._console.print(markup, highlight=False, soft_wrap=True)


@contextmanager
def set_aside(log: Path) -> Iterator[None]:
    """Write what libraries print to a file while the block runs; the console needs a stream of its own."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    # two handles: Dagster captures the two streams of a step one by one
    with log.open("a") as out, log.open("a") as err, redirect_stdout(out), redirect_stderr(err):
        yield
