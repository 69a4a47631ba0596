"""The two policies that are compared: the cadence of production, and a cron.

Belongs here: how each is fed. Does not belong here: the first's rules, which are `bank_sync.sync.cadence`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from bank_sync.domain.models import AskedBy
from bank_sync.domain.quota import allowance, free_at
from bank_sync.sync import cadence, habits
from bank_sync.sync.cadence import Quota, Situation
from bank_sync.sync.habits import PostingHabit, Rates
from bank_sync_tests.proof.cadence_play import CALLS_A_DAY, Reader, hour, moment

_HISTORY_DELAY = timedelta(minutes=2)
_WEEK_H = 7 * 24.0
_MOST_OTHERS = 8
_READS_A_DAY = allowance(CALLS_A_DAY, AskedBy.SCHEDULE)


class Adaptive:
    """Production's rules, over habits learned from what this policy's own reads have seen."""

    def __init__(self) -> None:
        self._habits: dict[str, list[PostingHabit]] = {}
        self._at_bank: defaultdict[str, list[Reader]] = defaultdict(list)
        self._of_bank: dict[tuple[str, int], Rates | None] = {}

    def after_success(self, reader: Reader, now: datetime, appeared: Sequence[bool]) -> datetime:
        """The next read, from a situation gathered as `bank_sync.sync.due` gathers it."""
        accounts = self._learned(reader, now, appeared)
        alike = None if habits.is_known(accounts) else self._of_others(reader, hour(now))
        rates, basis = habits.rates_of(accounts, alike)
        situation = Situation(
            connection_id=reader.link.connection_id,
            provider=reader.link.bank.provider,
            rates=rates,
            basis=basis,
            are_webhooks_working=_was_announced(reader),
            user_active_at=reader.user_active_at,
            is_history_waiting=hour(now) < reader.link.history_until_h,
            quota=_quota(reader, now),
        )
        return cadence.next_sync(situation, now).at

    def _learned(self, reader: Reader, now: datetime, appeared: Sequence[bool]) -> list[PostingHabit]:
        link = reader.link
        if link.connection_id not in self._habits:
            usual = cadence.usual_rate(link.bank.provider) / len(link.tellable)
            self._habits[link.connection_id] = [PostingHabit(usual) for _ in link.tellable]
            self._at_bank[link.bank.name].append(reader)
        accounts = self._habits[link.connection_id]
        for habit, has_new in zip(accounts, appeared, strict=False):  # a first read tells of none
            habit.saw(moment(reader.syncs[-1]), now, appeared=has_new)
        return accounts

    def _of_others(self, reader: Reader, now_h: float) -> Rates | None:
        """The bank's hours, looked at once a day to save the simulation's time."""
        key = reader.link.bank.name, int(now_h // 24)
        if key not in self._of_bank:
            since_h = now_h - _WEEK_H
            others = [one for one in self._at_bank[reader.link.bank.name] if one.syncs and one is not reader]
            known = [one for one in others if one.syncs[0] < since_h][:_MOST_OTHERS]
            self._of_bank[key] = habits.shared_by([_week(one, since_h) for one in known]) if known else None
        return self._of_bank[key]


class FixedCron:
    """Every so many hours for all connections of a provider, each at its own minute.

    Args:
        every_h: by provider.
    """

    def __init__(self, every_h: Mapping[str, float]) -> None:
        self._every_h = every_h

    def after_success(self, reader: Reader, now: datetime, appeared: Sequence[bool]) -> datetime:
        """The next of the connection's fixed moments, later where the bank gives no call then."""
        if hour(now) < reader.link.history_until_h:
            return now + _HISTORY_DELAY
        every_h = self._every_h[reader.link.bank.provider]
        phase_h = cadence.spread(reader.link.connection_id) * every_h
        number = (hour(now) + 0.01 - phase_h) // every_h + 1
        at, quota = moment(phase_h + number * every_h), _quota(reader, now)
        return at if quota is None else max(at, quota.free_at)


def _quota(reader: Reader, now: datetime) -> Quota | None:
    if not reader.counted:
        return None
    return Quota(_READS_A_DAY, free_at(reader.counted, _READS_A_DAY, now))


def _was_announced(reader: Reader) -> bool:
    found = reader.found[-1] if reader.found else None
    reads = [moment(found.since_h), moment(found.at_h)] if found else []
    return habits.was_announced(reads, [reads[1:]], reader.webhook_seen_at)


def _week(reader: Reader, since_h: float) -> PostingHabit:
    reads = [moment(at_h) for at_h in reader.syncs if at_h >= since_h]
    found = [moment(one.at_h) for one in reader.found if one.at_h >= since_h]
    return habits.learn(reads, found, cadence.usual_rate(reader.link.bank.provider))
