"""A stand-in for Teller Connect: what the browser widget would hand to `onSuccess`.

Here: enrolling, repairing, and the token signing key. Not here: the API behind the token (`routes`).
"""

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bank_sync.sandbox.context import Context
from bank_sync.sandbox.teller.errors import TellerError, bad_request, not_found
from bank_sync.sandbox.teller.institutions import BANK_OF, name_of
from bank_sync.sandbox.teller.records import Enrollment, enrollments
from bank_sync.sandbox.world.dice import LOWER_ALPHANUMERIC, digest

_ENVIRONMENT = "sandbox"
_PASSWORD = "password"
_QUESTIONS = {
    "otp": ("Send the code we sent you as answer.", "0000"),
    "challenge": ("What is your favourite colour? Send it as answer.", "blue"),
}
_BROKEN_USERNAMES = frozenset(
    {
        "disconnected",
        "account_locked",
        "credentials_invalid",
        "enrollment_inactive",
        "user_action.captcha_required",
        "user_action.contact_information_required",
        "user_action.insufficient_permissions",
        "user_action.mfa_required",
        "user_action.web_login_required",
    }
)


def enroll(context: Context, wish: Mapping[str, Any]) -> dict[str, object]:
    """A new enrollment, or with `enrollment_id` an old one that works again.

    `wish` has application_id, username, password, and may have institution, nonce, enrollment_id, and
    `answer` where the bank asks a second question.

    Raises:
        TellerError: 400 for a wrong application, password or institution; 404 for an unknown enrollment.
    """
    wanted = context.config.teller_application_id
    if not wish.get("application_id") or wanted not in {None, wish["application_id"]}:
        raise bad_request("Unknown application: send the application_id of the dashboard.")
    if wish.get("password") != _PASSWORD or not isinstance(wish.get("username"), str):
        raise bad_request("Wrong login: the sandbox's password is always 'password'.")
    _require_second_answer(wish)
    if wish.get("enrollment_id"):
        enrollment = _repaired(context, str(wish["enrollment_id"]))
    else:
        enrollment = _enrolled(context, str(wish.get("institution") or "security_cu"), str(wish["username"]))
    nonce = str(wish.get("nonce") or "")
    return {
        "accessToken": enrollment.access_token,
        "user": {"id": enrollment.user_id},
        "enrollment": {
            "id": enrollment.enrollment_id,
            "institution": {"name": name_of(enrollment.institution_id)},
        },
        "signatures": [_signature(context, enrollment, nonce)] if nonce else [],
    }


def _require_second_answer(wish: Mapping[str, Any]) -> None:
    """Ask what the bank asks after the password: that step is the widget's own, so its words are ours."""
    question = _QUESTIONS.get(str(wish["username"]))
    if question is None or wish.get("answer") == question[1]:
        return
    if wish.get("answer"):
        raise bad_request("Wrong answer to the bank's question.")
    raise TellerError(401, "mfa_required", question[0])


def signing_key(context: Context) -> str:
    """The token signing key as the dashboard shows it: base64 of the raw public key."""
    raw = _private_key(context).public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return base64.b64encode(raw).decode()


def _enrolled(context: Context, institution_id: str, username: str) -> Enrollment:
    if institution_id not in BANK_OF:
        raise bad_request("Unknown institution: take an id from GET /institutions.")
    broken = username in _BROKEN_USERNAMES
    reason = "" if username == "disconnected" else username
    enrollment = Enrollment(
        enrollment_id=f"enr_{context.new_code('teller enrollment', LOWER_ALPHANUMERIC, 21)}",
        access_token=f"test_token_{context.new_code('teller token', LOWER_ALPHANUMERIC, 24)}",
        user_id=f"usr_{context.new_code('teller user', LOWER_ALPHANUMERIC, 21)}",
        institution_id=institution_id,
        user_key=username,
        enrolled_at=context.now(),
        disconnected=reason if broken else None,
        removed_accounts=(),
    )
    return enrollments(context).put(enrollment.access_token, enrollment)


def _repaired(context: Context, enrollment_id: str) -> Enrollment:
    for enrollment in enrollments(context):
        if enrollment.enrollment_id == enrollment_id:
            return enrollments(context).put(enrollment.access_token, replace(enrollment, disconnected=None))
    raise not_found()


def _signature(context: Context, enrollment: Enrollment, nonce: str) -> str:
    """Ed25519 over the five parts joined by dots, or over their SHA-256 digest."""
    parts = (nonce, enrollment.access_token, enrollment.user_id, enrollment.enrollment_id, _ENVIRONMENT)
    message = ".".join(parts).encode()
    signed = hashlib.sha256(message).digest() if context.config.teller_signs_digest else message
    return base64.b64encode(_private_key(context).sign(signed)).decode()


def _private_key(context: Context) -> Ed25519PrivateKey:
    return Ed25519PrivateKey.from_private_bytes(digest(context.world.seed, "teller token signing key"))
