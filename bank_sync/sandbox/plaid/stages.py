"""How far Plaid is with an Item's first update: nothing yet, the newest thirty days, or all of it.

Here: which of the three it is, by time or by command, and remembering what was served under it. Not here: the
log that follows from it (`log`).
"""

from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.plaid.records import Item, items


class Stage(StrEnum):
    """The three stages; `status` is Plaid's word for each."""

    NOT_READY = "not_ready"
    INITIAL = "initial"
    HISTORICAL = "historical"

    @property
    def status(self) -> str:
        """What stands in `transactions_update_status`."""
        return self.upper() if self is Stage.NOT_READY else f"{self.upper()}_UPDATE_COMPLETE"


def stage_of(context: Context, item: Item) -> Stage:
    """The Item's stage now: the commanded one, or what the time since linking gives."""
    if item.stage is not None:
        return Stage(item.stage)
    ready_at = item.linked_at + timedelta(seconds=context.config.plaid_not_ready_s)
    if context.now() < ready_at:
        return Stage.NOT_READY
    complete_at = ready_at + timedelta(seconds=context.config.plaid_initial_s)
    return Stage.INITIAL if context.now() < complete_at else Stage.HISTORICAL


def served(context: Context, item: Item, stage: Stage) -> Item:
    """The Item once its log is read at that stage: where its older history stands is then settled."""
    if stage is Stage.INITIAL and item.history_at is None:
        return item if item.is_initial_served else _kept(context, replace(item, is_initial_served=True))
    if item.history_at is not None:
        return item
    if item.is_initial_served:
        serial = context.store.serial
        return _kept(context, replace(item, history_at=context.now(), history_serial=serial))
    return _kept(context, replace(item, history_at=item.linked_at, history_serial=item.linked_serial))


def _kept(context: Context, item: Item) -> Item:
    return items(context).put(item.access_token, item)
