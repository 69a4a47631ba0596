"""Simple ways to categorize, to be beaten in the same run.

Belongs here: answers that need no knowledge, and word counts as ledger import tools use them. Does not
belong here: the figures.
"""

from collections import Counter
from collections.abc import Sequence

from bank_sync.categorization.evaluation.figures import Answer
from bank_sync.categorization.evaluation.sets import Labelled
from bank_sync.categorization.training.examples import Example


def majority(rows: Sequence[Labelled]) -> list[Answer]:
    """Answer the set's most frequent label every time."""
    (label, times), *_ = Counter(row.labels[0] for row in rows).most_common(1)
    return [(label, times / len(rows))] * len(rows)


def naive_bayes(rows: Sequence[Labelled], learnt: Sequence[Example]) -> list[Answer]:
    """Answer by word TF-IDF and naive Bayes, learnt from the same training rows as the model."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.naive_bayes import MultinomialNB

    words = TfidfVectorizer(token_pattern=r"[^\W\d_]{2,}")  # noqa: S106 - words, no secret
    classifier = MultinomialNB(alpha=0.1)
    matrix = words.fit_transform([one.text for one in learnt])
    classifier.fit(matrix, [one.primary for one in learnt], sample_weight=[one.weight for one in learnt])
    shares = classifier.predict_proba(words.transform([row.description for row in rows]))
    best = shares.argmax(axis=1)
    return [
        (str(classifier.classes_[place]), float(share[place]))
        for place, share in zip(best, shares, strict=True)
    ]
