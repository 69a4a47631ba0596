"""What the tests of categorization share."""

import pytest

from bank_sync.categorization import categorize, merchant


@pytest.fixture(scope="session", autouse=True)
def _lists_and_model_loaded() -> None:
    """The first answer reads lists and model, which would count against the first test's time."""
    text = "warm up qvzokwjkov"
    merchant(text)
    categorize([{"description": text, "amount": 1, "currency": "EUR", "account_type": "depository"}])
