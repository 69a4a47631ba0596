"""How often Plaid lets one Item be asked.

Belongs here: Plaid's published limits per Item and minute, those of production, which are the strict ones.
Does not belong here: the limit over all Items (a setting) and waiting (`providers.budget`).
"""

from __future__ import annotations

REQUESTS_PER_MINUTE_BY_PATH = {
    "/accounts/get": 15,
    "/accounts/balance/get": 5,
    "/item/get": 15,
    "/item/remove": 30,
    "/transactions/sync": 50,
    "/transactions/refresh": 2,
    "/transactions/recurring/get": 20,
}
