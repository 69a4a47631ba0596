"""Who calls the API: a key that is good for it, and the person the call is for.

Belongs here: authentication and scopes. Does not belong here: whether an id is that person's, which every
query asks for itself (`storage.owned`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from bank_sync.services import Services
from bank_sync.storage import owned
from bank_sync.storage.api_keys import Scope, find_key
from bank_sync.storage.connections import ensure_user
from bank_sync.storage.database import transaction

USER_HEADER = "Bank-Sync-User"

_REFERENCE = re.compile(r"[\x21-\x7e]{1,200}")
_bearer = HTTPBearer(auto_error=False, description="A key of `bank-sync keys create`.")


class Refused(Exception):
    """A call that is not let in: a status, a code for programs and a sentence for people."""

    def __init__(self, status: int, code: str, message: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.headers = status, code, message, headers or {}


@dataclass(frozen=True, slots=True)
class Caller:
    """The person a call is for; `user_id` is None for somebody never seen, who owns nothing."""

    reference: str
    user_id: str | None

    @property
    def owner(self) -> str:
        """The user_id to ask with; nobody's for a person never seen."""
        return self.user_id or ""


def services_of(request: Request) -> Services:
    """What the application was made with."""
    services: Services = request.app.state.services
    return services


Kit = Annotated[Services, Depends(services_of)]


def _caller(
    request: Request,
    services: Kit,
    bearer: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    user: Annotated[
        str | None,
        Header(alias=USER_HEADER, description="Your own reference of the person, 1 to 200 characters."),
    ] = None,
) -> Caller:
    """The person behind a call with a good key.

    Raises:
        Refused: 401 without a living key, 403 for a key without the scope, 400 without a person.
    """
    needed = Scope.READ if request.method in ("GET", "HEAD") else Scope.WRITE
    now = services.clock()
    with transaction(services.engine) as db:
        key = find_key(db, bearer.credentials, now=now) if bearer else None
        if key is None:
            raise Refused(
                401,
                "no_key",
                "Send a living key: Authorization: Bearer bsk_…",
                {"WWW-Authenticate": "Bearer"},
            )
        if needed not in key.scopes:
            raise Refused(403, "scope_missing", f"This key lacks the scope {needed.value!r}.")
        if user is None or not _REFERENCE.fullmatch(user):
            raise Refused(400, "no_user", f"Say whom the call is for in the header {USER_HEADER}.")
        user_id = ensure_user(db, user, now=now) if needed is Scope.WRITE else owned.find_user(db, user)
    return Caller(user, user_id)


AnyCaller = Annotated[Caller, Depends(_caller)]
