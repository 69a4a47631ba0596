"""Who used how much of the machine.

Belongs here: CPU of run workers, of PostgreSQL, of everything. Does not belong here: what they did meanwhile.
"""

from __future__ import annotations

import psutil
from sqlalchemy import text

from bank_sync.services import Services
from bank_sync.storage.database import transaction


class Meter:
    """Adds up the CPU of run workers: children of the daemon that are not the code server itself."""

    def __init__(self, root: psutil.Process) -> None:
        self._root = root
        self._seen: dict[int, float] = {}

    def look(self) -> None:
        """Note how much each living worker has used."""
        for child in self._root.children(recursive=True):
            try:
                if "spawn_main" in " ".join(child.cmdline()):
                    times = child.cpu_times()
                    self._seen[child.pid] = times.user + times.system
            except psutil.Error:
                continue  # it has ended: the last look counts

    def cpu_s(self) -> float:
        """Of all workers seen since the last call."""
        total = sum(self._seen.values())
        self._seen.clear()
        return total


def postgres_cpu_s(services: Services) -> float:
    """CPU that this stage's PostgreSQL has used so far, its ended backends included."""
    with transaction(services.engine) as db:
        ours: int = db.execute(text("SELECT pg_backend_pid()")).scalar_one()
    server = psutil.Process(ours).parent() or psutil.Process(ours)
    total: float = server.cpu_times().children_user + server.cpu_times().children_system
    for process in (server, *server.children(recursive=True)):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue  # it has ended: the server counts it
        total += times.user + times.system
    return total


def machine_cpu_s() -> float:
    """CPU that everything on this machine has used so far."""
    times = psutil.cpu_times()
    return float(times.user) + float(times.system)
