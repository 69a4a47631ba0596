"""The process that is killed: a warm one that forks a child per order, the child syncs until it dies.

Belongs here: forking and reporting. Does not belong here: what counts as a step (`steps`), planted mistakes
(`mutants`), judging what a kill left behind (`checks`).

Run as `python -m bank_sync_tests.faults.victim`: one order (a JSON object) a line on standard input, one
report a line on standard output. Forking a warm process that holds neither threads nor connections spares
every child the second that imports take; engine and HTTP clients are made in the child.
"""

from __future__ import annotations

import gc
import json
import os
import sys
import traceback
from collections.abc import Mapping
from datetime import datetime
from typing import Any, NoReturn

from bank_sync.categorization import merchant
from bank_sync.services import open_services
from bank_sync.settings import load_settings
from bank_sync_tests.faults import mutants
from bank_sync_tests.faults.steps import Steps
from bank_sync_tests.faults.syncing import whole_sync

Order = Mapping[str, Any]


def main() -> None:
    """Fork a child per order until standard input ends."""
    merchant("WARM UP 1234", None)  # reads the data files once, here
    gc.collect()
    gc.freeze()
    for line in sys.stdin:
        print(json.dumps(_follow(json.loads(line))), flush=True)


def _follow(order: Order) -> dict[str, Any]:
    """Let a child follow the order; its exit code with the last thing it told."""
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(read_end)
        _be_the_child(order, write_end)
    os.close(write_end)
    with os.fdopen(read_end) as told:
        report: dict[str, Any] = json.loads(told.read() or "{}")
    _, status = os.waitpid(child, 0)
    return {"exit": os.waitstatus_to_exitcode(status), **report}


def _be_the_child(order: Order, write_end: int) -> NoReturn:
    """Sync, tell, and leave without the tidying that belongs to the parent."""

    def tell(report: Mapping[str, Any]) -> None:
        os.write(write_end, json.dumps(report).encode())

    steps = Steps(order.get("die_at"), lambda number, kind: tell({"step": number, "kind": kind}))
    try:
        _sync(order, steps)
    except BaseException:  # noqa: BLE001 - told to the parent, which judges
        tell({"error": traceback.format_exc(limit=-6)})
        os._exit(1)
    tell({"kinds": steps.kinds})
    os._exit(0)


def _sync(order: Order, steps: Steps) -> None:
    now = datetime.fromisoformat(order["now"])
    os.environ.update(order["environment"])
    with open_services(load_settings(), clock=lambda: now) as services:
        if order.get("mutant"):
            mutants.plant(order["mutant"], services.engine)
        steps.watch()
        whole_sync(services, order["connection_id"], order["run_id"])


if __name__ == "__main__":
    main()
