"""The asset `category_model` and its schedule: what it shows, and when a new model takes over."""

from __future__ import annotations

import hashlib
import logging

import dagster as dg
import pytest

from bank_sync.categorization.model import shipped
from bank_sync.domain.errors import NotFound
from bank_sync.services import Services
from bank_sync.storage import category_models, lessons
from bank_sync.storage.categories import Span
from bank_sync.storage.database import transaction
from bank_sync.sync import champion, rescoring
from bank_sync_tests.learning.town import Town
from bank_sync_tests.orchestration.conftest import Daemon

SHOP = "QVOZK WJK"
CARD = {"figures", "reliability", "coverage", "confusion"}
Metadata = dict[str, dg.MetadataValue]


def materialized(result: dg.ExecuteInProcessResult) -> Metadata:
    """What the run's one asset shows."""
    assert result.success
    [told] = [one for one in result.get_asset_materialization_events() if one.asset_key]
    return dict(told.materialization.metadata)


def train(daemon: Daemon, share: float = 1.0) -> Metadata:
    """What a person starts in the UI: the asset, perhaps with another share."""
    config = {"ops": {"category_model": {"config": {"share": share}}}}
    job = daemon.location.resolve_job_def("retrain_categories")
    return materialized(job.execute_in_process(instance=daemon.instance, run_config=config))


def accept_all(services: Services) -> None:
    """A person lets every candidate through."""
    with transaction(services.engine) as db:
        lessons.find_candidates(db, now=services.clock())
        for one in lessons.candidates(db, "waiting"):
            lessons.decide_candidate(db, one.candidate_id, "accepted", by="ada", now=services.clock())


def decides(services: Services) -> str | None:
    """The version of the model that decides now."""
    with services.engine.connect() as db:
        model = champion.deciding(services, db)
    return model.version if model else None


def files(services: Services) -> set[str]:
    """What lies where models are kept."""
    return {path.name for path in champion.artefact(services, "any").parent.glob("*")}


@pytest.fixture
def taught(town: Town) -> Town:
    """Five people taught the same of a shop nobody lists, and a person let it through."""
    for _ in range(5):
        town.teach(town.person(), SHOP, "MEDICAL")
    accept_all(town.services)
    return town


def test_nothing_new_to_learn(daemon: Daemon, town: Town) -> None:
    """Every week the asset shows the model's card; without lessons the shipped model stays, untrained."""
    result = daemon.chore("retrain_categories")
    told = materialized(result)
    assert str(told["verdict"].value).startswith("Nothing new to learn")
    assert told["champion"] == told["challenger"]
    assert set(told) >= CARD
    assert "champion, own sets" in str(told["figures"].value)
    assert "image/svg+xml" in str(told["reliability"].value)
    assert "**Champion, own sets, " in str(told["reliability"].value)
    [check] = result.get_asset_check_evaluations()
    assert check.description is not None
    assert check.description.startswith("Too few rows to tell")
    assert (check.check_name, check.passed) == ("category_drift", True)
    assert not (town.services.settings.home / "models").exists()


def test_too_few_rows_to_judge_by(daemon: Daemon, taught: Town) -> None:
    """The challenger is trained and shown; without enough held-out rows the champion stays, and only it."""
    told = train(daemon, share=0.02)
    assert "0 corrected rows of 0 people are held out, too few" in str(told["verdict"].value)
    assert told["promoted"].value is False
    assert told["lessons"].value == 1
    model = shipped()
    assert model is not None
    assert decides(taught.services) == model.version
    lost = str(told["challenger"].value)
    with taught.services.engine.connect() as db:
        assert category_models.trained(db, lost) is not None
    assert files(taught.services) == set()
    with pytest.raises(NotFound, match="is not kept: only the one that decides and the one before"):
        rescoring.recategorize(taught.services, Span(), version=lost)


def promote(services: Services, version: str) -> None:
    """A model of some bytes takes over."""
    path = champion.artefact(services, version)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(version.encode())
    path.with_suffix(".json").write_text("{}")
    now = services.clock()
    with transaction(services.engine) as db:
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        category_models.keep_model(db, version, sha256, lessons=1, card={}, promote=True, now=now)
        champion.delete_others(services, db)
    services.clock.advance(days=7)  # type: ignore[attr-defined]  # the test's clock


def test_two_champions_are_kept(town: Town) -> None:
    """The one that decides and the one before it stay as files; others are refused by name, saying why."""
    for version in ("linear-9+a", "linear-9+b", "linear-9+c"):
        promote(town.services, version)
    assert files(town.services) == {f"linear-9+{name}.{end}" for name in "bc" for end in ("npz", "json")}
    told = {"linear-9+a": "is not kept", "linear-9+b": "is damaged", "linear-8": "There is no model"}
    for version, words in told.items():
        with pytest.raises(NotFound, match=f"{words}.*`bank-sync categories models` lists"):
            rescoring.recategorize(town.services, Span(), version=version)


def judged(town: Town, shop: str, primary: str) -> None:
    """Five judges met a shop twenty times each and corrected every row."""
    for _ in range(5):
        judge = town.person(judge=True)
        rows = town.pays(judge, shop, times=20)
        town.categorize(judge)
        for row in rows:
            town.says(judge, row, primary)


def test_who_forgot_is_not_promoted(daemon: Daemon, taught: Town) -> None:
    """Whatever it wins where people corrected, a model of a fiftieth of the lists knows too little."""
    judged(taught, SHOP, "MEDICAL")
    told = train(daemon, share=0.02)
    assert "forgot what the lists say" in str(told["verdict"].value)
    assert told["promoted"].value is False


def test_a_better_model_takes_over_and_falls_back(
    daemon: Daemon, taught: Town, caplog: pytest.LogCaptureFixture
) -> None:
    """It wins on people who never taught it and decides for strangers; a spoilt file stops no sync."""
    services = taught.services
    stranger = taught.person()
    [row, word] = taught.pays(stranger, SHOP, times=2)
    taught.categorize(stranger)
    taught.says(stranger, word, "TRAVEL")
    assert taught.category(row)[0] != "MEDICAL"
    judged(taught, SHOP, "MEDICAL")

    told = train(daemon)
    assert told["promoted"].value is True
    assert "on 100 held-out rows the challenger alone is right" in str(told["verdict"].value)
    version = str(told["challenger"].value)
    assert decides(services) == version
    assert files(services) == {f"{version}.npz", f"{version}.json"}

    rescored = rescoring.recategorize(services, Span(since=services.clock().date()))
    assert rescored.changed > 0
    assert taught.category(row)[:2] == ("MEDICAL", "model")
    assert taught.decisions(row) == 2
    assert taught.decisions(word) == 1
    assert rescoring.recategorize(services, Span()).changed == 0
    assert rescoring.recategorize(services, Span(), version=champion.SHIPPED).changed > 0
    assert taught.category(row)[0] != "MEDICAL"

    again = train(daemon)
    assert str(again["verdict"].value).startswith("Nothing new to learn")

    champion.artefact(services, version).write_bytes(b"spoilt")
    champion._checked.cache_clear()  # as in a new process
    with caplog.at_level(logging.WARNING):
        [later] = taught.pays(stranger, "TESCO STORES 2218")
        assert taught.categorize(stranger) == 1
    assert taught.category(later)[0] == "FOOD_AND_DRINK"
    model = shipped()
    assert model is not None
    assert decides(services) == model.version
    assert "The shipped model decides" in caplog.text


def test_without_any_model_a_sync_goes_on(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the shipped artefact is bad, too, lists and rules decide."""
    monkeypatch.setattr(champion, "shipped", lambda: None)
    person = town.person()
    [row] = town.pays(person, "TESCO STORES 2218")
    assert town.categorize(person) == 1
    assert town.category(row)[:2] == ("FOOD_AND_DRINK", "brand")


def test_unsure_rows_are_asked_again_by_another_model(
    daemon: Daemon, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backlog of every four hours holds rows that another version was unsure about, once."""
    person = town.person()
    [unsure] = town.pays(person, "QVZ KWJ")
    [sure] = town.pays(person, "TESCO STORES 2218")
    town.categorize(person)
    assert town.category(unsure)[0] is None
    assert daemon.chore("categorize_backlog").success
    assert (town.decisions(unsure), town.decisions(sure)) == (1, 1)
    monkeypatch.setattr(champion, "shipped", lambda: None)  # another version decides
    assert daemon.chore("categorize_backlog").success
    assert daemon.chore("categorize_backlog").success
    assert (town.decisions(unsure), town.decisions(sure)) == (2, 1)
