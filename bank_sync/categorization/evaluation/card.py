"""A model's card: its figures, and what is to be seen of them, as Markdown.

Belongs here: tables and pictures for whoever decides about a model. Does not belong here: rows, which never
appear on a card: counts and shares only.
"""

from base64 import b64encode
from collections.abc import Mapping, Sequence

from bank_sync.categorization.evaluation.figures import Answer, Figures
from bank_sync.categorization.evaluation.plots import plots
from bank_sync.categorization.evaluation.sets import Labelled

_CAPTIONS = {
    "reliability": "How many rows with such a confidence are right.\n\nOn the dashed line it keeps what it "
    "promises; beside each dot: how many rows.",
    "coverage": "How many are right among the surest rows,\n\nas more and more of them are taken.",
    "confusion": "How often each category was taken for which other.",
}
_HEADINGS = ("", "rows", "strict", "lenient", "F1", "cov. strict", "cov. lenient", "ECE")


def figures_table(measured: Mapping[str, Figures]) -> str:
    """Return one line of figures per model and set; cov. is the share of rows at 90 % precision."""
    lines = ["| " + " | ".join(_HEADINGS) + " |", "|---" + "|---:" * (len(_HEADINGS) - 1) + "|"]
    for name, of in measured.items():
        shares = (of.strict, of.lenient, of.macro_f1, of.coverage_strict, of.coverage_lenient)
        cells = [name, f"{of.rows:,}", *(f"{share:.3f}" for share in (*shares, of.calibration_error))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def pictures(rows: Sequence[Labelled], answers: Sequence[Answer], whose: str) -> dict[str, str]:
    """Return reliability, coverage and confusion of these answers by name, as images within Markdown.

    `whose` says which model was asked about which rows.
    """
    drawn = {name.removesuffix(".svg"): svg for name, svg in plots(rows, answers).items()}
    return {
        name: f"**{whose}, {len(rows):,} rows.**\n\n{_CAPTIONS[name]}\n\n{_image(name, svg)}"
        for name, svg in drawn.items()
    }


def _image(name: str, svg: str) -> str:
    return f"![{name}](data:image/svg+xml;base64,{b64encode(svg.encode()).decode()})"
