"""Fits the model to the training rows and writes the artefact.

Belongs here: the classifier and its settings. Does not belong here: the rows (`examples`).
"""

import hashlib
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

import numpy as np

from bank_sync.categorization.evidence import account_kind, look
from bank_sync.categorization.features import CLASSES, WIDTH, Rows, Seen, rows
from bank_sync.categorization.model import save
from bank_sync.categorization.reading import read
from bank_sync.categorization.training.examples import BRANDS, KEYWORDS, NAMES, Example, examples
from bank_sync.categorization.training.lessons import Lesson, lessons_hash

SEED = 7
_RECIPE = 5  # one more whenever this package tells the same lists as other rows, or fits them otherwise
_ALPHA = 1e-5
_EPOCHS = 4
# How often a share of the best class is right, on real rows of some thirty origins: training rows cannot
# tell, every one of them being of a merchant that some list knows. The origins are pooled: what sets one
# apart are its owner's habits (of three owners in one country one is less right than told, one as right, one
# more), which no line can know.
CALIBRATION = (
    *((0.0, 0.14), (0.3, 0.27), (0.45, 0.59), (0.6, 0.69), (0.75, 0.8), (0.9, 0.805)),
    *((0.96, 0.845), (0.985, 0.87), (0.995, 0.9), (0.999, 0.935), (1.0, 0.992)),
)
_KNOWLEDGE = (
    "brands.csv",
    "channels.toml",
    "cities.csv",
    "mcc.csv",
    "names.csv",
    "people.toml",
    "places.toml",
    "rails.toml",
    "rules.toml",
)


def train(path: Path, *, seed: int = SEED, share: float = 1.0, lessons: Sequence[Lesson] = ()) -> int:
    """Train from the shipped lists and `lessons`, write the artefact to `path`; returns how many rows it had.

    The same lists, lessons, seed and share give the same bytes on one machine; `share` below 1 is for tests.
    """
    learnt = examples(seed, share, lessons)
    weights, bias = _fit(learnt, seed)
    facts = {
        "version": version_of(lessons) if share >= 1 else f"{version_of(lessons)}-part",
        "data": data_hash(),
        "seed": seed,
        "rows": len(learnt),
        "calibration": CALIBRATION,
    }
    save(path, weights, bias, facts)
    return len(learnt)


def version_of(lessons: Sequence[Lesson]) -> str:
    """Return the version of the model that the shipped lists and these lessons make."""
    return f"linear-1.{data_hash()}" + (f".{lessons_hash(lessons)}" if lessons else "")


def data_hash() -> str:
    """Return a hash of all that training learns from: the lists, and the number of the recipe."""
    digest = hashlib.sha256(f"recipe {_RECIPE}".encode())
    for name in (*_KNOWLEDGE, "taxonomy.csv", "vocabulary.toml"):
        digest.update((files("bank_sync.categorization") / "data" / name).read_bytes())
    return digest.hexdigest()[:12]


def _fit(learnt: Sequence[Example], seed: int) -> tuple[np.ndarray, np.ndarray]:
    from scipy.sparse import csr_matrix
    from sklearn.linear_model import SGDClassifier

    found = rows([seen(one) for one in learnt])
    matrix = csr_matrix(_parts(found), shape=(len(learnt), WIDTH))
    labels = np.fromiter((CLASSES.index(one.primary) for one in learnt), np.int64, len(learnt))
    weights = np.fromiter((one.weight for one in learnt), np.float64, len(learnt))
    classifier = SGDClassifier(
        loss="log_loss", alpha=_ALPHA, max_iter=_EPOCHS, tol=None, random_state=seed, average=True
    )
    classifier.fit(matrix, labels, sample_weight=weights)
    return np.ascontiguousarray(classifier.coef_.T), classifier.intercept_


def _parts(found: Rows) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    return found.values, found.columns, found.starts


def seen(example: Example) -> Seen:
    """Return what the model may see of a training row: all but the lists hidden from it."""
    whole = look(read(example.text), -example.amount, account_kind(example.account))
    return whole._replace(
        names=() if NAMES in example.hidden else whole.names,
        brand=None if BRANDS in example.hidden else whole.brand,
        keywords=() if KEYWORDS in example.hidden else whole.keywords,
    )
