"""How a command ends badly: one sentence on stderr and an exit code, never a traceback.

Belongs here: the step from an exception to that sentence. Does not belong here: errors themselves (`domain`).
Exit codes: 2 for wrong usage or settings, 1 for everything else that failed, 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
from typing import Any

import typer
from rich.text import Text
from typer.core import TyperGroup

from bank_sync.cli.terminal import err
from bank_sync.domain.errors import BankSyncError, NotFound, SettingsError


class UsageMistake(BankSyncError):
    """Arguments that do not go together or name nothing; the message says what would."""


class CarefulGroup(TyperGroup):
    """The commands, with every error turned into a sentence."""

    def invoke(self, ctx: Any) -> Any:  # click's own type differs between releases of typer
        """Run the command; raises only what Typer itself understands."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise typer.Exit(130) from None
        except Exception as error:
            if isinstance(error, RuntimeError) and type(error).__module__.startswith(("click", "typer")):
                raise  # Exit and Abort are how commands end on purpose
            if any(kind.__name__ == "ClickException" for kind in type(error).__mro__):
                raise  # usage errors, which Typer shows with the usage line
            err.print(Text(_sentence(error), style="red"), soft_wrap=True)
            raise typer.Exit(_exit_code(error)) from None


def _exit_code(error: Exception) -> int:
    return 2 if isinstance(error, (SettingsError, UsageMistake, NotFound)) else 1


def _sentence(error: Exception) -> str:
    if isinstance(error, BankSyncError) or type(error).__name__ == "EmbeddedServerError":
        return str(error)
    if _is_unreachable_database(error):
        return "The database cannot be reached. Check BANK_SYNC_DATABASE_URL, or run `bank-sync db status`."
    if isinstance(error, OSError):
        return f"The system refused: {error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(
            ": "
        )
    return (
        f"Unexpected {type(error).__name__}{_place(error)}; this is a defect of bank_sync, please report it."
    )


def _is_unreachable_database(error: Exception) -> bool:
    """Looks among the modules already loaded: an error of a library never imported cannot have come."""
    sqlalchemy = sys.modules.get("sqlalchemy.exc")
    return sqlalchemy is not None and isinstance(error, sqlalchemy.OperationalError)


def _place(error: Exception) -> str:
    """File and line alone: the text of a foreign error may quote people's data."""
    traceback = error.__traceback__
    while traceback is not None and traceback.tb_next is not None:
        traceback = traceback.tb_next
    if traceback is None:
        return ""
    module = traceback.tb_frame.f_globals.get("__name__", "?")
    return f" in {module} line {traceback.tb_lineno}"
