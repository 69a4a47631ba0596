"""The country of GoCardless's own sandbox bank: German habits, a galaxy's words, Greenland's IBANs."""

from dataclasses import replace

from bank_sync.sandbox.world.countries import de
from bank_sync.sandbox.world.model import Kind, Merchant

COUNTRY = replace(
    de.COUNTRY,
    code="XX",
    first_names=("Jane", "John", "Leia", "Lando"),
    last_names=("Doe", "Organa", "Calrissian"),
    cities=("ALDERAAN", "CORUSCANT"),
    employers=("MON MOTHMA",),
    landlords=("Cloud City Housing",),
    shops={
        **de.COUNTRY.shops,
        "coffee": (
            Merchant("Alderaan Coffe", "PAYMENT Alderaan Coffe", "FOOD_AND_DRINK_COFFEE", 1500, 1500, "5814"),
        ),
        "restaurant": (
            Merchant(
                "Emperor's Burgers",
                "PAYMENT Emperor's Burgers",
                "FOOD_AND_DRINK_FAST_FOOD",
                1000,
                2900,
                "5814",
            ),
        ),
    },
    texts={
        **de.COUNTRY.texts,
        Kind.CARD: "{raw}",
        Kind.SALARY: "For the support of Restoration of the Republic foundation",
    },
    held_text="Reserved {raw}",
    iban_format="NNNNNNNNNNNNNN",
)
