"""What goes into categorization and what comes out.

Belongs here: the two public records. Does not belong here: any decision about them.
"""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class TransactionFacts:
    """What is known of one transaction; `amount` is positive for money IN, as the ledger stores it.

    `provider_category` is what the provider sent (a Plaid code of either version, or a Teller category) and
    `provider_confidence` Plaid's confidence level; both may be values nobody has seen before.
    """

    description: str
    amount: Decimal
    currency: str
    account_type: str
    merchant_name: str | None = None
    mcc: str | None = None
    provider: str = ""
    provider_category: str | None = None
    provider_confidence: str | None = None


@dataclass(frozen=True, slots=True)
class Category:
    """The category chosen for one transaction, how sure (0 to 1), by which kind of evidence and why.

    `source` is mcc, rule, model, provider or none, and brand or keyword where no model could be loaded; with
    none, `primary` and `detailed` are None, and `suggested` is the guess that was not sure enough, if any.
    `reason` names the rule or the listed words that decided and never repeats other text of the transaction.
    `detailed` alone is None when only the primary is known.
    """

    primary: str | None
    detailed: str | None
    confidence: float
    source: str
    reason: str
    taxonomy_version: str
    model_version: str
    suggested: str | None = None
