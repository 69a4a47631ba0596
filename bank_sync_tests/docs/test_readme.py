"""The words keep up with the code: commands, targets, settings and links that the documents name exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

from bank_sync.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
DOCUMENTS = sorted(
    path.relative_to(ROOT).as_posix()
    for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "dbt_project" / "README.md")
)
PREFIX = "BANK_SYNC_"

_SHELL = re.compile(r"```sh\n(.*?)```", re.DOTALL)
_INLINE = re.compile(r"`([^`\n]+)`")
_ANY_FENCE = re.compile(r"^```.*?^```", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_SETTING_ROW = re.compile(r"^\| `(BANK_SYNC_\w+)` \| .+ \| (.+) \|$", re.MULTILINE)


def _commands_in(document: str) -> list[str]:
    """Every line of shell and every inline code of a document, comments cut off."""
    text = (ROOT / document).read_text()
    lines = [line for block in _SHELL.findall(text) for line in block.splitlines()]
    inline = _INLINE.findall(_ANY_FENCE.sub("", text))
    return [line.split("#")[0].strip(" &") for line in (*lines, *inline)]


def _words_after(program: str, document: str) -> set[tuple[str, ...]]:
    """What follows a program's name in a document, as words."""
    return {tuple(line.split()[1:]) for line in _commands_in(document) if line.split()[:1] == [program]}


def _subcommands(command: object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = getattr(command, "commands", {})
    return found


def _leaves(command: object, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The paths of all commands that do something and are not hidden."""
    for name, child in _subcommands(command).items():
        if getattr(child, "hidden", False):
            continue
        if _subcommands(child):
            yield from _leaves(child, (*path, name))
        else:
            yield (*path, name)


def _program() -> object:
    from bank_sync.cli.main import app

    return get_command(app)


def _named_leaf(words: tuple[str, ...], command: object) -> tuple[str, ...] | None:
    """The command that the first words name; None where a word names none."""
    path: tuple[str, ...] = ()
    for word in words:
        if not _subcommands(command):
            return path
        if word.startswith("-"):
            return None
        command = _subcommands(command).get(word)
        if command is None:
            return None
        path = (*path, word)
    return path


def _anchors(text: str) -> set[str]:
    """The anchors that a document's headings get."""
    headings = re.findall(r"^#+ (.+)$", _ANY_FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_make_targets(document: str) -> None:
    """Every `make` target a document names is one of the Makefile."""
    targets = set(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {words[0] for words in _words_after("make", document) if words}
    assert named <= targets
    if document == "README.md":
        assert {"demo", "test", "dev"} <= named


@pytest.mark.parametrize("document", DOCUMENTS)
def test_commands_named(document: str) -> None:
    """Every `bank-sync` command a document names exists."""
    program = _program()
    named = {words for words in _words_after("bank-sync", document) if words and words != ("--help",)}
    unknown = {words for words in named if _named_leaf(words, program) is None}
    assert unknown == set()


def test_commands_not_named() -> None:
    """Every command that exists is named in the README."""
    program = _program()
    named = {_named_leaf(words, program) for words in _words_after("bank-sync", "README.md")}
    assert set(_leaves(program)) - named == set()


def test_settings() -> None:
    """The README's table has every setting, no other, and their true defaults."""
    table = dict(_SETTING_ROW.findall(README))
    fields = {f"{PREFIX}{name.upper()}": field for name, field in Settings.model_fields.items()}
    assert set(table) == set(fields)
    for name, field in fields.items():
        if isinstance(field.default, str | int):
            assert table[name] == f"`{field.default}`", name
        else:
            assert not table[name].startswith("`") or name in {
                "BANK_SYNC_HOME",
                "BANK_SYNC_DAGSTER_DATABASE_URL",
            }


@pytest.mark.parametrize("document", ["README.md", "SECURITY.md", "CHANGELOG.md", "docs/architecture.md"])
def test_settings_in_passing(document: str) -> None:
    """A setting that is mentioned anywhere is a real one."""
    mentioned = set(re.findall(rf"\b{PREFIX}[A-Z]\w*", (ROOT / document).read_text()))
    assert mentioned <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links(document: str) -> None:
    """Links inside the project lead to a file that is there, and to a heading that it has."""
    source = ROOT / document
    links = _LINK.findall(_ANY_FENCE.sub("", source.read_text()))
    inside = [link for link in links if not re.match(r"[a-z]+:", link)]
    for link in inside:
        path, _, anchor = link.partition("#")
        target = (source.parent / path).resolve() if path else source
        assert target.exists(), link
        if anchor:
            assert anchor in _anchors(target.read_text()), link


def test_public_tables() -> None:
    """Every `bank.` and `raw.` table the documents name exists."""
    from bank_sync.storage.tables import metadata

    known = set(metadata.tables)
    for document in DOCUMENTS:
        text = (ROOT / document).read_text()
        named = set(re.findall(r"`((?:bank|raw)\.[a-z_]+)[.`]", text))
        assert named <= known, document
