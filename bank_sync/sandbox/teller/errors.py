"""Teller's error bodies. Not here: when they are raised."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TellerError(Exception):
    """An answer other than 200, as Teller words it."""

    status: int
    code: str
    message: str

    def body(self) -> dict[str, object]:
        """The JSON body of the answer."""
        return {"error": {"code": self.code, "message": self.message}}


_MESSAGES = {"user_action.mfa_required": "User MFA is required."}


def disconnected(reason: str) -> TellerError:
    """The bank has lost the customer's session; `reason` is the tail of the error code, or empty."""
    code = f"enrollment.disconnected.{reason}" if reason else "enrollment.disconnected"
    return TellerError(404, code, _MESSAGES.get(reason, "Enrollment is not healthy"))


def not_found() -> TellerError:
    """Nothing under that id for this access token."""
    return TellerError(404, "not_found", "The requested resource does not exist")


def bad_request(message: str) -> TellerError:
    """A parameter has a value that is not allowed."""
    return TellerError(400, "bad_request", message)


def too_many_requests() -> TellerError:
    """More calls in a minute than one access token has."""
    return TellerError(429, "too_many_requests", "Too many requests, try again later")
