"""What Teller remembers: enrollments."""

from dataclasses import dataclass
from datetime import datetime

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.state import Table


@dataclass(frozen=True, slots=True)
class Enrollment:
    """One login at one institution; `disconnected` is None while it works, else the reason (may be empty).

    `renewed` lists accounts once for each new id they got.
    """

    enrollment_id: str
    access_token: str
    user_id: str
    institution_id: str
    user_key: str
    enrolled_at: datetime
    disconnected: str | None
    removed_accounts: tuple[str, ...]
    is_revoked: bool = False
    renewed: tuple[str, ...] = ()


def enrollments(context: Context) -> Table[Enrollment]:
    """All living enrollments, by access token."""
    return context.store.table("teller_enrollments", Enrollment)
