"""A private PostgreSQL server for one project folder: the first process that needs it starts it, others join.

What belongs here: finding binaries, making the data folder, starting, joining, stopping and healing that
server, and the roles and databases every other part expects. What does not: tables, grants, migrations,
connection pools, and anything about a server named by a setting. Nothing here imports the rest of bank_sync.

Layout, with `home` usually `<project>/.bank_sync`:

    home/postgres/data/           the cluster, mode 0700
    home/postgres/passwords.json  one random password per role, mode 0600
    home/postgres/state.json      the port; written last, so with it roles and databases are complete
    home/postgres/server.log      the server's messages, without statements or row values
    home/postgres/start.lock      held while one process starts, stops or erases the server
    home/postgres/users.lock      shared by every live process that called `ensure_running`
    home/postgres/server.lock     held by the server and its children for as long as any of them lives
    home/postgres/data_location   only where the data had to live elsewhere, see below

PostgreSQL refuses to run as root. Root therefore runs it as the system account `bank_sync`, made on first
use, or as `nobody` where no account can be made. If that account cannot reach `home` (say it lies under
/root), the cluster and `server.lock` live in `/var/lib/bank_sync/<name>/`, and `data_location` holds that
path. If it cannot reach the binaries, they are copied to `/var/lib/bank_sync/binaries-<version>/`. Where
`home/postgres` belongs to an ordinary user, root runs the server as that user. No folder made by somebody
else ever has its mode changed.
"""

from bank_sync.storage.embedded.errors import EmbeddedServerError
from bank_sync.storage.embedded.launcher import ensure_running, erase, status, stop
from bank_sync.storage.embedded.server import EmbeddedServer

__all__ = ["EmbeddedServer", "EmbeddedServerError", "ensure_running", "erase", "status", "stop"]
