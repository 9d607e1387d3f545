"""A content-based model of titles and genres, which can recommend items without interactions."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from hanji.training.recommenders.baselines.histories import Histories, Scores
from hanji.training.recommenders.data import Catalogue


def words_of(catalogue: Catalogue) -> list[set[str]]:
    """The words of each item's title, and its genres."""
    return [
        {word.lower() for word in re.findall(r"[^\W_]+", title)} | {f"genre {genre}" for genre in genres}
        for title, genres in zip(catalogue.titles, catalogue.genres, strict=True)
    ]


@dataclass(frozen=True)
class Content:
    """``features`` [items, words]: unit-length TF-IDF rows of title words and genres."""

    features: sparse.csr_matrix

    @classmethod
    def fit(cls, catalogue: Catalogue) -> Content:
        """Compute TF-IDF (Salton and Buckley 1988) over the texts of the catalogue."""
        texts = words_of(catalogue)
        document_counts = Counter(word for words in texts for word in words)
        column = {word: index for index, word in enumerate(sorted(document_counts))}
        rows = [row for row, words in enumerate(texts) for _ in words]
        words = [word for words in texts for word in sorted(words)]
        weights = [np.log(len(texts) / document_counts[word]) for word in words]
        shape = (len(texts), max(len(column), 1))
        table = sparse.csr_matrix((weights, (rows, [column[word] for word in words])), shape, np.float32)
        norms = np.sqrt(np.asarray(table.multiply(table).sum(axis=1))).ravel()
        return cls(sparse.csr_matrix(sparse.diags(1.0 / np.maximum(norms, 1e-6)) @ table, dtype=np.float32))

    def scores(self, histories: Histories) -> Scores:
        """Summed cosine similarity between each item and the items of the history."""
        return np.asarray((histories @ self.features @ self.features.T).toarray(), np.float32)
