"""The banks of the world, under names of our own.

Here: which banks exist and what their customers hold. Not here: the number a provider knows a bank by; that
stands in each protocol's own list, so that one bank reached through two providers shows the same accounts.
"""

from collections.abc import Mapping

from bank_sync.sandbox.world.model import Bank, Role

_EVERYDAY = (Role.CHECKING, Role.SAVINGS)
_WITH_CARD = (Role.CHECKING, Role.SAVINGS, Role.CARD)

_ALL = (
    Bank("platypus", "First Platypus Bank", "US", "PLTYUS33", _WITH_CARD, routing_number="011401533"),
    Bank("gingham", "First Gingham Credit Union", "US", "GNGHUS33", _EVERYDAY, routing_number="021000021"),
    Bank(
        "tattersall",
        "Tattersall Federal Credit Union",
        "US",
        "TATTUS33",
        _WITH_CARD,
        routing_number="011000138",
    ),
    Bank("tartan", "Tartan Bank", "US", "TRTNUS33", (Role.CHECKING, Role.CARD), routing_number="011200365"),
    Bank(
        "houndstooth", "Houndstooth Bank", "US", "HNDSUS33", _WITH_CARD, ("JPY",), routing_number="011400495"
    ),
    Bank("royal_plaid", "Royal Bank of Plaid", "GB", "RBOPGB2L", _WITH_CARD),
    Bank("chase", "Chase", "US", "CHASUS33", _WITH_CARD, routing_number="322271627"),
    Bank("bank_of_america", "Bank of America", "US", "BOFAUS3N", _WITH_CARD, routing_number="121000358"),
    Bank("wells_fargo", "Wells Fargo", "US", "WFBIUS6S", _WITH_CARD, routing_number="121042882"),
    Bank(
        "capital_one",
        "Capital One",
        "US",
        "NFBKUS33",
        (Role.SAVINGS, Role.CARD, Role.CHECKING),
        routing_number="051405515",
    ),
    Bank("security_cu", "Security Credit Union", "US", "SECUUS33", _EVERYDAY, routing_number="272078268"),
    Bank("barclays", "Barclays Personal", "GB", "BUKBGB22", _WITH_CARD),
    Bank("monzo", "Monzo Bank Limited", "GB", "MONZGB2L", _EVERYDAY),
    Bank("revolut", "Revolut", "GB", "REVOGB21", (Role.CHECKING,), ("JPY", "KWD")),
    Bank("commerzbank", "Commerzbank", "DE", "COBADEFF", _WITH_CARD),
    Bank("n26", "N26 Bank", "DE", "NTSBDEB1", _EVERYDAY),
    Bank("bnp", "BNP Paribas", "FR", "BNPAFRPP", _WITH_CARD),
    Bank("ing_nl", "ING", "NL", "INGBNL2A", _EVERYDAY),
    Bank("abn_amro", "ABN AMRO Bank", "NL", "ABNANL2A", _WITH_CARD),
    Bank("caixabank", "CaixaBank", "ES", "CAIXESBB", _WITH_CARD),
    Bank("seb", "SEB", "SE", "ESSESESS", _WITH_CARD),
    Bank("sandbox_finance", "Sandbox Finance", "XX", "SFIN0000", _EVERYDAY),
)

BANKS: Mapping[str, Bank] = {bank.key: bank for bank in _ALL}
