"""A model's card: its figures, and what is to be seen of them, as Markdown.

Belongs here: tables and pictures for whoever decides about a model. Does not belong here: rows, which never
appear on a card: counts and shares only.
"""

from base64 import b64encode
from collections import Counter
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


def confusion_matrix(rows: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Return how often each label (down) was answered how (across); only categories that occur."""
    counts = Counter(
        (row.labels[0], answer or "nothing") for row, (answer, _) in zip(rows, answers, strict=True)
    )
    names = sorted({name for pair in counts for name in pair})
    numbers = [str(number) for number in range(1, len(names) + 1)]
    lines = ["| label | " + " | ".join(numbers) + " |", "|---" + "|---:" * len(names) + "|"]
    for number, name in zip(numbers, names, strict=True):
        cells = [str(counts[name, other] or "") for other in names]
        lines.append(f"| {number} {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def picture(name: str, rows: Sequence[Labelled], answers: Sequence[Answer]) -> str:
    """Return the plot `reliability` or `coverage` of these answers as an image within Markdown."""
    encoded = b64encode(plots(rows, answers)[f"{name}.svg"].encode()).decode()
    return f"![{name}](data:image/svg+xml;base64,{encoded})"
