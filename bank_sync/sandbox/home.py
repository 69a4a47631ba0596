"""The front page: what is served here and where to begin."""

from starlette.requests import Request
from starlette.responses import Response

from bank_sync.sandbox.page import page

_PATHS = (
    ("Plaid", "/plaid", "POST JSON; any client id and secret; institutions ins_109508 and others"),
    ("Teller", "/teller", "Basic auth; enroll with POST /teller/connect/enrollments, password “password”"),
    (
        "GoCardless",
        "/gocardless/api/v2",
        "POST token/new/ with any secrets; consent on the requisition's link",
    ),
    (
        "Truth",
        "/_sandbox/truth?provider=…&amp;token=…",
        "what a link should show, signed from the person's side",
    ),
    ("Book", "/_sandbox/book", "POST provider, token, op: what shall happen; a user script… has no life"),
    ("Clock", "/_sandbox/clock", "GET to read; POST now, advance_s or advance_days to move"),
    ("Faults", "/_sandbox/faults", "POST a plan of what shall go wrong; GET counts what did; DELETE ends it"),
    ("Webhooks", "/_sandbox/webhooks", "GET what waits; POST deliver to send what is due now"),
    ("Requests", "/_sandbox/requests", "GET what was asked so far, by method and path"),
)


async def show(_: Request) -> Response:
    """GET /."""
    rows = "".join(
        f"<tr><th>{name}</th><td><code>{path}</code><br>{note}</td></tr>" for name, path, note in _PATHS
    )
    lead = "<p>Made-up people, made-up money, real wire protocols. Nothing here leaves this machine.</p>"
    return page("Pretend banks", f"{lead}<table>{rows}</table>")
