"""The institutions Teller knows: its own names for the banks of the world."""

from collections.abc import Mapping

from bank_sync.sandbox.world.banks import BANKS

BANK_OF: Mapping[str, str] = {
    "security_cu": "security_cu",
    "chase": "chase",
    "bank_of_america": "bank_of_america",
    "wells_fargo": "wells_fargo",
    "capital_one": "capital_one",
    "houndstooth": "houndstooth",
}
_PRODUCTS = ["balance", "transactions", "identity", "verify"]


def name_of(institution_id: str) -> str:
    """The institution's name as people know it."""
    return BANKS[BANK_OF[institution_id]].name


def speak_all() -> list[dict[str, object]]:
    """GET /institutions."""
    return [{"id": each, "name": name_of(each), "products": _PRODUCTS} for each in BANK_OF]
