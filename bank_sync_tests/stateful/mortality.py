"""Workers that die: counting their steps in the database and on the wire, and ending them at one of these.

Belongs here: the counting and the dying inside one process. Does not belong here: real SIGKILL, which
`bank_sync_tests/faults` sends.

A dead worker does nothing more: no statement of its clean-up reaches the database either, so that what it
held (a lease, a reservation) stays held, as after a real death.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from sqlalchemy import Engine, event


class Died(BaseException):
    """The worker was killed here. No handler of errors catches it."""


class Mortality:
    """The step counter of one process; while nothing is armed it only counts."""

    def __init__(self) -> None:
        self.steps = 0
        self.answers = 0
        self._last_answer: int | None = None
        self._strikes_at: int | None = None
        self._strike: Callable[[], None] | None = None
        self._is_dead = False

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count every statement and every commit of this process for as long as the block runs."""
        watched = [(Engine, name, self._step) for name in ("before_cursor_execute", "commit")]
        for each in watched:
            event.listen(*each)
        try:
            yield
        finally:
            for each in watched:
                event.remove(*each)

    def watch(self, client: httpx.Client) -> None:
        """Count both sides of every call of that client."""
        client.event_hooks = {"request": [self._step], "response": [self._answer]}

    @contextmanager
    def dying_after(self, steps: int) -> Iterator[None]:
        """Whoever works in this block dies at that step, if it gets so far."""
        with self._armed(steps, self._die):
            yield

    @contextmanager
    def dying_after_answer(self, answers: int) -> Iterator[None]:
        """Whoever works in this block dies when that many answers of providers have arrived."""
        self.answers, self._last_answer = 0, answers
        try:
            yield
        finally:
            self._last_answer, self._is_dead = None, False

    @contextmanager
    def interrupted_after(self, steps: int, strike: Callable[[], None]) -> Iterator[None]:
        """At that step the worker stands still while `strike` happens, then goes on."""
        with self._armed(steps, strike):
            yield

    @contextmanager
    def _armed(self, steps: int, strike: Callable[[], None]) -> Iterator[None]:
        self._strikes_at, self._strike = self.steps + steps, strike
        try:
            yield
        finally:
            self._strikes_at, self._strike, self._is_dead = None, None, False

    def _answer(self, *_: Any) -> None:
        self._step()
        self.answers += 1
        if self.answers == self._last_answer:
            self._die()

    def _step(self, *_: Any) -> None:
        if self._is_dead:
            raise Died
        self.steps += 1
        if self._strikes_at is not None and self.steps >= self._strikes_at:
            strike, self._strikes_at, self._strike = self._strike, None, None
            assert strike is not None
            strike()

    def _die(self) -> None:
        self._is_dead = True
        raise Died
