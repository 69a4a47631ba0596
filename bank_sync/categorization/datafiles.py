"""Reads the data files shipped with categorization.

Belongs here: finding, parsing and fingerprinting the files in `data/`. Does not belong here: what they mean.
"""

import csv
import hashlib
import tomllib
from importlib.resources import files
from typing import Any

_FOLDER = files("bank_sync.categorization") / "data"


def csv_rows(name: str) -> list[dict[str, str]]:
    """Return the rows of one shipped CSV file as header-to-cell dicts; lines starting with # are comments."""
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return list(csv.DictReader(line for line in lines if line.strip() and not line.startswith("#")))


def toml_table(name: str) -> dict[str, Any]:
    """Return the content of one shipped TOML file."""
    return tomllib.loads((_FOLDER / name).read_text(encoding="utf-8"))


def fingerprint(*names: str) -> str:
    """Return eight hexadecimal digits that change whenever one of the named files changes."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((_FOLDER / name).read_bytes())
    return digest.hexdigest()[:8]
