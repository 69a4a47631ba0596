"""What holds for the project as a whole: its locks, how it loads, what its code never does, what it tells.

Belongs here: promises no single module can keep. Does not belong here: which package may import which,
told in pyproject.toml and proved by `make check-imports`.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer.main

from bank_sync.settings import load_settings
from bank_sync.storage.locations import locate

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "bank_sync"
TESTS = ROOT / "bank_sync_tests"
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))
HEAVY = ("great_expectations", "sklearn", "dagster_dbt", "dbt", "pandas")


def _modules(folder: Path) -> Iterator[tuple[str, ast.Module]]:
    for path in sorted(folder.rglob("*.py")):
        yield path.relative_to(ROOT).as_posix(), ast.parse(path.read_text(encoding="utf-8"))


def _dotted(node: ast.expr) -> str:
    """`a.b.c` as text, or "" for anything that is not a plain dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        before = _dotted(node.value)
        return f"{before}.{node.attr}" if before else ""
    return ""


def _calls(tree: ast.Module) -> Iterator[tuple[str, ast.Call]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            yield _dotted(node.func), node


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_a_lock_file_names_no_registry(lock: Path) -> None:
    """Whoever installs chooses the registry; a lock file that names one would not work elsewhere."""
    text = lock.read_text()
    assert "://" not in text
    assert not re.search(r"^\s*(-i|--index|--extra-index|--find-links|-f)\b", text, re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: str(lock.name))
def test_a_lock_file_pins_every_package_by_hash(lock: Path) -> None:
    """A package without a hash could be replaced on its way here."""
    entries = re.split(r"\n(?=\S)", lock.read_text().strip())
    assert entries
    loose = [entry.split()[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry]
    assert loose == []


def test_tests_and_service_run_the_same_versions() -> None:
    """What is tested is what is run: the two locks agree on every package they share."""
    pins = {
        name: set(re.findall(r"^(\S+==\S+)", (ROOT / "requirements" / name).read_text(), re.MULTILINE))
        for name in ("runtime.txt", "dev.txt")
    }
    assert pins["runtime.txt"] <= pins["dev.txt"]


def test_a_sync_worker_loads_without_the_heavy_libraries() -> None:
    """A run is a process: seconds of imports it does not need would be paid by every single one."""
    program = (
        "import sys, warnings; warnings.simplefilter('ignore')\n"
        "import bank_sync.definitions as location\n"
        "location.defs()\n"
        f"print(*(name for name in {HEAVY!r} if name in sys.modules))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert loaded.returncode == 0, loaded.stderr
    assert loaded.stdout.split() == []


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg2", "postgresql+psycopg"])
def test_however_the_server_is_named_every_library_gets_its_own_driver(scheme: str) -> None:
    """SQLAlchemy and dagster-postgres disagree on the driver a bare `postgresql://` means: none is left."""
    locations = locate(load_settings(database_url=f"{scheme}://someone@localhost/bank"))
    assert locations.warehouse.drivername == "postgresql+psycopg"
    assert locations.dagster.drivername == "postgresql+psycopg2"


def test_engines_are_made_in_storage_and_never_from_text() -> None:
    """The URL of an engine has gone through `database_url`: nothing writes one by hand."""
    found = [
        (name, call)
        for name, tree in _modules(PACKAGE)
        for function, call in _calls(tree)
        if function.rsplit(".", 1)[-1] in {"create_engine", "create_async_engine"}
    ]
    assert found
    assert [name for name, _ in found if not name.startswith("bank_sync/storage/")] == []
    from_text = [
        name for name, call in found if isinstance(call.args[0], ast.Constant | ast.JoinedStr | ast.BinOp)
    ]
    assert from_text == []


def test_the_domain_needs_the_standard_library_alone() -> None:
    """The rules of the business outlive every library, and are tested without any."""
    foreign = {
        f"{name}: {module}"
        for name, tree in _modules(PACKAGE / "domain")
        for module in _imported(tree)
        if module.split(".")[0] not in sys.stdlib_module_names and not module.startswith("bank_sync.domain")
    }
    assert foreign == set()


def test_nothing_runs_code_that_came_as_data() -> None:
    """Unpickling, eval and exec would turn a stored row or a provider's answer into a program."""
    modules = {"pickle", "cPickle", "dill", "shelve", "marshal", "joblib", "cloudpickle"}
    calls = {"eval", "exec", "compile", "yaml.load", "yaml.unsafe_load", "os.system"}
    guilty = {
        f"{name}: {what}"
        for name, tree in _modules(PACKAGE)
        for what in (
            *(module for module in _imported(tree) if module.split(".")[0] in modules),
            *(function for function, _ in _calls(tree) if function in calls),
            *(function for function, _ in _calls(tree) if function.endswith(".read_pickle")),
        )
    }
    assert guilty == set()


def test_no_test_is_skipped_without_a_reason() -> None:
    """A skipped test proves nothing; whoever meets one learns why from its reason."""
    markers = {"pytest.mark.skip", "pytest.mark.skipif", "pytest.mark.xfail", "pytest.skip", "pytest.xfail"}
    silent = [
        f"{name}:{node.lineno}"
        for name, tree in _modules(TESTS)
        for explained in [set(_explained(tree))]
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and _dotted(node) in markers and node not in explained
    ]
    assert silent == []


def _explained(tree: ast.Module) -> Iterator[ast.expr]:
    """The functions that are called with a reason, be it by name or, where that is allowed, by place."""
    for function, call in _calls(tree):
        named = any(keyword.arg == "reason" and keyword.value for keyword in call.keywords)
        if named or (call.args and function != "pytest.mark.skipif"):
            yield call.func


def _commands() -> Iterator[str]:
    """Every command as it is typed, without `bank-sync`: `status` or `db url`."""
    from bank_sync.cli.main import app

    def walk(command: object, words: tuple[str, ...]) -> Iterator[str]:
        below = getattr(command, "commands", None)
        if below is None:
            yield " ".join(words)
            return
        for name, inner in below.items():
            if not inner.hidden:
                yield from walk(inner, (*words, name))

    return walk(typer.main.get_command(app), ())


def test_the_readme_tells_every_command() -> None:
    """A command nobody can read about does not exist, and one that is only read about disappoints."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = set(_commands())
    assert {command for command in commands if f"bank-sync {command}" not in text} == set()
    told = {match.strip() for match in re.findall(r"^\| `bank-sync ([a-z ]+)", text, re.MULTILINE)}
    assert told
    assert told - commands == set()


def test_the_readme_names_only_targets_that_make_has() -> None:
    """The first thing a newcomer types works."""
    documents = (ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md")))
    targets = set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    told = {
        target
        for document in documents
        for target in re.findall(r"(?:^|`)make ([a-z][a-z-]*)", document.read_text("utf-8"), re.MULTILINE)
    }
    assert told - targets == set()
