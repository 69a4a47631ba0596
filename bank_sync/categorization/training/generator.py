"""Imitates what banks make of a merchant's name: prefixes, processors, places, legal forms, cut ends.

Belongs here: how descriptors look. Does not belong here: which merchants there are (`examples`). All chance
comes from the generator that is passed in.
"""

from random import Random

from bank_sync.categorization.datafiles import csv_rows, toml_table

_RAILS = toml_table("rails.toml")
_CHANNELS = toml_table("channels.toml")
CITIES: list[str] = toml_table("places.toml")["cities"]
_PEOPLE = toml_table("people.toml")
FIRST_NAMES: list[str] = _PEOPLE["first_names"].split()
SURNAMES: list[str] = _PEOPLE["surnames"].split()
FIRST_WORDS: list[str] = _PEOPLE["first_words"].split()
_TOWNS = [row["name"] for row in csv_rows("cities.csv") if row["kind"] == "town"]
_BEHIND_CITY = ("", "", "", " us", " gb", " ny", " ca", " tx", " fl", " de", " fr", " nl", " gbr", " usa")
_ENDINGS = (".com", ".com", ".co.uk", ".de", ".net", ".org", ".fr", ".nl", ".se", ".it", ".es", "")
_FORMS = (
    *(
        "store",
        "stores",
        "ltd",
        "limited",
        "inc",
        "llc",
        "co",
        "corp",
        "gmbh",
        "sarl",
        "sas",
        "bv",
        "ab",
        "as",
        "aps",
    ),
    *(
        "oy",
        "sa",
        "sl",
        "srl",
        "spa",
        "plc",
        "group",
        "online",
        "intl",
        "pty ltd",
        "uk",
        "the",
        "shop",
        "services",
    ),
)
_AREAS = (
    *("centre", "center", "mall", "station", "airport", "high street", "main st", "road", "plaza", "square"),
    *(
        "park",
        "north",
        "south",
        "east",
        "west",
        "city",
        "village",
        "retail park",
        "shopping centre",
        "st",
        "ave",
    ),
    *("terminal", "bridge", "street", "bahnhof", "hbf", "gare", "centrum", "sud", "nord", "centro", "via"),
)
_WIDTHS = (12, 16, 18, 20, 22, 23, 25)  # characters at which card networks and banks cut
_PROCESSORS = sorted(
    set(_RAILS["processors"]).difference(*(phrases for name, phrases in _CHANNELS.items() if "_" in name))
)
_MONEY = frozenset(("TRANSFER_OUT", "TRANSFER_IN", "INCOME", "LOAN_DISBURSEMENTS", "BANK_FEES"))

TRANSFERS: list[str] = _CHANNELS["transfer"]

# How often a merchant of a category uses a till that the category's merchants share.
_TILLS = {
    "FOOD_AND_DRINK": {"restaurant_till": 0.06, "market_till": 0.06, "web_shop": 0.005},
    "GENERAL_MERCHANDISE": {"market_till": 0.03, "web_shop": 0.06},
    "PERSONAL_CARE": {"market_till": 0.05, "web_shop": 0.02, "gym_till": 0.05},
    "GENERAL_SERVICES": {"market_till": 0.03, "software_seller": 0.04},
    "ENTERTAINMENT": {
        "market_till": 0.01,
        "ticket_seller": 0.06,
        "tour_seller": 0.02,
        "software_seller": 0.01,
    },
    "TRAVEL": {"tour_seller": 0.05},
    "HOME_IMPROVEMENT": {"market_till": 0.02, "web_shop": 0.02},
    "MEDICAL": {"market_till": 0.02},
    "TRANSPORTATION": {"market_till": 0.01},
    "GOVERNMENT_AND_NON_PROFIT": {"public_till": 0.06, "market_till": 0.01},
    "RENT_AND_UTILITIES": {"public_till": 0.03},
}


def descriptor(rng: Random, name: str, primary: str) -> str:
    """Return `name` as some bank might print it for a transaction of this primary category."""
    text = _with_form(rng, name)
    text = _with_place(rng, text)
    text = _with_rail(rng, text, primary)
    return text[: rng.choice(_WIDTHS)] if rng.random() < 0.15 else text


def _with_form(rng: Random, name: str) -> str:
    if rng.random() >= 0.12:
        return name
    return f"{name} {rng.choice((*_FORMS, f'#{rng.randrange(9999)}', str(rng.randrange(99999))))}"


def _with_place(rng: Random, name: str) -> str:
    """Put a place behind the name, or make a web address of it."""
    kind = rng.random()
    if kind < 0.25:
        return f"{name}{rng.choice((' ', '  '))}{rng.choice(CITIES)}{rng.choice(_BEHIND_CITY)}"
    if kind < 0.45:
        return _with_town(rng, name)
    if kind < 0.54:
        return rng.choice(("www.", "", "")) + name.replace(" ", "") + rng.choice(_ENDINGS)
    return name


def _with_town(rng: Random, name: str) -> str:
    """Put a place behind the name that no list knows, often cut short: a name is known before anything."""
    town = rng.choice(_TOWNS)
    if rng.random() < 0.3:
        town = f"{town} {rng.choice(_AREAS)}"
    whole = f"{name} {town}"
    return whole[: len(name) + rng.randint(3, 12)] if rng.random() < 0.5 else whole


def _till(rng: Random, primary: str) -> str | None:
    chance = rng.random()
    for till, share in _TILLS.get(primary, {}).items():
        chance -= share
        if chance < 0:
            return str(rng.choice(_CHANNELS[till]))
    return None


def _with_rail(rng: Random, text: str, primary: str) -> str:
    till = _till(rng, primary)
    if till is not None:
        return f"{till}{rng.choice((' *', '*', '* ', ' '))}{text}"
    kind = rng.random()
    if primary in _MONEY:
        if kind < 0.2:
            return f"{rng.choice(_CHANNELS['transfer'])} {text}"
        return f"{text} {rng.choice(SURNAMES)}" if kind < 0.25 and primary != "INCOME" else text
    if primary == "LOAN_PAYMENTS":
        channel = "direct_debit" if kind < 0.3 else "transfer" if kind < 0.45 else ""
    elif primary == "RENT_AND_UTILITIES":
        channel = (
            "direct_debit" if kind < 0.3 else "transfer" if kind < 0.4 else "card" if kind < 0.55 else ""
        )
    elif primary == "GENERAL_SERVICES" and kind < 0.15:
        channel = "direct_debit"
    elif kind < 0.05:
        return f"{rng.choice(_PROCESSORS)} *{text}"
    else:
        channel = (
            "card" if kind < 0.5 else "direct_debit" if kind < 0.54 else "transfer" if kind < 0.56 else ""
        )
    return f"{rng.choice(_CHANNELS[channel])} {text}" if channel else text
