"""All steps a story is made of, with how often each comes.

Belongs here: the list. Does not belong here: the steps (`money_steps`, `link_steps`, `trouble_steps`).

A step takes the dice and says what it did; an empty answer means that there was nothing to do it to.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from bank_sync_tests.stateful import link_steps, money_steps, trouble_steps
from bank_sync_tests.stateful.stories import Story

Step = Callable[[Story, Random], str]

STEPS: dict[str, tuple[int, Step]] = {
    "days pass": (10, money_steps.days_pass),
    "spend": (9, money_steps.spend),
    "hold": (9, money_steps.hold),
    "twins": (4, money_steps.twins),
    "late row": (4, money_steps.late_row),
    "settle": (10, money_steps.settle),
    "cancel": (3, money_steps.cancel),
    "correct": (4, money_steps.correct),
    "remove": (3, money_steps.remove),
    "restore": (2, money_steps.restore),
    "churn": (4, money_steps.churn),
    "transfer": (3, money_steps.transfer),
    "relink": (4, link_steps.relink),
    "close account": (2, link_steps.close_account),
    "reopen account": (2, link_steps.reopen_account),
    "renew account": (2, link_steps.renew_account),
    "consent expires": (2, link_steps.consent_expires),
    "login breaks": (2, link_steps.login_breaks),
    "outage": (2, link_steps.outage),
    "log moves": (4, link_steps.log_moves),
    "faults": (6, trouble_steps.faults),
    "worker dies": (6, trouble_steps.worker_dies),
    "two workers": (4, trouble_steps.two_workers),
    "asked by hand": (2, trouble_steps.asked_by_hand),
    "edit": (4, trouble_steps.edit),
}
"""Every step by name, with how often it comes."""
