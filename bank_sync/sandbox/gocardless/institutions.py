"""The institutions GoCardless knows: its own names for the banks of the world, and their limits."""

from collections.abc import Mapping
from dataclasses import dataclass

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import by_field, not_found
from bank_sync.sandbox.world.banks import BANKS
from bank_sync.sandbox.world.model import Bank, Role

_SHORT_DAYS = 90
SCOPES = ("balances", "details", "transactions")
_COUNTRIES = frozenset({"GB", "DE", "FR", "NL", "ES", "SE", "BE", "NO", "IT", "RO", "GR", "LV", "XX"})


@dataclass(frozen=True, slots=True)
class Institution:
    """One institution: how far back it reaches and how long it lets consent last.

    `title` is its name where that is not the bank's: banks with quirks borrow another's customers.
    """

    id: str
    bank_key: str
    total_days: int
    valid_days: int
    countries: tuple[str, ...]
    joined_scopes: tuple[str, ...] = ()
    title: str = ""

    @property
    def name(self) -> str:
        """The institution's name as people know it."""
        return self.title or self.bank().name

    def features(self) -> frozenset[str]:
        """What the institution can do beyond the least; short histories come only right after consent."""
        apart = {"separate_continuous_history_consent"} if self.total_days <= _SHORT_DAYS else set()
        cards = {"card_accounts"} if Role.CARD in self.bank().roles else set()
        return frozenset({"private_accounts", "pending_transactions", "account_selection"} | apart | cards)

    def bank(self) -> Bank:
        """The bank of the world behind it."""
        return BANKS[self.bank_key]


def _odd(institution_id: str, title: str, country: str, bank_key: str, total_days: int = 540) -> Institution:
    """An institution with a quirk (`quirks`)."""
    return Institution(institution_id, bank_key, total_days, 180, (country,), title=title)


_ALL = (
    Institution("SANDBOXFINANCE_SFIN0000", "sandbox_finance", 90, 180, ("XX",)),
    Institution("BARCLAYS_BUKBGB22", "barclays", 730, 90, ("GB",)),
    Institution("MONZO_MONZGB2L", "monzo", 730, 180, ("GB",)),
    Institution("REVOLUT_REVOGB21", "revolut", 730, 180, ("GB", "DE", "FR", "NL", "ES", "SE")),
    Institution("COMMERZBANK_COBADEFF", "commerzbank", 540, 180, ("DE",)),
    Institution("N26_NTSBDEB1", "n26", 90, 180, ("DE", "FR", "NL", "ES")),
    Institution("BNP_PARIBAS_BNPAFRPP", "bnp", 365, 180, ("FR",)),
    Institution("ING_INGBNL2A", "ing_nl", 540, 180, ("NL",)),
    Institution("ABNAMRO_ABNANL2A", "abn_amro", 540, 180, ("NL",), ("balances", "details")),
    Institution("CAIXABANK_CAIXESBB", "caixabank", 90, 180, ("ES",)),
    Institution("SEB_ESSESESS_PRIVATE", "seb", 365, 180, ("SE",)),
    _odd("SIM_ABNAMRO_ABNANL2A", "ABN AMRO (payee inside the text)", "NL", "abn_amro"),
    _odd("SIM_AMEX_AESUDEF1", "American Express (card number as IBAN)", "DE", "commerzbank"),
    _odd("SIM_BELFIUS_GKCCBEBB", "Belfius (ids used twice)", "BE", "bnp"),
    _odd("SIM_BNPBE_GEBABEBB", "BNP Paribas Fortis (narrative)", "BE", "bnp"),
    _odd("SIM_COMMERZBANK_COBADEFF", "Commerzbank (text in pieces)", "DE", "commerzbank"),
    _odd("SIM_DANSKEBANK_DABANO22", "Danske Bank (value date is the bill's)", "NO", "seb"),
    _odd("SIM_ENTERCARD_SWEDNOKK", "Entercard (amount in the shop's currency)", "SE", "seb"),
    _odd("SIM_HYPE_HYEEIT22", "Hype (escaped letters)", "IT", "caixabank"),
    _odd("SIM_INGRO_INGBROBU", "ING (id not provided)", "RO", "ing_nl"),
    _odd("SIM_NATIONWIDE_NAIAGB21", "Nationwide (malformed ids)", "GB", "barclays"),
    _odd("SIM_NBG_ETHNGRAAXXX", "National Bank of Greece (minus forgotten)", "GR", "caixabank"),
    _odd("SIM_NORWEGIAN_NORWNOK1", "Bank Norwegian (pending without a day)", "NO", "seb"),
    _odd("SIM_SEBKORT_SKHSFI21", "SEB Kort (sign reversed)", "SE", "seb"),
    _odd("SIM_SSK_DUSSDEDDXXX", "Stadtsparkasse Düsseldorf (empty placeholders)", "DE", "commerzbank"),
    _odd("SIM_SWEDBANK_HABALV22", "Swedbank (day and shop in the text)", "LV", "n26", 89),
)
INSTITUTIONS: Mapping[str, Institution] = {institution.id: institution for institution in _ALL}


def get_list(_: Context, query: Mapping[str, str]) -> list[dict[str, object]]:
    """GET /institutions/, of one country and with certain features if asked.

    Raises:
        GoCardlessError: 400 for a country GoCardless does not cover.
    """
    country = query.get("country")
    wanted = country.upper() if country else None
    asked = {
        name.removesuffix("_supported"): value.lower() == "true"
        for name, value in query.items()
        if name.endswith("_supported")
    }
    if country and wanted not in _COUNTRIES:
        detail = f"{country} is not a valid choice."
        raise by_field(country={"summary": "Invalid country choice.", "detail": detail})
    return [
        _speak(each)
        for each in _ALL
        if (wanted is None or wanted in each.countries)
        and all((feature in each.features()) is is_wanted for feature, is_wanted in asked.items())
    ]


def get_one(_: Context, institution_id: str) -> dict[str, object]:
    """GET /institutions/{id}/.

    Raises:
        GoCardlessError: 404.
    """
    if institution_id not in INSTITUTIONS:
        raise not_found()
    institution = INSTITUTIONS[institution_id]
    extras = {"supported_features": sorted(institution.features()), "supported_payments": {}}
    return {**_speak(institution), **extras}


def _speak(institution: Institution) -> dict[str, object]:
    return {
        "id": institution.id,
        "name": institution.name,
        "bic": institution.bank().bic,
        "transaction_total_days": str(institution.total_days),
        "max_access_valid_for_days": str(institution.valid_days),
        "countries": list(institution.countries),
        "logo": f"https://cdn-logos.gocardless.com/ais/{institution.id}.png",
        "identification_codes": [],
    }
