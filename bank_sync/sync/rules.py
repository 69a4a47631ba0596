"""A person's own rules: making one, removing one, and what follows at once.

Belongs here: keeping a rule and deciding the person's rows again. Does not belong here: whether a rule fits a
row (`teaching`).
"""

from __future__ import annotations

from bank_sync.categorization import merchant
from bank_sync.categorization.phrases import plain_words
from bank_sync.domain.errors import NotFound
from bank_sync.services import Services
from bank_sync.storage import category_rules, owned
from bank_sync.storage.category_rules import Rule
from bank_sync.storage.database import transaction
from bank_sync.sync.rescoring import Rescored, recategorize_person


def merchant_key(name: str | None) -> str | None:
    """The key of the merchant that a name or a bank's text stands for; None where it names none."""
    return (merchant(name).key or None) if name else None


def plain(words: str | None) -> str | None:
    """Words in the form in which they are compared; None where there are none."""
    return " ".join(plain_words(words or "")) or None


def add(services: Services, external_reference: str, rule: Rule) -> tuple[int, Rescored]:
    """Keep a person's rule and decide their rows again; returns its number and what changed.

    Raises:
        NotFound: there is no such person, or the rule names neither a merchant nor words.
    """
    if rule.merchant_key is None and rule.words is None:
        raise NotFound("A rule needs a merchant or words that can be found in a transaction.")
    with transaction(services.engine) as db:
        user_id = owned.find_user(db, external_reference)
        if user_id is None:
            raise NotFound(f"There is no person {external_reference!r}.")
        number = category_rules.add_rule(db, user_id, rule, now=services.clock())
    return number, recategorize_person(services, user_id)


def remove(services: Services, rule_id: int) -> Rescored:
    """End a rule and decide its owner's rows again.

    Raises:
        NotFound: there is no such rule, or it was removed before.
    """
    with transaction(services.engine) as db:
        user_id = category_rules.remove_rule(db, rule_id, now=services.clock())
    return recategorize_person(services, user_id)
