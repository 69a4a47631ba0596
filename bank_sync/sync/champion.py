"""Which model decides, and where the models that were trained here lie.

Belongs here: the folder of artefacts, checking one before it is used, and what stands in for one that cannot
be. Does not belong here: training and judging (`sync.retraining`).

The model that was promoted last decides. Where its file is missing, is not the one that was promoted, or was
made from other lists than this release ships, the shipped model does; where that is bad too, lists and rules.
A sync never fails for want of a model. The file of the one that decided before is kept, to go back to; those
of challengers that lost and of champions longer ago are deleted.
"""

from __future__ import annotations

import hashlib
import logging
from functools import cache
from pathlib import Path

from sqlalchemy import Connection

from bank_sync.categorization.model import Model, UnusableModelError, load, shipped
from bank_sync.domain.errors import NotFound
from bank_sync.services import Services
from bank_sync.storage import category_models

_LOGGER = logging.getLogger(__name__)
SHIPPED = "shipped"
"""What the model that comes with the release is called where a version is asked for."""

_LISTED = "`bank-sync categories models` lists those that can be named; `shipped` always can."
_KEPT = 2  # the one that decides, and the one before it


def artefact(services: Services, version: str) -> Path:
    """Where the model of a version is kept."""
    return services.settings.home / "models" / f"{version}.npz"


def deciding(services: Services, db: Connection) -> Model | None:
    """The model that decides now; None leaves it to lists and rules."""
    promoted = category_models.promoted(db)
    if not promoted or not _is_of_these_lists(promoted[0].version):
        return shipped()
    return _checked(artefact(services, promoted[0].version), promoted[0].sha256) or shipped()


def of_version(services: Services, db: Connection, version: str) -> Model:
    """A model by its version, or the shipped one by `shipped`.

    Raises:
        NotFound: no such model was trained here, or its file is gone or changed.
    """
    base = shipped()
    if base is not None and version in (SHIPPED, base.version):
        return base
    stored = category_models.trained(db, version)
    if stored is None:
        raise NotFound(f"There is no model {version!r}. {_LISTED}")
    if not is_kept(services, version):
        raise NotFound(
            f"The model {version!r} is not kept: only the one that decides and the one before are. {_LISTED}"
        )
    model = _checked(artefact(services, version), stored.sha256)
    if model is None:
        raise NotFound(
            f"The file of the model {version!r} is damaged or of another release. {_LISTED} "
            "`bank-sync categories retrain` makes a new one."
        )
    return model


def is_kept(services: Services, version: str) -> bool:
    """Whether the file of a model that was trained here is still there."""
    return artefact(services, version).exists()


def delete_others(services: Services, db: Connection) -> None:
    """Delete the files of all models but those that are kept."""
    kept = {one.version for one in category_models.promoted(db)[:_KEPT]}
    for path in artefact(services, "any").parent.glob("*.npz"):
        if path.stem not in kept:
            path.unlink(missing_ok=True)
            path.with_suffix(".json").unlink(missing_ok=True)


def _is_of_these_lists(version: str) -> bool:
    base = shipped()
    return base is None or version.startswith(base.version)


@cache
def _checked(path: Path, sha256: str) -> Model | None:
    """The model of a file that is the promised one; None, and one warning, for any other."""
    try:
        if hashlib.sha256(path.read_bytes()).hexdigest() == sha256:
            return load(path)
        trouble = f"{path.name} is not the file that was kept"
    except (OSError, UnusableModelError) as error:
        trouble = f"{path.name} cannot be used ({type(error).__name__})"
    _LOGGER.warning("The shipped model decides: %s. `bank-sync categories retrain` makes it anew.", trouble)
    return None
