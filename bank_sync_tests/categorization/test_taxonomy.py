"""The taxonomy and the data files that must agree with it."""

import pytest

from bank_sync.categorization.brands import BRANDS
from bank_sync.categorization.datafiles import csv_rows, fingerprint, toml_table
from bank_sync.categorization.phrases import PhraseIndex, plain_words
from bank_sync.categorization.rules import PhraseRules
from bank_sync.categorization.taxonomy import (
    DETAILED,
    PRIMARIES,
    fold,
    is_known,
    primary_of,
    upgrade,
    with_direction,
)

V1_ONLY = {row["detailed"] for row in csv_rows("taxonomy.csv") if row["version"] == "v1"}
V1 = {row["detailed"] for row in csv_rows("taxonomy.csv") if row["version"] != "v2"}


def test_version_2_has_the_published_size() -> None:
    """18 primaries and 127 detailed codes, each named after its primary; version 1 had 104."""
    assert (len(PRIMARIES), len(DETAILED), len(V1)) == (18, 127, 104)
    assert all(code.startswith(f"{primary_of(code)}_") for code in DETAILED)


def test_every_version_1_code_has_a_successor() -> None:
    """History in the old taxonomy can always be read in the new one."""
    assert V1_ONLY
    assert all(is_known(upgrade(code) or "") for code in V1)


def test_folding_leads_to_version_1_codes() -> None:
    """Everything but OTHER, which version 1 lacked, has an old code."""
    assert {code for code in DETAILED if fold(code) is None} == {"OTHER_OTHER"}
    assert all(fold(code) in V1 for code in DETAILED if code != "OTHER_OTHER")


@pytest.mark.parametrize("text", ["", "TRAVEL", "travel_flights", "FUTURE_CODE"])
def test_an_unknown_code_is_none(text: str) -> None:
    """Unknown codes are answered, not raised."""
    assert (is_known(text), primary_of(text), upgrade(text), fold(text)) == (False, None, None, None)


@pytest.mark.parametrize("money_in", [True, False])
def test_turning_a_code_round_stays_in_the_taxonomy(money_in: bool) -> None:  # noqa: FBT001 - pytest passes it by name
    """Whatever the direction, the answer is a code of the taxonomy that fits it, or None."""
    for code in DETAILED:
        turned = with_direction(code, money_in=money_in)
        assert turned is None or is_known(turned)
        assert turned is None or not turned.startswith("TRANSFER_OUT_" if money_in else "TRANSFER_IN_")


def test_data_files_use_only_known_codes() -> None:
    """A slip of the pen in a data file is found here."""
    rules = toml_table("rules.toml")
    used = {brand.detailed for brand in BRANDS.values()}
    used |= {rule["detailed"] for part in rules.values() for rule in part}
    used |= {row["detailed"] for row in csv_rows("mcc.csv")}
    used |= {
        row[side] for row in csv_rows("teller.csv") for side in ("detailed_in", "detailed_out") if row[side]
    }
    assert used <= DETAILED


def test_rule_names_are_unique_within_their_kind() -> None:
    """A reason points to one rule."""
    for part in toml_table("rules.toml").values():
        names = [rule["name"] for rule in part]
        assert len(names) == len(set(names))


def test_an_alias_belongs_to_one_brand() -> None:
    """Two brands never claim the same words."""
    owners: dict[str, str] = {}
    for row in csv_rows("brands.csv"):
        for alias in (row["name"], *filter(None, row["aliases"].split("|"))):
            words = " ".join(plain_words(alias))
            assert owners.setdefault(words, row["name"]) == row["name"], words


def test_a_rule_with_an_unknown_code_is_refused() -> None:
    """A broken data file stops the program at once, naming the rule."""
    with pytest.raises(ValueError, match="broken rule"):
        PhraseRules(
            [{"name": "broken rule", "detailed": "NO_SUCH", "confidence": 1.0, "phrases": ["x"]}], "rule"
        )


@pytest.mark.parametrize("phrase", ["", "  ", "two words~", "~two words"])
def test_a_phrase_that_cannot_match_is_refused(phrase: str) -> None:
    """Phrases that could never be found are mistakes."""
    with pytest.raises(ValueError, match="phrase"):
        PhraseIndex([(phrase, None)])


def test_the_index_finds_words_stems_and_endings() -> None:
    """Whole words match whole words; `~` opens one side."""
    index = PhraseIndex([("gas bill", 1), ("miet~", 2), ("~apotheke", 3)])
    words = tuple(plain_words("Gas Bill Mietzahlung Löwenapotheke gasbill"))
    assert [match.payload for match in index.find(words)] == [1, 2, 3]


def test_the_fingerprint_depends_on_the_files() -> None:
    """Another file, another version."""
    assert fingerprint("mcc.csv") == fingerprint("mcc.csv") != fingerprint("teller.csv")
