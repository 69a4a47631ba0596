"""The trained model: one linear score per primary category, turned into calibrated shares.

Belongs here: loading the artefact, checking it, and asking it. Does not belong here: training (`training`),
or whether the model's answer counts (`categorize`). Nothing here needs scikit-learn.
"""

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from bank_sync.categorization import hashing
from bank_sync.categorization.features import CLASSES, FACTS, WIDTH, Seen, rows
from bank_sync.categorization.taxonomy import TAXONOMY_VERSION

ARTEFACT = Path(str(files("bank_sync.categorization") / "data" / "model.npz"))
_LOGGER = logging.getLogger(__name__)
_ONLY_IN = ("INCOME", "TRANSFER_IN", "LOAN_DISBURSEMENTS")
_AT_ONCE = 256  # rows, so that their weights stay within the processor's cache

Shares = NDArray[np.float64]


class UnusableModelError(Exception):
    """The artefact is missing, damaged, or made for other features; the message says what to do."""


@dataclass(frozen=True)
class Model:
    """Weights of WIDTH features by CLASSES, and how often the best class is right at which share.

    `calibration` is a rising line through (share, how often right) points from 0 to 1.
    """

    weights: NDArray[np.float32]
    bias: NDArray[np.float32]
    calibration: tuple[tuple[float, float], ...]
    version: str

    def best(self, seen: Sequence[Seen]) -> list[tuple[str, float]]:
        """Return for each row the likeliest class and how sure that is, from 0 to 1, to four places."""
        shares = self.shares(seen)
        places = shares.argmax(axis=1)
        says, true = zip(*self.calibration, strict=True)
        sure = np.interp(shares[np.arange(len(seen)), places], says, true)
        return [(CLASSES[place], round(float(one), 4)) for place, one in zip(places, sure, strict=True)]

    def shares(self, seen: Sequence[Seen]) -> Shares:
        """Return for each row how likely each of CLASSES is; what the money's direction excludes gets 0."""
        parts = [self._some(seen[start : start + _AT_ONCE]) for start in range(0, len(seen), _AT_ONCE)]
        return np.concatenate(parts) if parts else np.empty((0, len(CLASSES)))

    def _some(self, seen: Sequence[Seen]) -> Shares:
        found = rows(seen)
        weighted = self.weights.take(found.columns, axis=0)
        weighted *= found.values[:, None]
        scores = np.add.reduceat(weighted, found.starts[:-1], axis=0, dtype=np.float64) + self.bias
        scores[_excluded(seen)] = -np.inf
        scores -= scores.max(axis=1, keepdims=True)
        odds = np.exp(scores)
        shares: Shares = odds / odds.sum(axis=1, keepdims=True)
        return shares


def _excluded(seen: Sequence[Seen]) -> NDArray[np.bool_]:
    """Tell what cannot be: income that flows out or into a card, a transfer the wrong way."""
    money_in = np.fromiter((one.circumstances.money_in for one in seen), bool, len(seen))
    money_out = np.fromiter((one.circumstances.money_out for one in seen), bool, len(seen))
    depository = np.fromiter((one.circumstances.account == "depository" for one in seen), bool, len(seen))
    excluded = np.zeros((len(seen), len(CLASSES)), bool)
    for name in _ONLY_IN:
        excluded[:, CLASSES.index(name)] = money_out
    excluded[:, CLASSES.index("INCOME")] |= ~depository
    excluded[:, CLASSES.index("TRANSFER_OUT")] = money_in
    return excluded


@cache
def shipped() -> Model | None:
    """Return the model that comes with the package; None, and one warning, if it cannot be used."""
    try:
        return load(ARTEFACT)
    except UnusableModelError as error:
        _LOGGER.warning("Categories come from rules alone: %s", error)
        return None


def load(path: Path) -> Model:
    """Read and check a model.

    Raises:
        UnusableModelError: the file or its manifest is missing or damaged, or it was made for other features.
    """
    manifest, content = _read(path)
    if hashlib.sha256(content).hexdigest() != manifest.get("sha256"):
        raise UnusableModelError(f"{path.name} is not the file its manifest describes. {_REMEDY}")
    if manifest.get("features") != feature_hash() or manifest.get("taxonomy") != TAXONOMY_VERSION:
        raise UnusableModelError(f"{path.name} was trained for other features or categories. {_REMEDY}")
    try:
        with np.load(BytesIO(content), allow_pickle=False) as arrays:
            return _assembled(arrays, manifest)
    except (ValueError, KeyError, TypeError, OSError, BadZipFile, EOFError) as error:
        raise UnusableModelError(f"{path.name} does not hold a model. {_REMEDY}") from error


_REMEDY = "Train it anew with `bank-sync categories train`."


def _read(path: Path) -> tuple[dict[str, Any], bytes]:
    try:
        manifest = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))
        return dict(manifest), path.read_bytes()
    except (OSError, ValueError, TypeError) as error:
        raise UnusableModelError(f"{path.name} or its manifest cannot be read. {_REMEDY}") from error


def _assembled(arrays: Any, manifest: dict[str, Any]) -> Model:
    hashed = arrays["hashed"].astype(np.float32) * arrays["scale"]
    weights = np.concatenate([hashed, arrays["facts"]])
    if weights.shape != (WIDTH, len(CLASSES)) or arrays["bias"].shape != (len(CLASSES),):
        raise ValueError("unexpected shape")
    return Model(
        weights,
        arrays["bias"],
        tuple((float(x), float(y)) for x, y in manifest["calibration"]),
        str(manifest["version"]),
    )


def save(path: Path, weights: NDArray[np.float64], bias: NDArray[np.float64], facts: dict[str, Any]) -> None:
    """Write a model and its manifest, hashed weights rounded to 255 steps; same input, same bytes.

    Args:
        path: where the `.npz` goes; the manifest goes beside it, as `.json`.
        weights: shape (WIDTH, classes).
        bias: shape (classes,).
        facts: what the manifest says besides: version, calibration, data hash.
    """
    hashed = weights[: WIDTH - len(FACTS)]
    scale = np.abs(hashed).max(axis=0) / 127
    buffer = BytesIO()
    np.savez_compressed(
        buffer,
        hashed=np.rint(hashed / scale).astype(np.int8),
        scale=scale.astype(np.float32),
        facts=weights[WIDTH - len(FACTS) :].astype(np.float32),
        bias=bias.astype(np.float32),
    )
    manifest = {
        **facts,
        "sha256": hashlib.sha256(buffer.getvalue()).hexdigest(),
        "features": feature_hash(),
        "taxonomy": TAXONOMY_VERSION,
    }
    path.write_bytes(buffer.getvalue())
    text = json.dumps(manifest, indent=2, sort_keys=True) + "\n"
    path.with_suffix(".json").write_text(text, encoding="utf-8")


def feature_hash() -> str:
    """Return a hash that changes whenever a column of the model would mean something else."""
    layout = (FACTS, CLASSES, hashing.NGRAM_BITS, hashing.WORD_BITS, hashing.NGRAM_LENGTHS)
    return hashlib.sha256(repr(layout).encode()).hexdigest()[:16]
