"""What the scripts of Plaid Link and Teller Connect are to a page: stand-ins that speak the same JavaScript.

They show the hosted page in a frame over the page and hand over what it says when it is done. Not here: the
hosted pages themselves (`plaid.hosted`, `teller.hosted`).
"""

import json
from collections.abc import Mapping

from starlette.responses import HTMLResponse, Response

from bank_sync.sandbox.page import page

_FRAME = """
function pretendFrame(url, done) {
  const home = new URL(url).origin;
  const dialog = document.createElement("dialog");
  const frame = document.createElement("iframe");
  frame.title = "Your bank";
  frame.src = url;
  frame.setAttribute("width", "420");
  frame.setAttribute("height", "560");
  dialog.append(frame);
  document.body.append(dialog);
  const heard = (event) => {
    if (event.origin !== home || event.source !== frame.contentWindow) return;
    close(event.data);
  };
  const close = (said) => { window.removeEventListener("message", heard); dialog.remove(); done(said); };
  window.addEventListener("message", heard);
  dialog.addEventListener("cancel", () => close(null));
  dialog.showModal();
}
"""


def plaid_script(base_url: str) -> Response:
    """`Plaid.create({token, onSuccess, onExit}).open()`."""
    return _script(
        f"const home = {json.dumps(base_url)} + '/hosted/';"
        "window.Plaid = { create: ({ token, onSuccess, onExit }) => ({ open: () => pretendFrame("
        "home + encodeURIComponent(token) + '?framed=1', (said) => said && said.done"
        " ? onSuccess(said.public_token, { institution: said.institution })"
        " : onExit && onExit(null, {})) }) };"
    )


def teller_script(base_url: str) -> Response:
    """`TellerConnect.setup({…}).open()`."""
    return _script(
        "window.TellerConnect = { setup: (wish) => ({ open: () => { const asked = new URLSearchParams({"
        " application_id: wish.applicationId, nonce: wish.nonce || '', institution: wish.institution || '',"
        " enrollment_id: wish.enrollmentId || '' }); pretendFrame("
        f"{json.dumps(base_url)} + '/connect/page?' + asked, (said) => said && said.enrollment"
        " ? wish.onSuccess(said) : wish.onExit && wish.onExit()); } }) };"
    )


def _script(text: str) -> Response:
    headers = {"Cross-Origin-Resource-Policy": "cross-origin"}
    return Response(f"(() => {{{_FRAME}{text}}})();", media_type="text/javascript", headers=headers)


def handed_over(said: Mapping[str, object]) -> HTMLResponse:
    """The last page in the frame: it tells the page around it what came of it."""
    data = json.dumps(said).replace("<", "\\u003c")
    return page("Done", f"<p>Going back …</p><script>parent.postMessage({data}, '*')</script>")
