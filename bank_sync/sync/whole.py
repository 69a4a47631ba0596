"""One whole sync of a connection, step by step, in this process and thread.

Belongs here: going through the steps, and that one step's failure leaves the others standing. Does not belong
here: the steps (`sync.steps`), many connections at a time (`sync.batch`), a sync as a graph of assets
(`orchestration.assets`), which goes by the same steps.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from ulid import ULID

from bank_sync.domain.errors import BankSyncError, UnexpectedFailure
from bank_sync.domain.models import AskedBy
from bank_sync.quality.gate import Verdict
from bank_sync.services import Services
from bank_sync.storage import leases
from bank_sync.storage.database import transaction
from bank_sync.sync.steps import STEPS, Check, Figures, Step, Sync


@dataclass(frozen=True, slots=True)
class Done:
    """A step that went through, what it told, and what its checks said."""

    step: Step
    figures: Figures
    verdicts: tuple[tuple[Check, Verdict], ...]

    @property
    def is_blocked(self) -> bool:
        """Whether a check holds back what needs this step."""
        return any(check.is_blocking and not verdict.passed for check, verdict in self.verdicts)


@dataclass(frozen=True, slots=True)
class Failed:
    """A step that failed: the error is safe to show."""

    step: Step
    error: BankSyncError


@dataclass(frozen=True, slots=True)
class Untouched:
    """A step that was not begun, because one it needs failed or is held back by a check."""

    step: Step


StepOutcome = Done | Failed | Untouched


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened to one connection, in the order of the steps."""

    connection_id: str
    steps: tuple[StepOutcome, ...]

    @property
    def error(self) -> BankSyncError | None:
        """The first failure."""
        return next((one.error for one in self.steps if isinstance(one, Failed)), None)

    @property
    def is_whole(self) -> bool:
        """Whether every step went through."""
        return all(isinstance(one, Done) for one in self.steps)

    def figures(self, step_name: str) -> Figures:
        """What one step told; nothing if it did not go through."""
        found = (one.figures for one in self.steps if isinstance(one, Done) and one.step.name == step_name)
        return next(found, {})


TO_THE_LEDGER = tuple(replace(step, checks=()) for step in STEPS if step.name != "notifications")
"""The steps without what follows from them: no quality check, nobody is told."""


def sync_connection(
    services: Services,
    connection_id: str,
    *,
    run_id: str | None = None,
    asked_by: AskedBy = AskedBy.SCHEDULE,
) -> Outcome:
    """A sync to the ledger that has to go through; what was fetched is kept whatever else failed.

    Raises:
        BankSyncError: the first failure of a step, after the steps that do not need it; a provider's is noted
            on the connection. `SyncBusy` when another worker syncs this connection.
    """
    sync = Sync(services, connection_id, run_id or f"sync_{ULID()}", asked_by)
    outcome = go_through(sync, TO_THE_LEDGER)
    if outcome.error is not None:
        raise outcome.error from outcome.error.__cause__
    return outcome


def go_through(sync: Sync, steps: Sequence[Step] = STEPS) -> Outcome:
    """The steps of one sync, in order; the lease is given back at the end."""
    try:
        return Outcome(sync.connection_id, tuple(_each(sync, steps)))
    finally:
        with transaction(sync.services.engine) as db:
            leases.give_back(db, sync.connection_id, sync.run_id)


def _each(sync: Sync, steps: Sequence[Step]) -> Iterator[StepOutcome]:
    missing: set[str] = set()
    for step in steps:
        outcome = _take(step, sync, missing)
        if not isinstance(outcome, Done) or outcome.is_blocked:
            missing.add(step.name)
        yield outcome


def _take(step: Step, sync: Sync, missing: Collection[str]) -> StepOutcome:
    if any(name in missing for name in step.needs):
        return Untouched(step)
    try:
        figures = step.work(sync)
        verdicts = tuple((check, check.judge(sync.services, sync.connection_id)) for check in step.checks)
    except BankSyncError as error:
        return Failed(step, error)
    except Exception as error:  # noqa: BLE001 - a mistake that meets one connection is not the others'
        unexpected = UnexpectedFailure(step.name, error)
        unexpected.__cause__ = error
        return Failed(step, unexpected)
    return Done(step, figures, verdicts)
