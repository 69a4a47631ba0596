"""The life of a row and of a link: pending, booked, removed, back; revoked, expired, linked anew; money.

Belongs here: what every provider promises about them, through engine and ledger.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest

from bank_sync_tests.contract.reading import (
    account_of,
    assert_as_the_bank_says,
    current_balance,
    live,
    read_again,
    rows,
    spend,
    state_of,
)
from bank_sync_tests.stateful.bank import INSTITUTIONS
from bank_sync_tests.stateful.judge import judge
from bank_sync_tests.stateful.stories import Link, Story


def _revoke(story: Story, link: Link) -> None:
    story.command(link, "revoke")


def _expire(story: Story, link: Link) -> None:
    story.command(link, "expire_consent")


def test_pending_is_booked_with_a_tip(story: Story, link: Link) -> None:
    """One row counts at any time: the pending one, then the booked one, whose amount is the final one."""
    held = spend(story, link, "-20.00", pending=True)
    read_again(story, link)
    assert [(row["posting"], row["amount"]) for row in live(story, link)] == [("pending", Decimal(-20))]
    story.world.clock.advance(days=1)
    story.command(link, "settle", movement=held, amount="-23.60")
    read_again(story, link)
    assert [(row["posting"], row["amount"]) for row in live(story, link)] == [("posted", Decimal("-23.6"))]
    assert len(rows(story, link)) == 2


def test_pending_that_never_comes_about(story: Story, link: Link) -> None:
    """A cancelled purchase counts no more, and its row stays to be looked at."""
    held = spend(story, link, "-20.00", pending=True)
    read_again(story, link)
    story.command(link, "cancel", movement=held)
    read_again(story, link)
    assert live(story, link) == []
    assert len(rows(story, link)) == 1


def test_removed_and_returned(story: Story, link: Link) -> None:
    """A row the bank takes away is kept with the reason, and comes back as the row it was."""
    movement = spend(story, link, "-20.00")
    for number in range(9):
        spend(story, link, f"-{number}.80")
    read_again(story, link)
    before = {row["transaction_id"] for row in live(story, link)}
    story.command(link, "remove", movement=movement)
    read_again(story, link)
    (gone,) = (row for row in rows(story, link) if row["removed_at"] is not None)
    assert gone["removal_reason"]
    assert gone["amount"] == Decimal(-20)
    story.command(link, "restore", movement=movement)
    read_again(story, link)
    assert {row["transaction_id"] for row in live(story, link)} == before


@pytest.mark.parametrize("end", [_revoke, _expire], ids=["revoked", "expired"])
def test_access_that_ended(story: Story, link: Link, end: Callable[[Story, Link], None]) -> None:
    """The person is asked for, the ledger stays as it was, and after they came nothing is new or lost."""
    spend(story, link, "-12.00")
    spend(story, link, "-12.00")
    read_again(story, link)
    before = rows(story, link)
    end(story, link)
    assert story.sync(link) != "ok"
    assert state_of(story, link) in {"disconnected", "revoked"}
    assert rows(story, link) == before
    if end is _revoke:
        story.link_anew(link)
    else:
        story.log_in_again(link)
    read_again(story, link)
    assert state_of(story, link) == "connected"
    assert [row["transaction_id"] for row in rows(story, link)] == [row["transaction_id"] for row in before]


def test_linked_anew(story: Story, link: Link) -> None:
    """All ids of the provider are new: the connection, its accounts and its rows are the same."""
    for _ in range(2):
        spend(story, link, "-12.00")  # two that look alike
    spend(story, link, "-3.50", pending=True)
    read_again(story, link)
    before = rows(story, link)
    story.link_anew(link)
    read_again(story, link)
    read_again(story, link)
    assert [row["transaction_id"] for row in rows(story, link)] == [row["transaction_id"] for row in before]
    assert judge(story).divergences == ()


@pytest.mark.parametrize("provider", sorted(INSTITUTIONS))
def test_new_ids_within_a_link(story: Story, provider: str) -> None:
    """An account or its rows get new ids, rows older than the window read among them: nothing is doubled."""
    link = story.open_link(provider, INSTITUTIONS[provider][0])
    day = (story.world.clock.now.date() - timedelta(days=25)).isoformat()
    spend(story, link, "-12.00", booked_on=day, authorised_on=day)
    spend(story, link, "-3.50")
    read_again(story, link)
    before = [row["transaction_id"] for row in rows(story, link)]
    for change in ("churn", "renew_account"):
        account = account_of(story, link)["provider_account_id"]
        story.command(link, change, account=account)
        read_again(story, link)
        read_again(story, link)
        assert [row["transaction_id"] for row in live(story, link)] == before
    assert judge(story).divergences == ()


@pytest.mark.parametrize("kind", ["depository", "credit"])
def test_signs_by_account_type(story: Story, link: Link, kind: str) -> None:
    """Money out is negative and money in positive on every kind of account; what is owed is negative."""
    account = account_of(story, link, kind)
    before = current_balance(story, link, account["provider_account_id"])
    for amount in ("-100.00", "12.00"):
        spend(story, link, amount, account=account["provider_account_id"])
    read_again(story, link)
    assert sorted(row["amount"] for row in live(story, link)) == [Decimal(-100), Decimal(12)]
    after = current_balance(story, link, account["provider_account_id"])
    assert after - before == Decimal(-88)
    assert kind == "depository" or after < 0


_MONEY = {"USD": "-12.34", "GBP": "-12.34", "EUR": "-12.34", "SEK": "-12.34", "JPY": "-1234", "KWD": "-1.234"}


@pytest.mark.parametrize("provider", sorted(INSTITUTIONS))
def test_currencies(story: Story, provider: str) -> None:
    """Amounts keep their last digit, in currencies with no, two and three of them, in each account."""
    seen = set()
    for institution_id in INSTITUTIONS[provider]:
        link = story.open_link(provider, institution_id)
        read_again(story, link)
        for account in story.truth(link):
            spend(story, link, _MONEY[account["currency"]], account=account["provider_account_id"])
            seen.add(account["currency"])
        read_again(story, link)
        assert assert_as_the_bank_says(story, link) == len(story.truth(link))
    assert (
        seen
        == {
            "plaid": {"USD", "GBP", "JPY"},
            "teller": {"USD"},  # Teller serves accounts in dollars alone
            "gocardless": {"EUR", "SEK", "GBP", "JPY", "KWD"},
        }[provider]
    )
