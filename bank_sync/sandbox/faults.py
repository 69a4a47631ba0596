"""What goes wrong on purpose, and how often it did: a plan drawn from a seed, and a queue of exact faults.

Here: deciding which fault meets which request, the counts, and the admin door to both. Not here: doing it
(`faults_middleware`) or how a broken answer looks (`faults_answers`, `faults_damage`, `faults_paging`).
"""

import re
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bank_sync.sandbox.admin_json import json_body, refusal
from bank_sync.sandbox.faults_kinds import HUGE_BYTES, KINDS, Fault, fits
from bank_sync.sandbox.wire import Sent
from bank_sync.sandbox.world.dice import Dice

# what an application calls; not the pages people open, and not the short cuts by which tests make links
_API_PATHS = r"^/(plaid/(?!hosted|sandbox)|teller/(?!connect)|gocardless/api)"
_MOST_TIMES = 1_000_000


class BadPlan(Exception):
    """The plan sent makes no sense; the text says why."""


@dataclass(frozen=True, slots=True)
class _Queued:
    """A fault that meets the next requests to matching paths, so many times."""

    paths: re.Pattern[str]
    fault: Fault
    times: int


@dataclass(frozen=True, slots=True)
class _Seeded:
    """Faults that meet a share of all requests to matching paths; one seed gives one sequence."""

    seed: str
    rate: float
    paths: re.Pattern[str]
    faults: tuple[Fault, ...]


class FaultPlan:
    """The faults still to come and the count of those that struck."""

    def __init__(self) -> None:
        self._seeded: _Seeded | None = None
        self._queue: deque[_Queued] = deque()
        self._drawn = 0
        self.hits: Counter[str] = Counter()
        self.requests = 0

    def extend(self, wish: Mapping[str, Any]) -> None:
        """Take a seeded plan (in place of the last one), exact faults (after those waiting), or both.

        Raises:
            BadPlan: Something in the wish is unknown or out of range; nothing of it was taken.
        """
        if not {"kinds", "next"} & set(wish):
            raise BadPlan("Send kinds with seed and rate, or next with a list of faults.")
        queued = [_queued(each) for each in _list_of(wish, "next")]
        if "kinds" in wish:
            self._seeded, self._drawn = _seeded(wish), 0
        self._queue.extend(queued)

    def clear(self) -> None:
        """Nothing goes wrong any more; what was counted stays counted."""
        self._seeded = None
        self._queue.clear()

    def draw(self, sent: Sent) -> Fault | None:
        """The fault that meets this request, if one does; counted only once it `struck`."""
        self.requests += 1
        queued = next((each for each in self._queue if _meets(each.paths, each.fault, sent)), None)
        return queued.fault if queued else self._chance(sent)

    def struck(self, fault: Fault) -> None:
        """The fault was really done to an answer."""
        self.hits[fault.kind] += 1
        for place, each in enumerate(self._queue):
            if each.fault is fault:
                if each.times > 1:
                    self._queue[place] = replace(each, times=each.times - 1)
                else:
                    del self._queue[place]
                return

    def _chance(self, sent: Sent) -> Fault | None:
        plan = self._seeded
        if plan is None or not plan.paths.search(sent.path):
            return None
        self._drawn += 1
        dice = Dice(plan.seed, "fault", self._drawn)
        fitting = [fault for fault in plan.faults if fits(fault.kind, sent)]
        return dice.pick(fitting) if dice.chance(plan.rate) and fitting else None


def routes(plan: FaultPlan) -> list[Route]:
    """The admin paths below their prefix."""

    async def show(_: Request) -> Response:
        return JSONResponse({"hit": dict(sorted(plan.hits.items())), "requests": plan.requests})

    async def extend(request: Request) -> Response:
        try:
            plan.extend(await json_body(request))
        except BadPlan as problem:
            return refusal(400, str(problem))
        return await show(request)

    async def clear(request: Request) -> Response:
        plan.clear()
        return await show(request)

    return [
        Route("/faults", show, methods=["GET"]),
        Route("/faults", extend, methods=["POST"]),
        Route("/faults", clear, methods=["DELETE"]),
    ]


def _meets(paths: re.Pattern[str], fault: Fault, sent: Sent) -> bool:
    return paths.search(sent.path) is not None and fits(fault.kind, sent)


def _queued(wish: object) -> _Queued:
    if not isinstance(wish, dict):
        raise BadPlan("Each fault in next is an object.")
    times = wish.get("times", 1)
    if not isinstance(times, int) or not 1 <= times <= _MOST_TIMES:
        raise BadPlan("times is a number from 1 up.")
    return _Queued(_paths(wish), _fault(wish, wish.get("kind")), times)


def _seeded(wish: Mapping[str, Any]) -> _Seeded:
    kinds, rate = _list_of(wish, "kinds"), wish.get("rate", 0.1)
    if not kinds or isinstance(rate, bool) or not isinstance(rate, int | float) or not 0 <= rate <= 1:
        raise BadPlan("kinds is a list of at least one, rate a number from 0 to 1.")
    return _Seeded(str(wish.get("seed", 1)), rate, _paths(wish), tuple(_fault(wish, kind) for kind in kinds))


def _fault(wish: Mapping[str, Any], kind: object) -> Fault:
    if kind not in KINDS:
        raise BadPlan(f"Unknown kind of fault: choose from {', '.join(sorted(KINDS))}.")
    when, retry_after = wish.get("when", "before"), wish.get("retry_after")
    if when not in {"before", "after"} or not isinstance(retry_after, str | None):
        raise BadPlan("when is before or after, retry_after a text.")
    try:
        delay_s = None if wish.get("delay_s") is None else float(wish["delay_s"])
        size_bytes = int(wish.get("size_bytes", HUGE_BYTES))
    except (TypeError, ValueError):
        raise BadPlan("delay_s and size_bytes are numbers.") from None
    return Fault(str(kind), when == "after", retry_after, delay_s, size_bytes, wish.get("gzip") is True)


def _paths(wish: Mapping[str, Any]) -> re.Pattern[str]:
    try:
        return re.compile(wish.get("paths") or _API_PATHS)
    except (re.error, TypeError):
        raise BadPlan("paths is a regular expression over the whole path.") from None


def _list_of(wish: Mapping[str, Any], name: str) -> list[Any]:
    value = wish.get(name, [])
    if not isinstance(value, list):
        raise BadPlan(f"{name} is a list.")
    return value
