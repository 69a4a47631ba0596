"""A new model from what people taught, and whether it may take over.

Belongs here: training the challenger, judging it beside the champion on rows of people who taught neither,
and promoting it only when it is better. Does not belong here: how a model learns
(`categorization.training`), figures (`categorization.evaluation`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bank_sync.categorization.evaluation import card
from bank_sync.categorization.evaluation.duel import Duel, answers, duel
from bank_sync.categorization.evaluation.figures import Answer, Figures, figures
from bank_sync.categorization.evaluation.sets import Labelled, own
from bank_sync.categorization.model import Model, load
from bank_sync.categorization.models import TransactionFacts
from bank_sync.categorization.training.fit import data_hash, train, version_of
from bank_sync.categorization.training.lessons import Lesson
from bank_sync.services import Services
from bank_sync.storage import category_models, lessons
from bank_sync.storage.database import transaction
from bank_sync.storage.lessons import Candidate, HeldOut
from bank_sync.sync.champion import artefact, deciding, delete_others
from bank_sync.sync.enrich import facts

LEAST_CORRECTED, LEAST_PEOPLE = 100, 5
"""Corrected rows and people below which held-out rows say too little to promote anything."""

_MOST_ROWS = 50_000
_FORGOTTEN = 0.01  # of the project's own sets: who loses more has forgotten what the lists say


@dataclass(frozen=True, slots=True)
class Retrained:
    """What came of a round of training.

    Attributes:
        version: of the challenger; that of the champion where there was nothing new to learn.
        verdict: one sentence.
        figures: by "champion" or "challenger" and set, as numbers.
        card: Markdown by heading; counts and shares, nothing about a person.
    """

    version: str
    champion: str
    promoted: bool
    verdict: str
    lessons: int
    candidates_waiting: int
    data_hash: str
    held_out_rows: int
    held_out_corrected: int
    figures: dict[str, Figures]
    card: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Bout:
    """One set of rows and what both models say of them."""

    rows: Sequence[Labelled]
    champion: Sequence[Answer]
    challenger: Sequence[Answer]

    def duel(self) -> Duel:
        return duel(self.rows, self.champion, self.challenger)

    def figures(self) -> tuple[Figures, Figures]:
        return figures(self.rows, self.champion), figures(self.rows, self.challenger)


def retrain(services: Services, *, share: float = 1.0) -> Retrained:
    """Look for candidates, train from what was accepted, judge, and promote what is better.

    `share` below 1 trains on that part of the lists, for tests. Takes about half a minute where there is
    something new to learn, and a second where there is not.
    """
    with transaction(services.engine) as db:
        waiting = lessons.find_candidates(db, now=services.clock())
        taught = [_lesson(one) for one in lessons.candidates(db, "accepted")]
        champion = deciding(services, db)
        held_out = lessons.held_out(db, limit=_MOST_ROWS)
    with _challenger(services, champion, taught, share) as (challenger, path):
        bouts = _bouts(held_out, champion, challenger)
        promoted, verdict = _verdict(champion, challenger, held_out, bouts)
        measured = dict(_measured(bouts))
        if challenger is champion:
            measured = {name: one for name, one in measured.items() if name.startswith("champion")}
        if path is not None:
            kept = {name: asdict(one) for name, one in measured.items()} | {"verdict": verdict}
            _keep(services, challenger.version, path, lessons=len(taught), card=kept, promote=promoted)
    return Retrained(
        version=challenger.version,
        champion=_version(champion),
        promoted=promoted,
        verdict=verdict,
        lessons=len(taught),
        candidates_waiting=waiting,
        data_hash=data_hash(),
        held_out_rows=len(held_out),
        held_out_corrected=_corrected(held_out),
        figures=measured,
        card=_card(bouts, measured, "Champion" if challenger is champion else "Challenger"),
    )


def _version(model: Model | None) -> str:
    return model.version if model else "rules alone"


def _lesson(accepted: Candidate) -> Lesson:
    return Lesson(accepted.merchant_key.replace("-", " "), accepted.money_in, accepted.category_primary)


@contextmanager
def _challenger(
    services: Services, champion: Model | None, taught: Sequence[Lesson], share: float
) -> Iterator[tuple[Model, Path | None]]:
    """The model of these lessons and where it lies for now; the champion itself where it knows them all."""
    if champion is not None and champion.version == version_of(taught):
        yield champion, None
        return
    folder = artefact(services, "any").parent
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=folder) as made:  # the same disk, so that moving is one step
        path = Path(made) / "model.npz"
        train(path, share=share, lessons=taught)
        yield load(path), path


def _bouts(held_out: Sequence[HeldOut], champion: Model | None, challenger: Model) -> dict[str, _Bout]:
    sets = {"own sets": [(_facts_of(row), row) for row in own()]}
    if held_out:
        sets["held-out rows"] = [(facts(one.row), _labelled(one)) for one in held_out]
    found = {}
    for name, pairs in sets.items():
        asked = [fact for fact, _ in pairs]
        rows = [row for _, row in pairs]
        found[name] = _Bout(rows, answers(asked, champion), answers(asked, challenger))
    return found


def _facts_of(row: Labelled) -> TransactionFacts:
    return TransactionFacts(row.description, -Decimal(str(row.amount)), row.currency, row.account_type)


def _labelled(one: HeldOut) -> Labelled:
    row = one.row
    return Labelled(
        row.description, -float(row.amount), row.currency, row.account_type, (one.label,), "held out"
    )


def _corrected(held_out: Sequence[HeldOut]) -> int:
    return sum(one.corrected for one in held_out)


def _verdict(
    champion: Model | None, challenger: Model, held_out: Sequence[HeldOut], bouts: dict[str, _Bout]
) -> tuple[bool, str]:
    """Whether to promote, and why in a sentence."""
    if challenger is champion:
        return False, "Nothing new to learn: the champion knows every lesson that was accepted."
    people = len({one.user_id for one in held_out if one.corrected})
    if _corrected(held_out) < LEAST_CORRECTED or people < LEAST_PEOPLE:
        return False, (
            f"The champion stays: {_corrected(held_out)} corrected rows of {people} people are held out, "
            f"too few to judge by ({LEAST_CORRECTED} of {LEAST_PEOPLE} are needed)."
        )
    result = bouts["held-out rows"].duel()
    told = f"on {result.won} held-out rows the challenger alone is right, on {result.lost} the champion alone"
    before, after = bouts["own sets"].figures()
    if before.lenient - after.lenient > _FORGOTTEN:
        return False, f"The champion stays: the challenger forgot what the lists say, though {told}."
    if not result.is_better:
        return False, f"The champion stays: {told}, which chance explains ({result.chance:.0%})."
    return True, f"The challenger decides from now on: {told}."


def _measured(bouts: dict[str, _Bout]) -> Iterator[tuple[str, Figures]]:
    for name, bout in bouts.items():
        before, after = bout.figures()
        yield f"champion, {name}", before
        yield f"challenger, {name}", after


def _card(bouts: dict[str, _Bout], measured: dict[str, Figures], whose: str) -> dict[str, str]:
    """Tables and pictures of the challenger, on held-out rows where there are any."""
    name = "held-out rows" if "held-out rows" in bouts else "own sets"
    pictures = card.pictures(bouts[name].rows, bouts[name].challenger, f"{whose}, {name}")
    return {"figures": card.figures_table(measured), **pictures}


def _keep(
    services: Services, version: str, made: Path, *, lessons: int, card: dict[str, Any], promote: bool
) -> None:
    """Put the artefact where it is looked for, the manifest first, note how it did, and tidy up."""
    sha256 = hashlib.sha256(made.read_bytes()).hexdigest()
    target = artefact(services, version)
    made.with_suffix(".json").replace(target.with_suffix(".json"))
    made.replace(target)
    with transaction(services.engine) as db:
        category_models.keep_model(
            db, version, sha256, lessons=lessons, card=card, promote=promote, now=services.clock()
        )
    with transaction(services.engine) as db:
        delete_others(services, db)
