"""Which model decides, and where the models that were trained here lie.

Belongs here: the folder of artefacts, checking one before it is used, and what stands in for one that cannot
be. Does not belong here: training and judging (`sync.retraining`).

The model that was promoted last decides. Where its file is missing, is not the one that was promoted, or was
made from other lists than this release ships, the shipped model does; where that is bad too, lists and rules.
A sync never fails for want of a model.
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


def artefact(services: Services, version: str) -> Path:
    """Where the model of a version is kept."""
    return services.settings.home / "models" / f"{version}.npz"


def deciding(services: Services, db: Connection) -> Model | None:
    """The model that decides now; None leaves it to lists and rules."""
    promoted = category_models.promoted(db)
    if promoted is None or not _is_of_these_lists(promoted.version):
        return shipped()
    return _checked(artefact(services, promoted.version), promoted.sha256) or shipped()


def of_version(services: Services, db: Connection, version: str) -> Model:
    """A model by its version, or the shipped one by `shipped`.

    Raises:
        NotFound: no such model was trained here, or its file is gone or changed.
    """
    base = shipped()
    if base is not None and version in (SHIPPED, base.version):
        return base
    stored = category_models.trained(db, version)
    model = _checked(artefact(services, version), stored.sha256) if stored else None
    if model is None:
        raise NotFound(f"There is no usable model {version!r}; `bank-sync categories models` lists them.")
    return model


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
    _LOGGER.warning(
        "The shipped model decides: %s. Materialize the asset category_model to make it anew.", trouble
    )
    return None
