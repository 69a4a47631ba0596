"""A model's card: its figures, and what is to be seen of them, as Markdown.

Belongs here: tables and pictures for whoever decides about a model. Does not belong here: rows, which never
appear on a card: counts and shares only.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from bank_sync.categorization.evaluation.figures import Answer, Figures
from bank_sync.categorization.evaluation.plots import plots
from bank_sync.categorization.evaluation.sets import Labelled

_HEADINGS = ("", "rows", "strict", "lenient", "F1", "cov. strict", "cov. lenient", "ECE")


def figures_table(measured: Mapping[str, Figures]) -> str:
    """Return one line of figures per model and set; cov. is the share of rows at 90 % precision."""
    lines = ["| " + " | ".join(_HEADINGS) + " |", "|---" + "|---:" * (len(_HEADINGS) - 1) + "|"]
    for name, of in measured.items():
        shares = (of.strict, of.lenient, of.macro_f1, of.coverage_strict, of.coverage_lenient)
        cells = [name, str(of.rows), *(f"{share:.3f}" for share in (*shares, of.calibration_error))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def pictures(rows: Sequence[Labelled], answers: Sequence[Answer]) -> dict[str, str]:
    """Return reliability, coverage and confusion of these answers by name, as images within Markdown."""
    return {name.removesuffix(".svg"): _image(name, svg) for name, svg in plots(rows, answers).items()}


def _image(name: str, svg: str) -> str:
    return f"![{name}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
