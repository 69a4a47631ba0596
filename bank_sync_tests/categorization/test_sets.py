"""Files of labelled rows: what is read, what is refused and how; the replay of one person's stream."""

import json
from pathlib import Path
from typing import Any

import pytest

from bank_sync.categorization.evaluation.sets import Labelled, UnusableRowsError, from_file
from bank_sync.categorization.evaluation.stream import CORRECTIONS, replays

GOOD: dict[str, Any] = {"description": "TESCO STORES 2218", "amount": 12.5, "labels": ["FOOD_AND_DRINK"]}


def _file(folder: Path, *rows: Any) -> Path:
    path = folder / "rows.jsonl"
    path.write_text(
        "\n".join(row if isinstance(row, str) else json.dumps(row) for row in rows), encoding="utf-8"
    )
    return path


def test_rows_are_read(tmp_path: Path) -> None:
    """What is not given is empty, the source is the file, and what is not known is left alone."""
    [bare, full] = from_file(
        _file(tmp_path, GOOD, {**GOOD, "currency": None, "source": "uk", "merchant": "Tesco", "x": 1})
    )
    assert (bare.source, bare.currency, bare.merchant) == ("rows", "", None)
    assert (full.source, full.currency, full.merchant) == ("uk", "", "Tesco")


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("not json", "line 2: the line"),
        ({"description": "SECRET", "labels": ["TRAVEL"]}, "line 2: amount"),
        ({**GOOD, "amount": "SECRET"}, "line 2: amount"),
        ({**GOOD, "amount": float("nan")}, "line 2: "),
        ({**GOOD, "labels": []}, "line 2: labels"),
        ({**GOOD, "labels": ["SECRET"]}, "line 2: labels"),
    ],
)
def test_a_row_that_is_none_is_refused_by_its_line(tmp_path: Path, row: Any, says: str) -> None:
    """The message names the line and the field, says what is wanted, and quotes nobody's data."""
    with pytest.raises(UnusableRowsError) as refused:
        from_file(_file(tmp_path, GOOD, row))
    assert says in str(refused.value)
    assert "Each line is a JSON object" in str(refused.value)
    assert "SECRET" not in str(refused.value)


def test_a_file_without_rows_is_refused(tmp_path: Path) -> None:
    """Figures of nothing would be no figures; bytes that are no text are no rows."""
    with pytest.raises(UnusableRowsError, match="holds no rows"):
        from_file(_file(tmp_path, "", ""))
    (tmp_path / "rows.jsonl").write_bytes(b"\xff\xfe")
    with pytest.raises(UnusableRowsError, match="not UTF-8"):
        from_file(tmp_path / "rows.jsonl")


def _row(description: str, label: str, amount: float = 5.0) -> Labelled:
    return Labelled(description, amount, "EUR", "depository", (label,), "stream")


def test_a_correction_counts_from_the_next_row_of_that_merchant_and_direction() -> None:
    """What is said once of a merchant is right from then on; money that comes back is another matter."""
    told = [
        _row("QVZOK WJK 1", "MEDICAL"),
        _row("QVZOK WJK 2", "MEDICAL"),
        _row("QVZOK WJK 3", "TRAVEL", -5.0),
    ]
    none, *taught = replays([*told, *told, told[1], told[1]])
    assert [one.corrections for one in (none, *taught)] == list(CORRECTIONS)
    assert none.lenient == 0.0
    assert {one.lenient for one in taught} == {1.0}


def test_corrections_run_out() -> None:
    """After as many as were allowed, mistakes stay."""
    strangers = [
        _row(f"QVZOK {chr(97 + place // 26) * 3}{chr(97 + place % 26) * 3}", "MEDICAL") for place in range(60)
    ]
    by_count = {one.corrections: one.lenient for one in replays([*strangers, *strangers])}
    assert by_count[0] == 0.0
    assert by_count[25] == pytest.approx(25 / 60)
    assert by_count[50] == pytest.approx(50 / 60)


def test_no_stream_is_no_figure() -> None:
    """An empty replay is refused."""
    with pytest.raises(ValueError, match="no rows"):
        replays([])
