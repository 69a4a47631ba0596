"""Plaid's error bodies. Not here: when they are raised."""

from dataclasses import dataclass

LOGIN_REQUIRED = (
    "the login details of this item have changed (credentials, MFA, or required user action) and a user "
    "login is required to update this information. use Link's update mode to restore the item to a good state"
)


@dataclass(frozen=True)
class PlaidError(Exception):
    """An answer other than 200, as Plaid words it."""

    error_type: str
    error_code: str
    error_message: str
    display_message: str | None = None
    status: int = 400

    def body(self, request_id: str) -> dict[str, object]:
        """The JSON body of the answer."""
        return {**self.item_error(), "request_id": request_id}

    def item_error(self) -> dict[str, object]:
        """The same error as it stands in an Item's `error` field."""
        return {
            "error_type": self.error_type,
            "error_code": self.error_code,
            "error_message": self.error_message,
            "display_message": self.display_message,
            "documentation_url": f"https://plaid.com/docs/errors/#{self.error_code.lower()}",
            "suggested_action": None,
        }


def login_required() -> PlaidError:
    """The bank wants its customer to log in again."""
    return PlaidError("ITEM_ERROR", "ITEM_LOGIN_REQUIRED", LOGIN_REQUIRED, "The login needs to be updated.")


def login_failed(error_code: str) -> PlaidError:
    """A login the bank would not let in, for the reason the code names."""
    words = {
        "INVALID_CREDENTIALS": "the provided credentials were not correct",
        "INVALID_MFA": "the provided MFA response(s) were not correct",
        "ITEM_LOCKED": "this account has been locked. prompt the user to visit the institution's website",
    }
    kind = "INSTITUTION_ERROR" if error_code.startswith("INSTITUTION_") else "ITEM_ERROR"
    return PlaidError(kind, error_code, words.get(error_code, "the login could not be completed"))


def permission_revoked() -> PlaidError:
    """The customer took their permission back."""
    message = "the account holder has revoked the permission for this item. a new item has to be linked"
    return PlaidError("ITEM_ERROR", "USER_PERMISSION_REVOKED", message)


def mutation_during_pagination() -> PlaidError:
    """The data changed between two pages of one loop, which has to begin anew."""
    message = "underlying transaction data was modified during pagination. restart from the first cursor"
    return PlaidError("TRANSACTIONS_ERROR", "TRANSACTIONS_SYNC_MUTATION_DURING_PAGINATION", message)


def institution_down() -> PlaidError:
    """The bank cannot be reached."""
    message = "this institution is not currently responding to this request. please try again soon"
    return PlaidError("INSTITUTION_ERROR", "INSTITUTION_DOWN", message)


def missing_fields(*names: str) -> PlaidError:
    """Required fields are not in the request."""
    listed = ", ".join(names)
    return PlaidError(
        "INVALID_REQUEST", "MISSING_FIELDS", f"the following required fields are missing: {listed}"
    )


def invalid_field(message: str) -> PlaidError:
    """A field has a value that is not allowed."""
    return PlaidError("INVALID_REQUEST", "INVALID_FIELD", message)


def invalid_input(error_code: str, message: str) -> PlaidError:
    """A token, key or identifier that leads nowhere."""
    return PlaidError("INVALID_INPUT", error_code, message)
