"""How long the code location of the syncs takes to load, which every run pays before it begins.

Belongs here: loading it in fresh processes, and the same with the heavy libraries that it leaves for later.
Does not belong here: what a run costs after that (`benchmarks.refresh`).

    python -m benchmarks.load_time --times 5

Prints a table and, with `--json`, the figures. CPU is user + system of the loading process.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
from typing import Any

HEAVY = ("pandas", "sklearn", "great_expectations", "dbt", "dagster_dbt", "scipy")
"""What loading the location must not import."""

WAYS = {
    "dagster alone": "import dagster",
    "bank_sync.definitions": "import bank_sync.definitions",
    "bank_sync.definitions, and pandas, sklearn and great_expectations at once": (
        "import pandas, sklearn.linear_model, great_expectations\nimport bank_sync.definitions"
    ),
}

_PROGRAM = """
import json, resource, sys, time
started = time.perf_counter()
{imports}
wall_s = time.perf_counter() - started
used = resource.getrusage(resource.RUSAGE_SELF)
heavy = [name for name in {heavy!r} if name in sys.modules]
figures = dict(wall_s=wall_s, cpu_s=used.ru_utime + used.ru_stime, mb=used.ru_maxrss / 1024, heavy=heavy)
print(json.dumps(figures))
"""


def load(imports: str) -> dict[str, Any]:
    """Import in a process of its own."""
    program = _PROGRAM.format(imports=imports, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)  # noqa: S603 - our own program
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def measure(times: int) -> list[dict[str, Any]]:
    """Medians of each way, in turn, so that a busy moment of the machine meets all."""
    tries = [{way: load(imports) for way, imports in WAYS.items()} for _ in range(times)]
    return [
        {
            "way": way,
            "heavy": ", ".join(tries[0][way]["heavy"]) or "none",
            **{
                name: statistics.median(one[way][name] for one in tries) for name in ("wall_s", "cpu_s", "mb")
            },
        }
        for way in WAYS
    ]


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    wish = parser.parse_args()
    found = measure(wish.times)
    if wish.json:
        print(json.dumps(found, indent=2))
        return
    print(f"{'wall s':>7} {'CPU s':>7} {'MB':>5}  {'heavy modules loaded':38} imports")
    for one in found:
        print(f"{one['wall_s']:7.2f} {one['cpu_s']:7.2f} {one['mb']:5.0f}  {one['heavy']:38} {one['way']}")


if __name__ == "__main__":
    main()
