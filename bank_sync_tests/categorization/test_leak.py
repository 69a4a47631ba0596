"""What is measured on must not have been learnt from."""

from pathlib import Path

import pytest

from bank_sync.categorization.datafiles import toml_table
from bank_sync.categorization.evaluation.sets import Labelled, from_file, own
from bank_sync.categorization.names import listed
from bank_sync.categorization.phrases import plain_words
from bank_sync.categorization.training.examples import examples
from bank_sync.categorization.training.fit import SEED

DEVELOPMENT = Path(__file__).parents[3] / "shared" / "categorization" / "dev_set.jsonl"
# A descriptor of one or two words is a merchant's name or a bank's standing phrase, which lists must hold.
_WORDS_OF_A_DESCRIPTOR = 4


def _normal(text: str) -> str:
    return " ".join(plain_words(text))


def _texts() -> set[str]:
    rules = toml_table("rules.toml")
    phrases = {phrase for part in rules.values() for rule in part for phrase in rule["phrases"]}
    return {_normal(text) for text in (*phrases, *(name for name, _ in listed()))}


def _descriptors(rows: list[Labelled]) -> set[str]:
    found = {_normal(row.description) for row in rows}
    return {text for text in found if len(text.split()) >= _WORDS_OF_A_DESCRIPTOR}


def test_no_own_descriptor_stands_in_the_lists() -> None:
    """The sets of six languages are told in formats that no list and no training row repeats."""
    descriptors = _descriptors(own())
    assert len(descriptors) > 1000
    assert not descriptors & (_texts() | {_normal(one.text) for one in examples(SEED)})


@pytest.mark.skipif(not DEVELOPMENT.exists(), reason="the development set lies beside the project, not in it")
def test_no_development_descriptor_stands_in_the_lists() -> None:
    """Real rows are for looking at; learning them would make every figure on them worthless."""
    assert not _descriptors(from_file(DEVELOPMENT)) & (
        _texts() | {_normal(one.text) for one in examples(SEED)}
    )
