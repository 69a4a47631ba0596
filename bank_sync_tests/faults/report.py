"""The figures of this folder, printed: crash points and violations, mutants caught, faults with tests.

Belongs here: the sweep over every step, outside pytest, and the tables. Does not belong here: the sweep.

Run as `python -m bank_sync_tests.faults.report`; `--every-kind` meets each kind of step once, as the tests
do, and `--judge-all` judges every kill by itself, also those that left the same bytes.
"""

from __future__ import annotations

import itertools
import re
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bank_sync.sandbox.config import SandboxConfig
from bank_sync.sandbox.serve import running_sandbox
from bank_sync.services import open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync_tests.conftest import Clock
from bank_sync_tests.faults import mutants
from bank_sync_tests.faults.stage import Stage, Victims, staged
from bank_sync_tests.faults.sweep import Swept, around_commits_of_transactions, one_of_each, steps_of, sweep
from bank_sync_tests.faults.syncing import PROVIDERS, person_at
from bank_sync_tests.stateful.bank import Bank
from bank_sync_tests.stateful.world import new_database, running_server

_numbers = itertools.count(1)
_MUTANTS = (
    ("plaid", mutants.CURSOR_FIRST),
    ("plaid", mutants.PLAIN_INSERT),
    ("plaid", mutants.UPSERT),
    ("teller", mutants.WATERMARK_FIRST),
    ("gocardless", mutants.WATERMARK_FIRST),
)
_ELSEWHERE: Mapping[int, str] = {
    18: "providers/test_http.py, storage/test_budgets.py",
    20: "providers/test_http.py",
    22: "providers/test_http.py",
    23: "contract/test_reads.py",
    24: "providers/test_rounds.py",
    25: "sync/test_split_invariance.py",
    27: "contract/test_life.py, sync/test_links.py",
    **dict.fromkeys((28, 29, 30), "domain/test_money_properties.py"),
    32: "sync/test_rounds.py",
    33: "sync/test_recovery.py, contract/test_life.py",
    34: "sync/test_relink.py",
}
_HEADINGS = ("who is killed", "points", "kinds", "states left", "wrong at once", "wrong later", "time")


def main() -> int:
    """Print the tables; 1 when a good sync was harmed or a planted mistake was not caught."""
    every_kind, judge_all = "--every-kind" in sys.argv, "--judge-all" in sys.argv
    table = Table(*_HEADINGS, title="F16: a sync killed before each of its steps")
    is_well = True
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bank-sync-faults-")))
        server = stack.enter_context(running_server(home))
        victims = stack.enter_context(Victims())
        for provider in PROVIDERS:
            with _stage(server, home, provider) as stage:
                kinds = steps_of(stage, victims)
                points = one_of_each(kinds) if every_kind else range(1, len(kinds) + 1)
                swept = sweep(stage, victims, points=points, judge_all=judge_all)
            is_well &= not (swept.right_after or swept.after_recovery)
            table.add_row(*swept.as_row())
            _tell(swept)
        for provider, mutant in _MUTANTS:
            with _stage(server, home, provider) as stage:
                points = around_commits_of_transactions(steps_of(stage, victims, mutant))
                swept = sweep(stage, victims, mutant=mutant, points=points)
            is_well &= bool(swept.right_after)
            table.add_row(*swept.as_row())
            _tell(swept)
    console = Console(width=140)
    console.print(table)
    console.print(_faults_table())
    return 0 if is_well else 1


@contextmanager
def _stage(server: embedded.EmbeddedServer, home: Path, provider: str) -> Iterator[Stage]:
    """A person at a provider, in a database and at banks of their own."""
    clock, name = Clock(), f"sweep_{next(_numbers)}"
    with ExitStack() as stack:
        sandbox = stack.enter_context(running_sandbox(SandboxConfig(seed=name), clock=clock))
        settings = load_settings(
            home=home / name,
            environment="sandbox",
            database_url=new_database(server, name),
            sandbox_url=sandbox.url,
        )
        services = stack.enter_context(open_services(settings, clock=clock))
        bank = stack.enter_context(closing(Bank(sandbox.url)))
        person = person_at(services, sandbox, bank, provider, "script-sweep")
        yield stack.enter_context(staged(person, clock, server))


def _tell(swept: Swept) -> None:
    """One line as soon as a sweep is done, and what was wrong where nothing should be."""
    print(
        ", ".join(f"{name} {value}" for name, value in zip(_HEADINGS, swept.as_row(), strict=True)),
        flush=True,
    )
    if swept.mutant is None:
        for violation in swept.right_after + swept.after_recovery:
            print(f"  step {violation.step} ({violation.kind}): {violation.sentence}", flush=True)


def _faults_table() -> Table:
    """Which fault has how many test functions here, and where else it is tested."""
    here = Counter(
        int(number)
        for path in Path(__file__).parent.glob("test_*.py")
        for number in re.findall(r"^def test_f(\d\d)_", path.read_text("utf-8"), re.MULTILINE)
    )
    table = Table("fault", "tests here", "also in", title="Faults with tests")
    for number in range(16, 39):
        table.add_row(f"F{number}", str(here[number]), _ELSEWHERE.get(number, ""))
    return table


if __name__ == "__main__":
    sys.exit(main())
