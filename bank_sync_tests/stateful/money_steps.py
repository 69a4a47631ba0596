"""Steps about money: what is bought, booked, corrected and taken away, and what the bank calls it.

Belongs here: entries into a person's book. Does not belong here: links (`link_steps`), trouble
(`trouble_steps`).
"""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from bank_sync_tests.stateful.stories import Link, Story

_SHOPS = ("CORNER CAFE 12", "GREEN GROCER", "CITY TRANSIT", "BOOKS & MORE", "Zoë's Æbler")
_MINOR = (350, 350, 1_200, 1_999, 4_250, 10_000)  # few, so that different purchases look alike
_EXPONENTS = {"JPY": 0, "KWD": 3}
_DAYS_CHANGED_LATE = 9  # banks correct within two weeks; beyond that nobody reads again
_DAYS_OF_OLD_ROWS = 25
_BY_PROVIDER = {"plaid": ("unlinked", "mislinked")}  # the others say nothing of what a row was before


def days_pass(story: Story, dice: Random) -> str:
    """Up to three days."""
    hours = dice.choice((1, 7, 24, 31, 55, 72))
    story.world.clock.advance(hours=hours)
    return f"{hours} hours pass"


def spend(story: Story, dice: Random) -> str:
    """Something is bought and booked at once."""
    link, account = any_account(story, dice)
    return _spend(story, dice, link, account)


def hold(story: Story, dice: Random) -> str:
    """Something is bought and pending."""
    link, account = any_account(story, dice)
    return _spend(story, dice, link, account, pending=True)


def twins(story: Story, dice: Random) -> str:
    """Two purchases nobody can tell apart."""
    link, account = any_account(story, dice)
    return _spend(story, dice, link, account, count=2, pending=dice.random() < 0.3)


def late_row(story: Story, dice: Random) -> str:
    """The bank books something under an earlier day."""
    link, account = any_account(story, dice)
    day = _today(story) - timedelta(days=dice.randint(1, _DAYS_CHANGED_LATE))
    return _spend(story, dice, link, account, booked_on=day.isoformat(), authorised_on=day.isoformat())


def settle(story: Story, dice: Random) -> str:
    """A pending purchase is booked: as it was, with a tip, in parts, or under a wrong or no link."""
    found = _pick(story, dice, "pending")
    if found is None:
        return ""
    link, row = found
    amount = Decimal(row["amount"])
    how = dice.choice(("exact", "exact", "tip", "parts", "renamed", *_BY_PROVIDER.get(link.provider, ())))
    wish: dict[str, object] = {"movement": row["movement"]}
    if how == "tip":
        wish["amount"] = f"{_with_tip(amount, row['currency'], dice):f}"
    elif how == "parts":
        first = _rounded(amount / 3, row["currency"])
        wish["parts"] = [f"{first:f}", f"{amount - first:f}"]
    elif how == "renamed":
        wish["description"] = f"{row['description']} {dice.choice(('LONDON', '0412', 'CARD 4321'))}"
    elif how == "unlinked":
        wish["link"] = "none"
    elif how == "mislinked":
        others = [one for one in _rows(story, link, "pending") if _are_neighbours(one, row)]
        if others:
            wish |= {"link": "wrong", "wrong_of": dice.choice(others)["movement"]}
    story.command(link, "settle", **wish)
    return f"{link}: {row['movement']} {amount} is booked, {how}"


def cancel(story: Story, dice: Random) -> str:
    """A pending purchase never comes about."""
    found = _pick(story, dice, "pending")
    if found is None:
        return ""
    link, row = found
    story.command(link, "cancel", movement=row["movement"])
    return f"{link}: {row['movement']} is cancelled"


def correct(story: Story, dice: Random) -> str:
    """The bank changes a booked row under its id."""
    found = _pick(story, dice, "posted")
    if found is None:
        return ""
    link, row = found
    changes: tuple[dict[str, object], ...] = (
        {"amount": f"{_amount(row['currency'], dice):f}"},
        {"description": "CORRECTED " + row["description"][:20]},
        {"booked_on": (_today(story) - timedelta(days=dice.randint(0, 3))).isoformat()},
    )
    what = dice.choice(changes)
    story.command(link, "correct", movement=row["movement"], **what)
    return f"{link}: {row['movement']} is corrected, {what}"


def remove(story: Story, dice: Random) -> str:
    """The bank takes a booked row away."""
    found = _pick(story, dice, "posted")
    if found is None:
        return ""
    link, row = found
    story.command(link, "remove", movement=row["movement"])
    story.removed.append((link, row["movement"]))
    return f"{link}: {row['movement']} is removed"


def restore(story: Story, dice: Random) -> str:
    """The bank brings a removed row back."""
    if not story.removed:
        return ""
    link, movement = story.removed.pop(dice.randrange(len(story.removed)))
    story.command(link, "restore", movement=movement)
    return f"{link}: {movement} is back"


def churn(story: Story, dice: Random) -> str:
    """All booked rows of an account get new ids: told, silently, at every read, or by position."""
    link, account = any_account(story, dice)
    ways: tuple[dict[str, object], ...] = (
        {}, {"silent": True}, {"every_read": True}, {"every_read": False}, {"positional": True}
    )  # fmt: skip
    how = dice.choice(ways)
    if link.provider == "plaid":
        how = {}  # a change log names each row once: rows that come anew without a removal are new purchases
    story.command(link, "churn", account=account["provider_account_id"], **how)
    return f"{link}: new ids in {account['name']}, {how or 'told'}"


def transfer(story: Story, dice: Random) -> str:
    """Money moves between two accounts of the person, also across banks."""
    (one, source), (other, target) = any_account(story, dice), any_account(story, dice)
    if source["currency"] != target["currency"] or source == target:
        return ""
    amount = -abs(_amount(source["currency"], dice))
    story.command(
        one, "spend", account=source["provider_account_id"], amount=f"{amount:f}", description="TO OWN"
    )
    story.command(
        other, "spend", account=target["provider_account_id"], amount=f"{-amount:f}", description="FROM OWN"
    )
    return f"{amount} from {one} {source['name']} to {other} {target['name']}"


def old_rows(story: Story, link: Link) -> None:
    """One row on each account, too old to change: it tells how far back a link made anew reaches."""
    day = (_today(story) - timedelta(days=_DAYS_OF_OLD_ROWS)).isoformat()
    for account in story.open_accounts(link):
        story.command(
            link,
            "spend",
            account=account["provider_account_id"],
            amount=f"{Decimal(_MINOR[0]).scaleb(-_EXPONENTS.get(account['currency'], 2)):f}",
            description="OPENING GIFT",
            booked_on=day,
            authorised_on=day,
        )


def any_purchase(story: Story, dice: Random, link: Link) -> None:
    """Something of the last days, booked or still pending."""
    account = dice.choice(story.open_accounts(link))
    if dice.random() < 0.3:
        _spend(story, dice, link, account, pending=True)
        return
    day = _today(story) - timedelta(days=dice.randint(0, _DAYS_CHANGED_LATE))
    _spend(story, dice, link, account, booked_on=day.isoformat(), authorised_on=day.isoformat())


def any_account(story: Story, dice: Random) -> tuple[Link, dict[str, Any]]:
    """An open account behind any of the links."""
    link = dice.choice(story.links)
    return link, dice.choice(story.open_accounts(link))


def _rows(story: Story, link: Link, posting: str) -> list[dict[str, Any]]:
    """Rows of one link that a bank would still change."""
    recent = (_today(story) - timedelta(days=_DAYS_CHANGED_LATE)).isoformat()
    return [
        {**row, "account": account["name"]}
        for account in story.open_accounts(link)
        for row in sorted(account["transactions"], key=lambda row: str(row["movement"]))
        if row["posting"] == posting and (row["booked_on"] or row["authorised_on"]) >= recent
    ]


def _pick(story: Story, dice: Random, posting: str) -> tuple[Link, dict[str, Any]] | None:
    link = dice.choice(story.links)
    rows = _rows(story, link, posting)
    return (link, dice.choice(rows)) if rows else None


def _spend(story: Story, dice: Random, link: Link, account: dict[str, Any], **wish: object) -> str:
    amount, shop = _amount(account["currency"], dice), dice.choice(_SHOPS)
    story.command(
        link, "spend", account=account["provider_account_id"], amount=f"{amount:f}", description=shop, **wish
    )
    return f"{link} {account['name']}: {amount} at {shop} {wish or ''}"


def _are_neighbours(one: dict[str, Any], other: dict[str, Any]) -> bool:
    return bool(one["movement"] != other["movement"] and one["account"] == other["account"])


def _today(story: Story) -> date:
    return story.world.clock.now.date()


def _amount(currency: str, dice: Random) -> Decimal:
    sign = 1 if dice.random() < 0.15 else -1
    return sign * Decimal(dice.choice(_MINOR)).scaleb(-_EXPONENTS.get(currency, 2))


def _rounded(amount: Decimal, currency: str) -> Decimal:
    return amount.quantize(Decimal(1).scaleb(-_EXPONENTS.get(currency, 2)))


def _with_tip(amount: Decimal, currency: str, dice: Random) -> Decimal:
    return _rounded(amount * dice.choice((Decimal("1.1"), Decimal("1.18"), Decimal("1.25"))), currency)
