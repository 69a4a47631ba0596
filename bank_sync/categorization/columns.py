"""Takes the merchant's part out of a statement line: columns, SEPA fields, dates, card masks, brackets.

Belongs here: what separates the merchant from the rest of the line. Does not belong here: which words of that
part are its name (`endings`, `merchants`), or what payment rails write in front of it (`rails`).
"""

import re
from collections.abc import Sequence

from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.phrases import folded, has_digit, split_words
from bank_sync.categorization.rails import is_rail

_MONTH = "|".join(sorted(toml_table("rails.toml")["months"], key=len, reverse=True))
_DATE = re.compile(
    rf"\b\d{{1,2}}(?:st|nd|rd|th|\.)?[\s./-]*(?:{_MONTH})\b\.?|\b(?:{_MONTH})[\s./-]*\d{{1,4}}\b"
)
_MASK = re.compile(r"(?<!\w)[x*•.]{2,}[\dx*•]*(?!\w)|\b[x*•]{3,}\d*|\*{2,}")
_DIGIT = re.compile("[0-9]")
_MASKING = re.compile("[x*•.]{2}")  # this is in every mask
_BATCH_FIELDS = re.compile(r"\s(?:des|indn|co id):.*")
_SEPA_TAG = re.compile(r"\b(eref|kref|mref|cred|debt|coam|oamt|svwz|abwa|abwe|iban|bic|purp)\+")
_DUTCH_NAME = re.compile(
    r"/name/([^/]+)|\b(?:naam|name):\s*([^:]+?)\s+(?:omschrijving|description|iban|kenmerk)\b"
)
# the shortest merchant part believed before a card network's double space has three letters
_LETTERS = re.compile(r"(?:[^\W\d_].*?){3}")
_SLASH = re.compile(r"(?<=[^\W\d])/+(?=[^\W\d])")
_INDIAN = re.compile(r"(?:upi|neft|imps|rtgs|nach|ecom pur|pos|vps|mmt|bil)/|(?:upi|neft|imps|rtgs|nach)-")
_GAP = re.compile(r"\s{2,}(?!\s|\*)")
_BRACKETS = re.compile(r"\s*\([^()]*\)?\s*$")
_DASH = re.compile(r"\s+[-\u2013|](?=\s|$)|(?<=\w)-\s+")


def statement_column(text: str) -> str:
    """Return what stands before the place in canonical text, dates, masks and SEPA tags taken out."""
    text = text.strip()
    if ":" in text or "+" in text or "/" in text:
        text = _sepa_name(_BATCH_FIELDS.sub("", text))
    text = _undated(text).strip()
    if _INDIAN.match(text):
        fields = text.split("/" if "/" in text else "-")  # rail, payee, address and reference
        return _first_naming([field for field in fields if _is_payee(field)]) or text
    # card networks pad the merchant to a fixed width and put the city after it; some pad the rail, too
    return _first_naming(_GAP.split(text)) or text if "  " in text else text


def named_part(column: str) -> str:
    """Return what stands in a column before brackets, dashes and slashes, behind which branches are named."""
    if "(" in column:
        column = _first_naming([_BRACKETS.sub("", column)]) or column
    if "-" in column or "\u2013" in column or "|" in column:
        column = _first_naming(_DASH.split(column)) or column
    if "/" in column:
        column = _first_naming(_SLASH.split(column)) or column
    return column


def _is_payee(field: str) -> bool:
    """Tell whether a field can name somebody: it is no reference, no address, and not too short."""
    words = split_words(field)
    reference = len(words) == 1 and has_digit(words[0])
    return "@" not in field and not reference and _LETTERS.search(field) is not None


def _first_naming(parts: Sequence[str]) -> str | None:
    """Return the first part that does more than tell how money travelled, if it can be a name."""
    naming = [part for part in parts if not is_rail(tuple(map(folded, split_words(part))))]
    return naming[0] if naming and _LETTERS.search(naming[0]) else None


def _undated(text: str) -> str:
    """Remove dates and masks; most texts have none, which is quicker to see than to search."""
    if _DIGIT.search(text):
        text = _DATE.sub(" ", text)
    return _MASK.sub(" ", text) if _MASKING.search(text) else text


def _sepa_name(text: str) -> str:
    dutch = _DUTCH_NAME.search(text)
    if dutch:
        return dutch.group(1) or dutch.group(2)
    if "+" not in text:
        return text
    parts = _SEPA_TAG.split(text)
    fields = dict(zip(parts[1::2], parts[2::2], strict=True))
    candidates = (fields.get("abwa"), parts[0], fields.get("svwz"))
    return next((part for part in candidates if part and part.strip()), text)
