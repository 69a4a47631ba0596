"""Noticing what there is to say: the world now, compared with the world when it was last looked at.

A provider speaks of what changed, however it changed: by time, by a command, by a call. So nothing has to
report here; looking is enough. What had changed before an address was given is never told.
"""

from dataclasses import dataclass, field

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid import notices as plaid
from bank_sync.sandbox.plaid.records import Item, LinkToken, items, link_tokens
from bank_sync.sandbox.teller import api
from bank_sync.sandbox.teller import notices as teller
from bank_sync.sandbox.teller.records import Enrollment, enrollments

_TELLER_PREFIX = "/teller"


@dataclass(slots=True)
class Watch:
    """What was seen of each link."""

    context: Context
    plaid: plaid.Notices
    teller: teller.Notices
    _logins: dict[str, tuple[bool, bool]] = field(default_factory=dict)
    _sessions: set[str] = field(default_factory=set)
    _rows: dict[str, set[str]] = field(default_factory=dict)
    _disconnected: dict[str, str | None] = field(default_factory=dict)

    def look(self, site_url: str) -> None:
        """Look at every link and queue what there is to say."""
        for link in link_tokens(self.context):
            self._look_at_session(link)
        for item in items(self.context):
            self._look_at_item(item)
        for enrollment in enrollments(self.context) if self.teller.url else ():
            self._look_at_enrollment(enrollment, site_url)

    def _look_at_item(self, item: Item) -> None:
        was_required, was_revoked = self._logins.get(item.item_id, (False, False))
        self._logins[item.item_id] = (item.is_login_required, item.is_revoked)
        if item.is_revoked and not was_revoked:
            self._say(item, "USER_PERMISSION_REVOKED")
        elif item.is_login_required != was_required:
            self._say(item, "ERROR" if item.is_login_required else "LOGIN_REPAIRED")
        if item.item_id in self.plaid.told and not (item.is_login_required or item.is_revoked):
            self._look_at_log(item)

    def _look_at_log(self, item: Item) -> None:
        now = plaid.standing(self.context, self.plaid, item)
        if now != self.plaid.told[item.item_id]:
            self.plaid.told[item.item_id] = now
            self._say(item, "SYNC_UPDATES_AVAILABLE")

    def _say(self, item: Item, code: str) -> None:
        plaid.announce(self.context, self.plaid, item, code)

    def _look_at_session(self, link: LinkToken) -> None:
        """A finished Link session tells its address of the new Item, and that it is over."""
        if link.finished_at is None or link.token in self._sessions:
            return
        self._sessions.add(link.token)
        repaired = items(self.context).get(link.access_token) if link.access_token else None
        if repaired is not None:  # by the application itself: nobody has to tell it
            self._logins[repaired.item_id] = (repaired.is_login_required, repaired.is_revoked)
        about: dict[str, object] = {"link_session_id": f"session-{link.token}", "link_token": link.token}
        if link.public_token is not None:
            added = {**about, "public_token": link.public_token}
            plaid.send(self.context, self.plaid, link.webhook, "LINK/ITEM_ADD_RESULT", added)
        tokens = [link.public_token] if link.public_token else []
        status = "SUCCESS" if tokens or link.access_token else "EXITED"
        over = {**about, "status": status, "public_tokens": tokens}
        plaid.send(self.context, self.plaid, link.webhook, "LINK/SESSION_FINISHED", over)

    def _look_at_enrollment(self, enrollment: Enrollment, site_url: str) -> None:
        reason, known = enrollment.disconnected, enrollment.enrollment_id
        if reason is not None and self._disconnected.get(known) != reason:
            told = f"disconnected.{reason}" if reason else "disconnected"
            payload: dict[str, object] = {"enrollment_id": known, "reason": told}
            self.teller.send(self.context, "enrollment.disconnected", payload)
        self._disconnected[known] = reason
        if reason is None and not enrollment.is_revoked:
            self._look_at_rows(enrollment, site_url)

    def _look_at_rows(self, enrollment: Enrollment, site_url: str) -> None:
        """Rows whose enrichment has finished since the last look; the first look only remembers."""
        call = api.Call(self.context, enrollment, f"{site_url}{_TELLER_PREFIX}")
        rows = [row for account in call.open_accounts() for row in api.all_rows(call, account)]
        complete = {str(row["id"]): row for row in rows if _is_processed(row)}
        seen = self._rows.get(enrollment.enrollment_id)
        fresh = [] if seen is None else [row for key, row in complete.items() if key not in seen]
        if fresh:
            self.teller.send(self.context, "transactions.processed", {"transactions": fresh})
        self._rows[enrollment.enrollment_id] = set(complete)


def _is_processed(row: dict[str, object]) -> bool:
    details = row["details"]
    return isinstance(details, dict) and details["processing_status"] == "complete"
