"""How life and bank text look, country by country: one module of data each, and no logic."""

from collections.abc import Mapping

from bank_sync.sandbox.world.countries import de, es, fr, gb, nl, se, us, xx
from bank_sync.sandbox.world.model import Country

COUNTRIES: Mapping[str, Country] = {
    module.COUNTRY.code: module.COUNTRY for module in (us, gb, de, fr, nl, es, se, xx)
}
