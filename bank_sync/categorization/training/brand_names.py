"""Takes brand names out of the npm package `name-suggestion-index` (BSD-3-Clause; see NOTICE).

Belongs here: making `data/names.csv`, by hand, when a newer release of the package is worth having:
`python -m bank_sync.categorization.training.brand_names package/dist/json/nsi.min.json > new.csv`; look at
what differs (everyday words were taken out by hand), put it in place and train anew. What is listed already
stays as it is: many names were written or mended from knowledge. Does not belong here: what a trade's names
are made of (`data/vocabulary.toml`).
"""

import csv
import json
import sys
import unicodedata
from pathlib import Path
from typing import Any

from bank_sync.categorization.datafiles import csv_rows

# where the people live whose transactions are categorized; 001 is the whole world, fx France without overseas
_PLACES = "001 us ca gb ie au nz za in de at ch fr fx be nl lu es pt it se no dk fi is 150 155 154 039 q2"
COUNTRIES = frozenset(_PLACES.split(" "))
# what a company does besides something else: its name is listed with the first of its kinds, these last
_BESIDES = (
    *("amenity/bicycle_rental", "amenity/car_rental", "amenity/fuel", "shop/convenience", "amenity/parking"),
    *("amenity/vending_machine", "amenity/charging_station"),
)
_MAIN = ("shop/supermarket", "shop/department_store", "amenity/restaurant", "amenity/fast_food")
# who charges cars, and is paid for power and water
_UTILITIES = ("stadtwerke", "gemeindewerke", "swb", "e.on", "vattenfall", "enbw")
MOST_OF_A_KIND = 350  # of school districts alone there are thousands, which teach nothing new


def main(index: str) -> None:
    """Write name and category of each brand that people may pay, sorted."""
    detailed_of = {row["tag"]: row["detailed"] for row in csv_rows("osm_tags.csv")}
    found = {row["name"]: row["detailed"] for row in csv_rows("names.csv")}
    kinds = json.loads(Path(index).read_text(encoding="utf-8"))["nsi"]
    for path, kind in sorted(kinds.items(), key=lambda each: (_rank(each[0]), each[0])):
        detailed = detailed_of.get(path.partition("/")[2])
        if detailed:
            for name in sorted(names(kind["items"]))[:: step(len(kind["items"]))]:
                if not (path.endswith(_BESIDES[-1]) and name.casefold().startswith(_UTILITIES)):
                    found.setdefault(name, detailed)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(["name", "detailed"])
    writer.writerows(sorted(found.items()))


def _rank(path: str) -> int:
    tag = path.partition("/")[2]
    if tag in _MAIN:
        return -1
    return _BESIDES.index(tag) + 1 if tag in _BESIDES else 0


def step(items: int) -> int:
    """Return how many of a kind's names stand for one that is kept."""
    return max(1, items // (2 * MOST_OF_A_KIND))


def names(items: list[dict[str, Any]]) -> set[str]:
    """Return the names of one kind of shop, other spellings included, that are written in Latin letters."""
    kept: set[str] = set()
    for item in items:
        places = {str(place).split("-")[0].split(".")[0] for place in item["locationSet"].get("include", [])}
        if places & COUNTRIES:
            tags = item["tags"]
            own = tags.get("name") or tags.get("brand") or tags.get("operator") or item["displayName"]
            kept.update(name for name in (own, *item.get("matchNames", ())) if is_latin(name))
    return kept


def is_latin(name: str) -> bool:
    """Tell whether a name is something a Western bank could print."""
    letters = [char for char in name if char.isalpha()]
    return len(letters) > 1 and all("LATIN" in unicodedata.name(char, "") for char in letters)


if __name__ == "__main__":
    main(sys.argv[1])
