"""The artefact: checked when read, replaced by rules when bad, made anew byte by byte."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from bank_sync.categorization import TransactionFacts, decide, model_version
from bank_sync.categorization import categorize as categorize_rows
from bank_sync.categorization.categorize import _answers, _question
from bank_sync.categorization.evidence import look
from bank_sync.categorization.features import CLASSES, FACTS, WIDTH, fact_columns, rows
from bank_sync.categorization.model import ARTEFACT, UnusableModelError, load, shipped
from bank_sync.categorization.reading import read
from bank_sync.categorization.training.fit import data_hash, train

_MOST_BYTES = 5 * 1024 * 1024


def row(description: str, amount: float, **more: object) -> dict[str, object]:
    """One row as `categorize` takes it."""
    return {
        "description": description,
        "amount": amount,
        "currency": "EUR",
        "account_type": "checking",
        **more,
    }


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A copy of the shipped artefact and its manifest, to be spoilt."""
    shutil.copy(ARTEFACT, tmp_path / "model.npz")
    shutil.copy(ARTEFACT.with_suffix(".json"), tmp_path / "model.json")
    return tmp_path / "model.npz"


def test_the_shipped_model_is_made_of_the_shipped_lists() -> None:
    """Whoever changes a list trains anew: the manifest names the hash of what it learnt from."""
    manifest = json.loads(ARTEFACT.with_suffix(".json").read_text())
    assert manifest["data"] == data_hash()
    assert ARTEFACT.stat().st_size <= _MOST_BYTES


def test_a_changed_byte_is_noticed(copied: Path) -> None:
    """A damaged download is not used."""
    content = bytearray(copied.read_bytes())
    content[len(content) // 2] ^= 1
    copied.write_bytes(content)
    with pytest.raises(UnusableModelError, match="not the file"):
        load(copied)


@pytest.mark.parametrize("spoilt", ["model.npz", "model.json"])
def test_a_missing_file_is_told(copied: Path, spoilt: str) -> None:
    """The message says how to get a model again."""
    (copied.parent / spoilt).unlink()
    with pytest.raises(UnusableModelError, match="categories train"):
        load(copied)


def test_a_model_for_other_features_is_refused(copied: Path) -> None:
    """Weights of another layout would answer nonsense."""
    manifest = json.loads(copied.with_suffix(".json").read_text())
    copied.with_suffix(".json").write_text(json.dumps({**manifest, "features": "other"}))
    with pytest.raises(UnusableModelError, match="other features"):
        load(copied)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"no archive at all"])
def test_a_file_that_holds_no_model_is_refused(copied: Path, content: bytes) -> None:
    """Even a manifest that fits does not make an archive of it."""
    from hashlib import sha256

    manifest = json.loads(copied.with_suffix(".json").read_text())
    copied.write_bytes(content)
    copied.with_suffix(".json").write_text(json.dumps({**manifest, "sha256": sha256(content).hexdigest()}))
    with pytest.raises(UnusableModelError, match="does not hold a model"):
        load(copied)


def test_without_a_model_rules_brands_and_keywords_decide() -> None:
    """A missing artefact makes categories poorer, not absent."""
    from decimal import Decimal

    questions = [
        _question(TransactionFacts(text, Decimal(-10), "EUR", "depository"))
        for text in ("TESCO STORES 2218", "QV DENTAL", "MONTHLY SERVICE FEE", "QVZOK WJK")
    ]
    found = _answers(questions, None)
    assert [one.source for one in found] == ["brand", "keyword", "rule", "none"]
    assert found[0].model_version == model_version(None)


_TRAIN = """
import sys
from pathlib import Path
from bank_sync.categorization.training.fit import train
train(Path(sys.argv[1]), share=0.02)
"""


def test_training_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    """Same lists, same seed, another process with other hashes of strings: the same artefact and manifest."""
    train(tmp_path / "here.npz", share=0.02)
    there = tmp_path / "there.npz"
    subprocess.run([sys.executable, "-c", _TRAIN, str(there)], check=True, env={"PYTHONHASHSEED": "4711"})
    assert (tmp_path / "here.npz").read_bytes() == there.read_bytes()
    assert (tmp_path / "here.json").read_text() == there.with_suffix(".json").read_text()
    assert load(there).weights.shape == (WIDTH, len(CLASSES))


def test_a_row_is_judged_alike_alone_and_among_others() -> None:
    """Rows are answered in blocks, and no row sees another."""
    asked = [row(f"QVZOK {word} LONDON", 12.5) for word in ("WJK", "BAKERY", "GARAGE", "TESCO")]
    assert categorize_rows(asked) == [categorize_rows([one])[0] for one in asked]


def test_positive_means_money_out_in_the_public_interface() -> None:
    """The ledger's sign is the other way round; the border converts."""
    assert categorize_rows([row("ACME LTD SALARY", -2000.0)])[0][0] == "INCOME"
    assert categorize_rows([row("ACME LTD SALARY", 2000.0)])[0][0] != "INCOME"


def test_the_public_interface_tells_its_best_guess() -> None:
    """Where `decide` leaves a row to a person, `categorize` says its guess, and how unsure it is."""
    from decimal import Decimal

    kept = decide([TransactionFacts("WJKOV ZQK", Decimal("-731.77"), "EUR", "checking")])[0]
    guessed, confidence = categorize_rows([row("WJKOV ZQK", 731.77)])[0]
    assert (kept.primary or kept.suggested, kept.confidence) == (guessed, confidence)
    assert categorize_rows([row("", 5.0), row("4411", 5.0)]) == [(None, 0.0), (None, 0.0)]


def test_a_merchant_code_comes_before_everything_else() -> None:
    """ISO 18245 codes are given by the acquirer, who knows the merchant."""
    assert categorize_rows([row("TESCO STORES", 9.0, mcc="5541")])[0][0] == "TRANSPORTATION"
    assert categorize_rows([row("TESCO STORES", 9.0, mcc=5541)])[0][0] == "TRANSPORTATION"


def test_shares_add_up_and_exclude_what_cannot_be() -> None:
    """Money that leaves is no income; the rest of the classes share one."""
    model = shipped()
    assert model is not None
    shares = model.shares([look(read("SALARY ACME"), -50.0, "depository")])
    assert np.isclose(shares.sum(), 1)
    assert shares[0, CLASSES.index("INCOME")] == 0


def test_confidence_rises_with_the_share() -> None:
    """Calibration moves confidences and never reverses two of them."""
    model = shipped()
    assert model is not None
    says, true = zip(*model.calibration, strict=True)
    assert list(says) == sorted(says)
    assert list(true) == sorted(true)
    assert (says[0], says[-1]) == (0, 1)


def test_every_fact_has_a_column() -> None:
    """No list can name a fact the model has no weight for."""
    for text in ("TESCO", "PAYPAL *NETFLIX", "ATM 55", "QVZOK", ""):
        for amount in (-12.5, 100.0, 0.0):
            columns = fact_columns(look(read(text), amount, "credit"))
            assert set(columns) <= set(range(len(FACTS)))
            assert len(columns) == len(set(columns))


def test_no_rows_have_no_features() -> None:
    """Nothing asked, nothing answered."""
    assert categorize_rows([]) == []
    assert len(rows([look(read(""), 0.0, "depository")]).columns) > 0
