"""Pages that never end, repeat themselves, or change while they are read.

A cursor made up here carries what it stands for, so that nothing has to be remembered: an endless one leads
to the next empty page for ever, an empty page's one to where the real pages go on.
"""

import base64
import json
from dataclasses import replace
from urllib.parse import urlencode

from bank_sync.sandbox.wire import Answer, Sent, encoded

_PLAIN = "fault:"
_MARK = base64.b64encode(
    _PLAIN.encode()
).decode()  # six letters: no padding, so every made-up cursor begins so
_TELLER_MARK = "txn_endless"


def is_endless(sent: Sent) -> bool:
    """Whether the request goes on with pages that never end."""
    if sent.is_sync:
        return _meaning(sent).startswith("endless:")
    return sent.is_teller_page and sent.parameters().get("from_id", "").startswith(_TELLER_MARK)


def is_resumed(sent: Sent) -> bool:
    """Whether the request comes from an empty page put in between."""
    return sent.is_sync and _meaning(sent).startswith("empty:")


def resumed(sent: Sent) -> Sent:
    """The request as it would have been without the empty page."""
    return _with_cursor(sent, _meaning(sent).removeprefix("empty:"))


def from_the_start(sent: Sent) -> Sent:
    """The request for the first page, of which the next endless one is made."""
    if sent.is_sync:
        return _with_cursor(sent, "")
    query = {name: value for name, value in sent.parameters().items() if name != "from_id"}
    return replace(sent, query=urlencode(query))


def endless(sent: Sent, answer: Answer) -> Answer | None:
    """At Plaid a page without rows and with another new cursor; at Teller a full page of the newest row.

    Its copies have ids never seen, so that a reader is led neither to the end nor further back in time.
    """
    value = answer.value()
    if isinstance(value, dict) and sent.is_sync:
        number = _meaning(sent).removeprefix("endless:") if is_endless(sent) else "0"
        return answer.saying(encoded(_empty(value, f"endless:{int(number) + 1}")))
    if isinstance(value, list) and value:
        last = sent.parameters().get("from_id", "").removeprefix(_TELLER_MARK)
        begins = int(last) + 1 if last.isdecimal() else 0
        count = int(sent.parameters()["count"])
        rows = [{**value[0], "id": f"{_TELLER_MARK}{begins + each}"} for each in range(count)]
        return answer.saying(encoded(rows))
    return None


def empty(sent: Sent, answer: Answer) -> Answer | None:
    """A page without rows before the real one."""
    value = answer.value()
    if not isinstance(value, dict):
        return None
    return answer.saying(encoded(_empty(value, f"empty:{sent.fields().get('cursor') or ''}")))


def repeated(sent: Sent, answer: Answer) -> Answer | None:
    """At Plaid the page's own cursor again as the next one; at Teller the page asked for is already wrong."""
    value = answer.value()
    if not isinstance(value, dict):
        return answer
    same = {"next_cursor": sent.fields().get("cursor") or "", "has_more": True}
    return answer.saying(encoded({**value, **same}))


def _empty(value: dict[str, object], meaning: str) -> dict[str, object]:
    cursor = base64.b64encode(f"{_PLAIN}{meaning}".encode()).decode()
    rows: dict[str, object] = {"added": [], "modified": [], "removed": [], "accounts": []}
    return {**value, **rows, "next_cursor": cursor, "has_more": True}


def _meaning(sent: Sent) -> str:
    """What a made-up cursor stands for, nothing for every other."""
    if _MARK.encode() not in sent.body:
        return ""
    cursor = sent.fields().get("cursor")
    try:
        plain = base64.b64decode(str(cursor), validate=True).decode()
    except ValueError:
        return ""
    return plain.removeprefix(_PLAIN) if plain.startswith(_PLAIN) else ""


def _with_cursor(sent: Sent, cursor: str) -> Sent:
    fields = {**sent.fields(), "cursor": cursor}
    return replace(sent, body=json.dumps(fields).encode())
