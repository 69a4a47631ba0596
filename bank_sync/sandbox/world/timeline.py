"""How a bank treats a decision: when it shows, what is held, when it books, and in which words.

Here: turning a draft into a movement. Not here: deciding drafts (`habits`, `duties`) or looking at movements
(`ledger`). All hours are UTC, so a bank's date is the UTC day of the instant.
"""

from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

from bank_sync.sandbox.world.dice import DIGITS, UPPER_ALPHANUMERIC, Dice, code
from bank_sync.sandbox.world.drafts import Draft
from bank_sync.sandbox.world.model import Country, Kind, Movement, Person
from bank_sync.sandbox.world.money import minor_units, rounded
from bank_sync.sandbox.world.people import counterparty_iban

_HELD = frozenset({Kind.CARD, Kind.ONLINE, Kind.ATM, Kind.ABROAD})
_VANISHING = 0.02
_REFINED_LATER = 0.08
_TIPPED_COUNTRIES = frozenset({"US"})


def movement_of(
    draft: Draft, *, person: Person, country: Country, day: date, key: str, dice: Dice
) -> Movement:
    """The draft with every moment of its life decided; `key` is unique within the person's life."""
    done_on = day + timedelta(days=draft.delay_days)
    held_draft = draft.kind in _HELD
    authorised_at = (
        _at(done_on, dice.between(7, 20), dice.between(0, 59)) if held_draft else _at(done_on, 4, 0)
    )
    vanishes = held_draft and draft.kind is not Kind.ATM and dice.chance(_VANISHING)
    amount = _booked_amount(draft, country, dice) if held_draft else draft.amount
    settled_at = _settled_at(done_on, dice, held=held_draft, vanishes=vanishes)
    refined = held_draft and not vanishes and dice.chance(_REFINED_LATER)
    facts = _facts(draft, person=person, country=country, done_on=done_on, key=key, dice=dice)
    return Movement(
        key=key,
        account=draft.account,
        kind=draft.kind,
        category=draft.category,
        counterparty=draft.counterparty,
        merchant=draft.merchant,
        authorised_at=authorised_at,
        settled_at=settled_at,
        held=_held_amount(draft, country) if held_draft else None,
        amount=amount,
        vanishes=vanishes,
        refined_at=settled_at + timedelta(hours=dice.between(6, 40)) if refined else None,
        held_text=country.held_text.format_map(facts),
        text=country.texts[draft.kind].format_map({**facts, "amount": f"{abs(amount):f}"}),
        reference=str(facts["ref"]),
        counterparty_iban=str(facts["iban"]) if facts["iban"] else None,
        original=draft.original,
    )


def _at(day: date, hour: int, minute: int) -> datetime:
    return datetime.combine(day, time(hour, minute), UTC)


def _settled_at(done_on: date, dice: Dice, *, held: bool, vanishes: bool) -> datetime:
    """Card purchases book one to three nights on; holds nobody claims fall away within a week."""
    if vanishes:
        return _at(done_on + timedelta(days=dice.between(4, 7)), 3, dice.between(0, 59))
    if held:
        return _at(done_on + timedelta(days=dice.between(1, 3)), 4, dice.between(0, 59))
    return _at(done_on, 5, dice.between(0, 59))


def _held_amount(draft: Draft, country: Country) -> Decimal:
    """A fuel pump holds a round sum before it knows the bill; every other terminal holds the price."""
    if draft.category == "TRANSPORTATION_GAS":
        hold = Decimal(1) if country.code == "US" else Decimal(100 * country.price_level)
        return -rounded(hold, draft.account.currency)
    return draft.amount


def _booked_amount(draft: Draft, country: Country, dice: Dice) -> Decimal:
    """A restaurant bill grows by the tip where tipping is the custom."""
    tips = country.code in _TIPPED_COUNTRIES and draft.category == "FOOD_AND_DRINK_RESTAURANT"
    if tips and dice.chance(0.6):
        return rounded(draft.amount * (100 + dice.between(15, 24)) / 100, draft.account.currency)
    return draft.amount


def _facts(
    draft: Draft, *, person: Person, country: Country, done_on: date, key: str, dice: Dice
) -> dict[str, object]:
    """All that a bank's wording may mention."""
    original = draft.original
    facts: dict[str, object] = {
        "name": draft.counterparty,
        "city": person.city,
        "date": done_on,
        "currency": draft.account.currency,
        "ref": code(UPPER_ALPHANUMERIC, 8, "reference", draft.account.key, key),
        "mandate": code(UPPER_ALPHANUMERIC, 10, "mandate", person.key, draft.counterparty),
        "card": code(DIGITS, 4, "card", person.key),
        "store": code(DIGITS, 3, "store", person.key, draft.counterparty, dice.between(0, 1)),
        "iban": counterparty_iban(country, draft.counterparty) or "",
        "person": person.name,
        "other": draft.other.mask if draft.other else "",
        "original": f"{original.amount:f} {original.currency}" if original else "",
        "rate": f"{original.rate:.{max(4, minor_units(original.currency))}f}" if original else "",
    }
    return {**facts, "raw": draft.raw.format_map(facts)}
