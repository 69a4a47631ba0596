"""Work on all connections, by the clock: one job with one step each, and its schedule.

Belongs here: which library function runs when, and what the run shows. Does not belong here: what the
functions do (`sync`, `notifications`), syncs (`orchestration.triggers.starts`).

Hours are set apart so that two jobs seldom start together, and off the full hour, when others' tend to.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import dagster as dg

from bank_sync.notifications import reminders
from bank_sync.orchestration import pruning
from bank_sync.orchestration.dagster_events import Teller
from bank_sync.orchestration.partitions import KIND_TAG, PRIORITIES, PRIORITY_TAG
from bank_sync.orchestration.reporting import failing_clearly, metadata
from bank_sync.services import Services
from bank_sync.sync import retention
from bank_sync.sync.balances import BalancesRead, BalancesRefresh
from bank_sync.sync.category_backlog import BacklogRun
from bank_sync.sync.freshness import promises
from bank_sync.sync.logins import refresh_logins
from bank_sync.sync.recurring_streams import find_all
from bank_sync.sync.steps import projected, pulled

_MOST_LOGINS_PER_RUN = 2_000

Work = Callable[[dg.OpExecutionContext, Services], Mapping[str, int]]
"""Does the work of a job and returns its figures."""


@dataclass(frozen=True, slots=True)
class Chore:
    """One job and when it runs."""

    name: str
    cron: str
    description: str
    work: Work

    def job(self) -> dg.JobDefinition:
        """One step, which shows its figures as metadata."""
        work = self.work

        @dg.op(name=f"{self.name}_step", description=self.description, out=dg.Out(dg.Nothing))
        def step(context: dg.OpExecutionContext, services: dg.ResourceParam[Services]) -> None:
            with failing_clearly():
                figures = work(context, services)
            context.add_output_metadata(dict(figures))
            context.log.info(", ".join(f"{name}: {figure}" for name, figure in figures.items()))

        tags = {KIND_TAG: "upkeep", PRIORITY_TAG: str(PRIORITIES["upkeep"])}

        @dg.job(name=self.name, description=self.description, tags=tags)
        def job() -> None:
            step()

        return job

    def schedule(self, job: dg.JobDefinition) -> dg.ScheduleDefinition:
        """In UTC, on by default."""
        return dg.ScheduleDefinition(
            name=self.name,
            job=job,
            cron_schedule=self.cron,
            execution_timezone="UTC",
            default_status=dg.DefaultScheduleStatus.RUNNING,
        )


def _refresh_balances(context: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    refresh = BalancesRefresh(services, context.run_id)
    teller = Teller(context.instance, context.run, context.op.name)
    read = 0
    for batch in refresh.batches():
        teller.materialized([event for one in batch for event in _materializations(one)])
        read += len(batch)
        context.log.info("%s connections read", read)
    return {"connections": read, **{f"passed over: {why}": n for why, n in refresh.passed_over.items()}}


def _materializations(one: BalancesRead) -> Iterator[dg.AssetMaterialization]:
    """The partition's two assets are newer now, just as after a whole sync."""
    shown = (("raw_balances", pulled(one.pulled)), ("balances", projected(one.projected)))
    for asset, figures in shown:
        yield dg.AssetMaterialization(
            asset, partition=one.connection.connection_id, metadata=metadata(figures)
        )


def _categorize_backlog(context: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    run = BacklogRun(services)
    figures = {"batches": 0, "connections": 0, "rows": 0}
    for connections, rows in run.batches():
        figures["batches"] += 1
        figures["connections"] += connections
        figures["rows"] += rows
        context.log.info("%s rows of %s connections", rows, connections)
    return figures | {"left to a sync": run.left_to_syncs}


def _refresh_tokens(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    checked = refresh_logins(services, limit=_MOST_LOGINS_PER_RUN)
    outcomes = (("good", checked.good), ("refused", checked.refused), ("put off", checked.put_off))
    return {f"{provider} {word}": number for word, counts in outcomes for provider, number in counts.items()}


def _check_expiring(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    return {"told": reminders.tell_expiring(services)}


def _check_disconnected(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    return {
        "told of a refused login": reminders.tell_disconnected(services),
        "told of old data": reminders.tell_stale(services, promises(services)),
    }


def _find_recurring(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    found_in, streams = find_all(services)
    return {"connections": found_in, "streams": streams}


def _retention(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    gone = retention.let_go(services)
    return {"rounds": gone.rounds, "pages": gone.pages, "webhooks": gone.webhooks}


def _prune_events(_: dg.OpExecutionContext, services: Services) -> Mapping[str, int]:
    return pruning.prune(services)


CHORES = (
    Chore(
        "refresh_balances",
        "23 */2 * * *",
        "Read balances alone, the oldest first, a hundred connections at a time, where quotas leave a call.",
        _refresh_balances,
    ),
    Chore(
        "categorize_backlog",
        "41 */4 * * *",
        "Categorize what syncs left without a category, in batches of 500 rows and more.",
        _categorize_backlog,
    ),
    Chore(
        "refresh_tokens",
        "33 */6 * * *",
        "Check logins before their nominal life ends; whoever has to log in again is told once.",
        _refresh_tokens,
    ),
    Chore(
        "check_expiring",
        "7 9 * * *",
        "Tell people whose permission ends within two weeks, at most once a week.",
        _check_expiring,
    ),
    Chore(
        "check_disconnected",
        "0 12 * * *",
        "Remind people whose login is refused, or whose data are days old, at most once a week.",
        _check_disconnected,
    ),
    Chore(
        "find_recurring",
        "37 4 * * *",
        "Find payments and income that come again and again, with their cadence and next date.",
        _find_recurring,
    ),
    Chore(
        "retention",
        "12 2 * * *",
        "Delete raw pages and settled webhooks that have served their time.",
        _retention,
    ),
    Chore(
        "prune_events",
        "42 2 * * *",
        "Delete old runs and events of Dagster; the latest status of each partition and check stays.",
        _prune_events,
    ),
)
"""In the order of how often they run."""
