"""JSON text to Python values and back without losing a digit.

Belongs here: decoding and encoding of whole documents. Does not belong here: what the documents mean
(each provider's `wire`), what is left out of them before they are stored (`providers.minimise`).
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import NoReturn

import msgspec

_DECODER = msgspec.json.Decoder(float_hook=Decimal)
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class NotJson(ValueError):
    """The text is not one complete JSON document; carries no part of the text."""


def decode_json(text: bytes | str) -> object:
    """Decode one JSON document; every number with a fraction or exponent becomes a `Decimal`, digit by digit.

    Raises:
        NotJson: empty, truncated, not UTF-8, not JSON (`NaN` included), or nested absurdly deep.
    """
    try:
        return _DECODER.decode(text)
    except msgspec.DecodeError:
        return _decode_leniently(text)
    except (UnicodeError, RecursionError):
        raise NotJson from None


def decode_answer(body: bytes) -> object:
    """Decode what came over the network: as `decode_json`, and no object may say one key twice.

    Parsers disagree on which of the two counts, so that nobody can tell what was meant.

    Raises:
        NotJson: as `decode_json`, or a key stands twice.
    """
    value = decode_json(body)
    try:
        json.loads(body, object_pairs_hook=_without_twins, parse_float=str, parse_int=str)
    except (ValueError, RecursionError):
        raise NotJson from None
    return value


def encode_json(value: object) -> str:
    """Encode a decoded value again; Decimals keep the digits they came with."""
    return _ENCODER.encode(value).decode()


def _decode_leniently(text: bytes | str) -> object:
    """Valid JSON may escape half a surrogate pair, which only the standard library reads."""
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise NotJson from None


def _without_twins(pairs: list[tuple[str, object]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise NotJson


def _refuse(_: str) -> NoReturn:
    """`NaN` and `Infinity` are no JSON."""
    raise NotJson
