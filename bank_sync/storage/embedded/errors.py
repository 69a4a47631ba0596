"""The launcher's one error and its one deadline. Nothing here touches files, processes or the network."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class EmbeddedServerError(RuntimeError):
    """The embedded PostgreSQL cannot be used; the message says what to do next and never holds a password."""


@dataclass(frozen=True, slots=True)
class Deadline:
    """A moment on the monotonic clock after which waiting is given up."""

    expires_at_s: float
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    @classmethod
    def after(cls, timeout_s: float) -> "Deadline":
        """Return the deadline `timeout_s` seconds from now."""
        return cls(expires_at_s=time.monotonic() + timeout_s)

    def remaining_s(self) -> float:
        """Return the seconds left, never negative."""
        return max(0.0, self.expires_at_s - self.monotonic())

    def pause(self, waiting_for: str) -> None:
        """Sleep a few milliseconds, or raise EmbeddedServerError naming `waiting_for` once the time is up."""
        if self.remaining_s() <= 0:
            raise EmbeddedServerError(
                f"Gave up waiting for {waiting_for}; allow more time or read that file."
            )
        self.sleep(0.005)


@contextmanager
def os_errors_explained(folder: Path) -> Iterator[None]:
    """Turn a refusal by the operating system into an EmbeddedServerError that names file and remedy."""
    try:
        yield
    except PermissionError as error:
        raise EmbeddedServerError(
            f"No permission for {error.filename or folder}, which the embedded PostgreSQL needs; run as the "
            f"user that owns {folder}, or set a database URL of your own."
        ) from None
    except OSError as error:
        raise EmbeddedServerError(
            f"The embedded PostgreSQL could not use {error.filename or folder} "
            f"({error.strerror or type(error).__name__}); mend that and try again."
        ) from None
