"""The app's own tokens: JWTs signed with HS256, an access token for a day and a refresh token for thirty."""

import base64
import binascii
import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.gocardless.errors import REQUIRED, authentication_failed, by_field, invalid_token
from bank_sync.sandbox.world.dice import digest

_ACCESS_LIFE_S = 86_400
_REFRESH_LIFE_S = 2_592_000


def new(context: Context, wish: Mapping[str, Any]) -> dict[str, object]:
    """POST /token/new/: both tokens for a pair of secrets.

    Raises:
        GoCardlessError: 400 for a missing field, 401 for a wrong pair.
    """
    missing = [name for name in ("secret_id", "secret_key") if not wish.get(name)]
    if missing:
        raise by_field(**dict.fromkeys(missing, REQUIRED))
    config = context.config
    wanted = {"secret_id": config.gocardless_secret_id, "secret_key": config.gocardless_secret_key}
    if any(value not in {None, wish[name]} for name, value in wanted.items()):
        raise authentication_failed()
    return {
        **_access(context),
        "refresh": _signed(context, "refresh", _REFRESH_LIFE_S),
        "refresh_expires": _REFRESH_LIFE_S,
    }


def refresh(context: Context, wish: Mapping[str, Any]) -> dict[str, object]:
    """POST /token/refresh/: a new access token, and no new refresh token.

    Raises:
        GoCardlessError: 400 without, 401 with a dead refresh token.
    """
    if not wish.get("refresh"):
        raise by_field(refresh=REQUIRED)
    _check(context, str(wish["refresh"]), "refresh")
    return _access(context)


def require_bearer(context: Context, authorization: str) -> None:
    """Let the request pass if it carries a living access token.

    Raises:
        GoCardlessError: 401.
    """
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        raise invalid_token()
    _check(context, token, "access")


def _access(context: Context) -> dict[str, object]:
    return {"access": _signed(context, "access", _ACCESS_LIFE_S), "access_expires": _ACCESS_LIFE_S}


def _signed(context: Context, kind: str, life_s: int) -> str:
    claims = {
        "token_type": kind,
        "exp": int(context.now().timestamp()) + life_s,
        "jti": context.new_uuid("gocardless token"),
    }
    header = _encoded(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    payload = _encoded(json.dumps(claims).encode())
    return f"{header}.{payload}.{_signature(context, f'{header}.{payload}')}"


def _check(context: Context, token: str, kind: str) -> None:
    signed, _, signature = token.rpartition(".")
    if not hmac.compare_digest(signature.encode(), _signature(context, signed).encode()):
        raise invalid_token()
    try:
        claims = json.loads(base64.urlsafe_b64decode(signed.partition(".")[2] + "=="))
    except (binascii.Error, ValueError):
        raise invalid_token() from None
    if claims["token_type"] != kind or claims["exp"] <= context.now().timestamp():
        raise invalid_token()


def _signature(context: Context, signed: str) -> str:
    key = digest(context.world.seed, "gocardless token signing key")
    return _encoded(hmac.new(key, signed.encode(), hashlib.sha256).digest())


def _encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
