"""Child processes that live and die together.

Belongs here: starting, watching and stopping them. Does not belong here: which processes (`cli.dev`).
"""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Self

_GRACE_S = 15.0  # Dagster's daemon and webserver end well within this
_POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Child:
    """A named process in a process group of its own."""

    name: str
    process: subprocess.Popen[bytes]


class Supervisor:
    """Runs children until one ends or the person interrupts; leaving the block stops all of them."""

    def __init__(self) -> None:
        self._children: list[Child] = []
        self._interrupted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # SIGHUP: the terminal was closed
            self._before[number] = signal.signal(number, self._interrupt)
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop()
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal gave us

    def _interrupt(self, _number: int, _frame: FrameType | None) -> None:
        self._interrupted = True

    @property
    def interrupted(self) -> bool:
        """True once the person asked to stop."""
        return self._interrupted

    def start(
        self, name: str, command: Sequence[str], *, environment: Mapping[str, str], folder: Path
    ) -> Child:
        """Start a child in a group of its own, so that its own children stop with it."""
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command, env=dict(environment), cwd=folder, start_new_session=True
        )
        child = Child(name, process)
        self._children.append(child)
        return child

    def wait(self) -> Child | None:
        """Until interrupted (None) or until a child ends by itself (that child)."""
        while not self._interrupted:
            child = self.ended()
            if child is not None:
                return child
            time.sleep(_POLL_S)
        return None

    def ended(self) -> Child | None:
        """A child that has ended by itself, if any."""
        return next((child for child in self._children if child.process.poll() is not None), None)

    def _stop(self) -> None:
        """Ask nicely, then firmly; the whole group each time, the newest child first."""
        for child in reversed(self._children):
            for number in (signal.SIGINT, signal.SIGTERM, signal.SIGKILL):
                _signal_group(child, number)
                if _ended_within(child, _GRACE_S):
                    break
            _signal_group(child, signal.SIGKILL)  # grandchildren that outlived their parent


def _signal_group(child: Child, number: signal.Signals) -> None:
    try:
        os.killpg(child.process.pid, number)
    except ProcessLookupError:
        return  # the whole group has ended


def _ended_within(child: Child, seconds: float) -> bool:
    try:
        child.process.wait(seconds)
    except subprocess.TimeoutExpired:
        return False
    return True
