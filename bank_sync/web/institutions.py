"""The list of banks a person chooses from, over all providers.

Belongs here: putting their lists together. Does not belong here: asking one provider (`providers`).
"""

from __future__ import annotations

from bank_sync.domain.errors import ProviderError
from bank_sync.domain.linking import Institution
from bank_sync.services import Services

_MOST = 200


def find_institutions(services: Services, country: str, query: str) -> list[Institution]:
    """Banks by name; a provider that does not answer is left out.

    Raises:
        ProviderError: none of them answered.
    """
    found: list[Institution] = []
    failures: list[ProviderError] = []
    for provider in services.providers.values():
        try:
            found += provider.find_institutions(country=country, query=query.strip())
        except ProviderError as error:
            failures.append(error)
    if failures and len(failures) == len(services.providers):
        raise failures[0]
    return sorted(found, key=lambda one: (one.name.casefold(), one.provider))[:_MOST]
