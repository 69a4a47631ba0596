"""What dbt is told of the warehouse, and when its project is parsed."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from bank_sync.domain.errors import SettingsError
from bank_sync.orchestration import dbt_manifest
from bank_sync.orchestration.dbt_environment import dbt_environment, dbt_project_folder
from bank_sync.settings import Settings, load_settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A home of its own; nothing here connects to a database."""
    return load_settings(home=tmp_path / "home", database_url=None)


@pytest.fixture
def parses(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """One entry for each time dbt really parsed."""
    seen: list[Path] = []
    parse = dbt_manifest._parse

    def counted(settings: Settings, folder: Path) -> None:
        seen.append(folder)
        parse(settings, folder)

    monkeypatch.setattr(dbt_manifest, "_parse", counted)
    return seen


def test_a_url_becomes_dbts_environment() -> None:
    """Decoded parts, the default port, and TLS options under the names the driver reads."""
    url = make_url(
        "postgresql+psycopg://own%20er:p%40ss@db.example/money?sslmode=verify-full&sslrootcert=/ca.pem"
    )
    assert dbt_environment(url) == {
        "BANK_SYNC_DBT_HOST": "db.example",
        "BANK_SYNC_DBT_PORT": "5432",
        "BANK_SYNC_DBT_USER": "own er",
        "BANK_SYNC_DBT_DATABASE": "money",
        "DBT_ENV_SECRET_BANK_SYNC_PASSWORD": "p@ss",
        "PGSSLMODE": "verify-full",
        "PGSSLROOTCERT": "/ca.pem",
    }


def test_a_url_with_a_socket_folder_names_it_as_host() -> None:
    """A server that listens on a socket alone works too."""
    url = make_url("postgresql+psycopg://owner@/money?host=/run/postgresql&port=5433")
    environment = dbt_environment(url)
    assert environment["BANK_SYNC_DBT_HOST"] == "/run/postgresql"
    assert environment["BANK_SYNC_DBT_PORT"] == "5433"


@pytest.mark.parametrize("text", ["postgresql+psycopg:///money", "postgresql+psycopg://owner:hidden@host"])
def test_a_url_without_what_dbt_needs_is_refused(text: str) -> None:
    """One sentence that names the setting and not its value."""
    with pytest.raises(SettingsError, match="BANK_SYNC_DATABASE_URL") as caught:
        dbt_environment(make_url(text))
    assert "hidden" not in str(caught.value)


def test_processes_that_load_at_once_parse_once(settings: Settings, parses: list[Path]) -> None:
    """One parses, the others wait and read the same manifest."""
    with ThreadPoolExecutor(4) as pool:
        manifests = list(pool.map(dbt_manifest.load_manifest, [settings] * 4))
    assert len(parses) == 1
    assert all(manifest == manifests[0] for manifest in manifests)


def test_a_changed_project_is_parsed_again_and_a_broken_one_says_what_to_do(
    settings: Settings, parses: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The files decide, not their times; after a failure the next load tries again."""
    project = tmp_path / "project"
    shutil.copytree(dbt_project_folder(), project)
    for module in ("dbt_manifest", "dbt_environment"):
        monkeypatch.setattr(f"bank_sync.orchestration.{module}.dbt_project_folder", lambda: project)
    dbt_manifest.load_manifest(settings)

    model = project / "models" / "marts" / "dim_accounts.sql"
    sound = model.read_text()
    model.write_text(sound.replace("stg_bank__accounts", "no_such_model"))
    with pytest.raises(dbt_manifest.DbtProjectBroken, match="bank-sync dbt -- parse"):
        dbt_manifest.load_manifest(settings)

    model.write_text(sound)
    dbt_manifest.load_manifest(settings)
    dbt_manifest.load_manifest(settings)
    assert len(parses) == 3


def test_every_model_and_column_is_described(settings: Settings) -> None:
    """Each model states its grain and each column its meaning; marts promise their types."""
    manifest = dbt_manifest.load_manifest(settings)
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    assert len(models) == 26
    for model in models:
        assert "One row per" in model["description"], model["name"]
        assert model["config"]["contract"]["enforced"] == model["name"].startswith(("dim_", "fct_"))
    nodes: list[dict[str, Any]] = [*models, *manifest["sources"].values()]
    undescribed = [
        f"{node['name']}.{column['name']}"
        for node in nodes
        for column in node["columns"].values()
        if not column["description"]
    ]
    assert undescribed == []
