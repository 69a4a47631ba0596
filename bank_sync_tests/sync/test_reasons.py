"""The sentence on the next sync says what set the moment, and nothing of anybody."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bank_sync.domain.errors import ProviderError, Recovery
from bank_sync.sync import reasons
from bank_sync.sync.cadence import Quota, Situation, next_sync
from bank_sync.sync.habits import Basis
from bank_sync_tests.sync.test_cadence import NOW, burst, flat, moments, polled, situations

SENTENCE = re.compile(r"[A-Z][A-Za-z0-9 ',;:()_-]*\.")


def sentence(situation: Situation) -> str:
    """Why the next sync is when it is."""
    return reasons.why(situation, next_sync(situation, NOW), NOW)


@given(moments, situations, st.none() | st.tuples(st.integers(1, 3), st.floats(0, 24)))
def test_one_sentence_without_data(
    now: datetime, situation: Situation, left: tuple[int, float] | None
) -> None:
    """There is always one sentence, of plain words, without the connection's id or anybody's dates."""
    if left is not None:
        situation = replace(situation, quota=Quota(left[0], now + timedelta(hours=left[1])))
    said = reasons.why(situation, next_sync(situation, now), now)
    assert SENTENCE.fullmatch(said), said
    assert situation.connection_id not in said
    assert str(now.year) not in said


@pytest.mark.parametrize(
    ("situation", "part"),
    [
        (
            replace(polled(burst(6)), basis=Basis.OWN),
            "usually appear here between 06:00 and 07:00 UTC, so it is",
        ),
        (
            replace(polled(burst(6)), basis=Basis.BANK),
            "usually appear at this bank between 06:00 and 07:00 UTC",
        ),
        (replace(polled(flat(9)), basis=Basis.OWN), "at no particular hour"),
        (polled(flat(9)), "It is not known yet"),
        (
            replace(polled(burst(6, elsewhere=0.12)), basis=Basis.OWN),
            "this read is for what comes at other hours",
        ),
        (replace(polled(), are_webhooks_working=True), "announced by webhook"),
        (replace(polled(), is_history_waiting=True), "still reads the history"),
        (polled(flat(0.001)), "within 24 hours."),
        (replace(polled(flat(0.1)), user_active_at=NOW - timedelta(days=50)), "as nobody has looked lately."),
        (
            replace(polled(flat(9), "gocardless"), basis=Basis.OWN, quota=Quota(3, NOW)),
            "with 3 reads a day to spend and one kept for a person.",
        ),
        (
            replace(polled(provider="gocardless"), quota=Quota(3, NOW + timedelta(hours=23))),
            "reads that the bank",
        ),
    ],
)
def test_each_cause_has_its_words(situation: Situation, part: str) -> None:
    """Each rule tells itself."""
    assert part in sentence(situation)


@pytest.mark.parametrize(
    ("recovery", "code", "wait", "said"),
    [
        (
            Recovery.RETRY_BACKOFF,
            "http_503",
            timedelta(minutes=15),
            "in a way that passes, so it is tried again in 15 minutes.",
        ),
        (
            Recovery.RETRY_AT,
            "not_ready",
            timedelta(hours=1.6),
            "asked to come back later (not_ready), so it is tried again in 2 hours.",
        ),
        (Recovery.RETRY_AT, "daily_quota", timedelta(hours=20), "may not be asked just now (daily_quota)"),
        (Recovery.REAUTH_USER, "item_login_required", timedelta(days=7), "tried again in 7 days."),
        (
            Recovery.OPERATOR,
            "invalid_keys",
            timedelta(days=1),
            "have to be mended; it is tried again in 24 hours.",
        ),
        (Recovery.RETRY_BACKOFF, "timeout", timedelta(seconds=3), "tried again in 1 minute."),
    ],
)
def test_after_a_failure(recovery: Recovery, code: str, wait: timedelta, said: str) -> None:
    """The code, what it means for the wait, and the wait in words."""
    error = ProviderError(provider="plaid", code=code, recovery=recovery)
    found = reasons.why_after(error, wait)
    assert said in found
    assert SENTENCE.fullmatch(found)
