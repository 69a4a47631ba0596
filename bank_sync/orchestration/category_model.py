"""The asset of the model that gives categories: trained anew every week, or when a person asks.

Belongs here: how a round of training, its card and the drift check show in Dagster. Does not belong here:
training, judging and promoting (`sync.retraining`), what drift is (`quality.drift`).
"""

from typing import Any

import dagster as dg

from bank_sync.orchestration import reporting
from bank_sync.orchestration.partitions import KIND_TAG, PRIORITIES, PRIORITY_TAG
from bank_sync.quality import drift
from bank_sync.quality.gate import Verdict
from bank_sync.services import Services

CATEGORY_MODEL = "category_model"
RETRAIN_CATEGORIES = "retrain_categories"


class Training(dg.Config):
    """How much of the lists to learn from; below 1 only to try things out, for it knows less then."""

    share: float = 1.0


@dg.asset(
    name=CATEGORY_MODEL,
    description="The model that gives categories: trained from the shipped lists and what many people taught "
    "and a person let through, judged beside the one that decides, and promoted only when it is better.",
    group_name="categories",
    kinds={"python", "scikitlearn"},
    owners=["team:data-engineering"],
    code_version="1",
)
def category_model(
    context: dg.AssetExecutionContext, config: Training, services: dg.ResourceParam[Services]
) -> dg.MaterializeResult[Any]:
    """Its metadata is the model's card."""
    from bank_sync.sync.retraining import retrain  # scikit-learn is loaded by a run, never by a code location

    with reporting.failing_clearly():
        told = retrain(services, share=config.share)
    context.log.info(told.verdict)
    counts = ("lessons", "candidates_waiting", "held_out_rows", "held_out_corrected")
    return dg.MaterializeResult(
        data_version=dg.DataVersion(told.version if told.promoted else told.champion),
        metadata={
            "verdict": told.verdict,
            "promoted": told.promoted,
            "champion": told.champion,
            "challenger": told.version,
            "data_hash": told.data_hash,
            **{name: getattr(told, name) for name in counts},
            **{name: dg.MetadataValue.md(text) for name, text in told.card.items()},
            "docs": dg.MetadataValue.path("docs/decisions/018-learning.md"),
        },
    )


@dg.asset_check(asset=CATEGORY_MODEL, name=drift.CATEGORY_DRIFT)
def category_drift(services: dg.ResourceParam[Services]) -> dg.AssetCheckResult:
    """The newest rows are as sure, as mixed and as familiar as those of the half year before."""
    with reporting.failing_clearly():
        verdict = drift.check_drift(services)
    return dg.AssetCheckResult(
        passed=verdict.passed,
        severity=dg.AssetCheckSeverity.WARN,
        description=drift.in_words(verdict),
        metadata=_figures(verdict),
    )


def _figures(verdict: Verdict) -> dict[str, dg.MetadataValue]:
    """Each figure by itself, which Dagster plots over time."""
    shown: dict[str, dg.MetadataValue] = {}
    for name, value in verdict.details.items():
        if isinstance(value, dict):
            shown |= {share: dg.MetadataValue.float(float(figure)) for share, figure in value.items()}
        else:
            shown[name] = dg.MetadataValue.int(int(str(value)))
    return shown


retrain_categories = dg.define_asset_job(
    RETRAIN_CATEGORIES,
    selection=dg.AssetSelection.assets(category_model) | dg.AssetSelection.checks(category_drift),
    tags={KIND_TAG: "upkeep", PRIORITY_TAG: str(PRIORITIES["upkeep"])},
    description="Train, judge and perhaps promote the model that gives categories; look for drift.",
)

retrain_categories_schedule = dg.ScheduleDefinition(
    name=RETRAIN_CATEGORIES,
    job=retrain_categories,
    cron_schedule="52 3 * * 0",
    execution_timezone="UTC",
    default_status=dg.DefaultScheduleStatus.RUNNING,
)
