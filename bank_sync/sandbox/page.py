"""The one look of every page a person may open here: plain HTML, light or dark as the browser wishes."""

from html import escape

from starlette.responses import HTMLResponse

_STYLE = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 42rem; margin: 3rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } table { border-collapse: collapse; width: 100%; }
td, th { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid GrayText; }
form { display: grid; gap: .8rem; } label { display: grid; gap: .2rem; }
input, select, button { font: inherit; padding: .5rem .7rem; border: 1px solid GrayText; }
button { cursor: pointer; } .choices { display: flex; gap: .8rem; } .quiet { opacity: .7; }
"""


def page(title: str, body: str, status: int = 200) -> HTMLResponse:
    """A whole page; `title` is plain text, `body` is HTML whose parts the caller has escaped."""
    title = escape(title)
    head = f'<meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>{title}</title>'
    html = f'<!doctype html><html lang="en"><head>{head}<style>{_STYLE}</style></head>'
    return HTMLResponse(f"{html}<body><main><h1>{title}</h1>{body}</main></body></html>", status)


def not_found(sentence: str) -> HTMLResponse:
    """A page that says in one sentence what is not here."""
    return page("Not found", f"<p>{escape(sentence)}</p>", 404)
