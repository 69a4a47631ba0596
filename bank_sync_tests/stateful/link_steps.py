"""Steps about links: made anew, expired, broken and mended; accounts that close, return and change their id.

Belongs here: what happens to access. Does not belong here: money (`money_steps`).
"""

from __future__ import annotations

from random import Random

from bank_sync_tests.stateful.money_steps import any_account
from bank_sync_tests.stateful.stories import Link, Story


def relink(story: Story, dice: Random) -> str:
    """The person links the same bank again: all ids are new."""
    link = dice.choice(story.links)
    story.link_anew(link)
    return f"{link} is linked anew"


def close_account(story: Story, dice: Random) -> str:
    """One of several accounts is closed."""
    link = dice.choice(story.links)
    accounts = story.open_accounts(link)
    if len(accounts) < 2:
        return ""
    account = dice.choice(accounts)
    story.command(link, "close_account", account=account["provider_account_id"])
    return f"{link}: {account['name']} is closed"


def reopen_account(story: Story, dice: Random) -> str:
    """A closed account comes back."""
    link = dice.choice(story.links)
    closed = [account for account in story.truth(link) if account["is_closed"]]
    if not closed:
        return ""
    account = dice.choice(closed)
    story.command(link, "reopen_account", account=account["provider_account_id"])
    return f"{link}: {account['name']} is open again"


def renew_account(story: Story, dice: Random) -> str:
    """An account gets a new id within its link."""
    link, account = any_account(story, dice)
    story.command(link, "renew_account", account=account["provider_account_id"])
    return f"{link}: {account['name']} has a new id"


def consent_expires(story: Story, dice: Random) -> str:
    """The consent runs out; a sync finds out; the person gives it again, maybe later."""
    link = dice.choice(story.links)
    story.command(link, "expire_consent")
    link.is_login_broken = True
    story.sync(link)
    _come_back(story, dice, link)
    return f"{link}: consent ran out"


def login_breaks(story: Story, dice: Random) -> str:
    """The bank wants the person to log in; they do, maybe later."""
    link = dice.choice(story.links)
    if link.provider == "gocardless":
        return ""  # there a login lives and dies with its consent
    story.world.bank.break_login(link.token)
    link.is_login_broken = True
    story.sync(link)
    _come_back(story, dice, link)
    return f"{link}: login broke"


def _come_back(story: Story, dice: Random, link: Link) -> None:
    """The person mends their login, links the bank anew, or leaves it for now."""
    how = dice.random()
    if how < 0.4:
        story.log_in_again(link)
    elif how < 0.7:
        story.link_anew(link)


def outage(story: Story, dice: Random) -> str:
    """The bank is down for a sync, and maybe longer."""
    link = dice.choice(story.links)
    story.command(link, "outage", on=True)
    story.sync(link)
    if dice.random() < 0.6:
        story.command(link, "outage", on=False)
    return f"{link}: the bank was down"


def log_moves(story: Story, dice: Random) -> str:
    """Plaid's own tricks: the log changes under a reader, its cursors die, its history comes in stages."""
    link = next((link for link in story.links if link.provider == "plaid"), None)
    if link is None:
        return ""
    what = dice.choice(("mutate", "mutate", "lose", "lose", "stage"))
    if what == "mutate":
        story.command(link, "mutate_during_paging", times=dice.randint(1, 5))
    elif what == "lose":
        story.command(link, "lose_cursor")
    else:
        story.command(link, "stage", stage="historical")
    return f"{link}: {what}"
