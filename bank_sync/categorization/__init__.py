"""Says which merchant a bank transaction was with and what the money was for.

Belongs here: cleaning descriptors to merchants, the category taxonomy, and the rules that choose a category
with a confidence and a reason. Everything is pure: facts in, categories out. Does not belong here: reading or
storing transactions, calling providers, and a user's own overrides, which always win and live elsewhere.
"""

from bank_sync.categorization.categorize import categorize, decide, model_version
from bank_sync.categorization.merchants import Merchant, merchant
from bank_sync.categorization.models import Category, TransactionFacts
from bank_sync.categorization.taxonomy import TAXONOMY_VERSION

__all__ = [
    "TAXONOMY_VERSION",
    "Category",
    "Merchant",
    "TransactionFacts",
    "categorize",
    "decide",
    "merchant",
    "model_version",
]
