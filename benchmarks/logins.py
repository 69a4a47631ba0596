"""What a look into Dagster's storage costs, with connections kept and with a login for each look.

Belongs here: our storage beside dagster-postgres's own, on one server, in one run. Does not belong here: what
Dagster looks for.

    python -m benchmarks.logins

It works in a database and a home of its own, which it erases. CPU is user + system, of this process and of
PostgreSQL.
"""

from __future__ import annotations

import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from dagster_postgres import DagsterPostgresStorage

from bank_sync.orchestration.dagster_storage import BankSyncDagsterStorage
from bank_sync.orchestration.launch import open_instance
from bank_sync.services import Services, open_services
from bank_sync.settings import load_settings
from bank_sync.storage import embedded
from bank_sync.storage.locations import locate
from bank_sync.storage.migrate import migrate
from benchmarks.meters import postgres_cpu_s

_LOOKS = 300


def cpu_ms_each(services: Services, storage: DagsterPostgresStorage) -> tuple[float, float]:
    """CPU of one look into the runs, in milliseconds: of this process, of PostgreSQL."""
    storage.run_storage.get_runs_count()
    server, own = postgres_cpu_s(services), time.process_time()
    for _ in range(_LOOKS):
        storage.run_storage.get_runs_count()
    own = time.process_time() - own
    return 1000 * own / _LOOKS, 1000 * (postgres_cpu_s(services) - server) / _LOOKS


def main() -> None:
    """Measure both and print them with their ratio."""
    with ExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="logins-", dir="/tmp")))
        settings = load_settings(environment="sandbox", home=home, database_url=None)
        stack.callback(embedded.erase, home)
        migrate(locate(settings))
        services = stack.enter_context(open_services(settings))
        stack.enter_context(open_instance(settings))  # the environment in which ours finds its server
        url = services.locations.dagster.render_as_string(hide_password=False)
        each = cpu_ms_each(services, DagsterPostgresStorage(url))
        kept = cpu_ms_each(services, BankSyncDagsterStorage.from_config_value(None, {}))
    print(f"{'CPU ms a look':<28}{'client':>8}{'server':>8}{'both':>8}")
    print(f"{'a login each':<28}{each[0]:>8.2f}{each[1]:>8.2f}{sum(each):>8.2f}")
    print(f"{'connections kept':<28}{kept[0]:>8.2f}{kept[1]:>8.2f}{sum(kept):>8.2f}")
    print(f"{sum(each) / sum(kept):.0f} times as much with a login each")


if __name__ == "__main__":
    main()
