"""Answers from a bundle, in the user's own ids."""

from __future__ import annotations

import math
import operator
import os
from collections.abc import Callable, Iterable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import EngineError, HanjiError
from hanji.runtime.results import Recommendation, Recommendations, SelfTest
from hanji.runtime.signatures import check_signature
from hanji.runtime.top_k import top_k

# What only opening needs is imported when a bundle is opened: `import hanji.runtime` stays quick.
if TYPE_CHECKING:
    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, EngineInfo
    from hanji.runtime.ids import Ids, Items, OwnId
    from hanji.runtime.manifest import Artifact, Manifest


class Recommender:
    """An open bundle. Make it with ``Recommender.open``; close it, or use it in a ``with`` statement.

    It may be shared by threads: a lock lets one call at a time into the engine. Threads that are
    to run at the same time open one each.
    """

    def __init__(self, bundle: Bundle, artifact: Artifact, engine: Engine, users: Ids, items: Items) -> None:
        self._bundle = bundle
        self._artifact = artifact
        self._engine: Engine | None = engine
        self._info = engine.info
        self.users = users
        self.items = items

    @classmethod
    def open(cls, bundle: str | os.PathLike[str], *, engine: str = "auto", threads: int = 1) -> Recommender:
        """Verify the bundle directory and load its model.

        ``engine`` is "litert", "onnxruntime" or "auto": the first of them that is installed and can
        run the bundle. More ``threads`` than free cores make small models slower.

        Raises BundleError for a bundle that is missing, damaged, or made for a newer runtime;
        EngineError, with what to install, if no engine can run it.
        """
        from hanji.runtime.opening import open_recommender

        return open_recommender(bundle, engine=engine, threads=threads)

    def recommend(self, user: OwnId, k: int = 10, *, exclude: Iterable[OwnId] = ()) -> Recommendations:
        """The ``k`` best items for ``user``, without those in ``exclude`` (own item ids).

        An unknown user or excluded id gets what the manifest says: a ranking by popularity or an
        UnknownIdError; skipped and counted or an UnknownIdError. A ``k`` that cannot be had is a
        HanjiError.
        """
        index = self.users.index_of(user)
        excluded, skipped = self._excluded(exclude)
        self._check_k(k, len(excluded))
        note = f"excluded ids that this bundle does not know, skipped: {skipped}" if skipped else ""
        if index is not None:
            return Recommendations(self._best(self._catalogue(index), k, excluded), "model", note, skipped)
        if self.manifest.users.unknown == "error":
            raise self.users.unknown(user)
        note = f"user {user!r} is unknown to this bundle: ranked by popularity" + (note and f"; {note}")
        counts = self.items.popularity.astype(np.float64)
        return Recommendations(self._best(counts, k, excluded), "popularity", note, skipped)

    def scores(self, user: OwnId) -> NDArray[np.float32]:
        """Scores of all items for ``user``, float32 [items], in the order of ``items.ids``.

        Raises UnknownIdError, whatever the manifest says: popularity is no score.
        """
        return self._catalogue(self.users.known_index_of(user))

    def score_pairs(self, users: Sequence[OwnId], items: Sequence[OwnId]) -> NDArray[np.float32]:
        """The score of each (user, item) pair, float32 [n]; UnknownIdError for an id that is unknown."""
        if len(users) != len(items):
            raise HanjiError(f"expected as many items as users, found {len(items)} and {len(users)}")
        if len(users) == 0:
            return np.empty(0, np.float32)
        check_signature(self._artifact, "pairs")
        inputs = {
            "user": np.array([self.users.known_index_of(own) for own in users], np.int32),
            "item": np.array([self.items.ids.known_index_of(own) for own in items], np.int32),
        }
        return self._run("pairs", inputs, len(users))

    def self_test(self) -> SelfTest:
        """Replay golden.json and compare; it fails, too, if this artifact was not run at export."""
        from hanji.runtime.golden import parse_golden, replay

        path = self.manifest.golden
        golden = parse_golden(self._bundle.read(self._bundle.file(path)), path)
        expected = golden.artifacts.get(self._artifact.format)
        if expected is None:
            detail = f"{path} holds no cases for {self._artifact.format}: it was not run at export"
            return SelfTest(passed=False, cases=0, max_abs_error=0.0, tolerance=0.0, detail=detail)
        return replay(expected, golden.k, self.items.ids, self.scores)

    @property
    def manifest(self) -> Manifest:
        return self._bundle.manifest

    @property
    def artifact(self) -> Artifact:
        """The artifact that answers."""
        return self._artifact

    @property
    def engine(self) -> EngineInfo:
        return self._info

    def engine_call(self, user: OwnId) -> Callable[[], object]:
        """The engine's own call for ``user`` with nothing around it: what a benchmark compares with."""
        inputs = {"user": np.array([self.users.known_index_of(user)], np.int32)}
        return self._open_engine().bare_call("catalogue", inputs)

    def close(self) -> None:
        """Let go of the engine and the model."""
        self._engine = None

    def __enter__(self) -> Recommender:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _catalogue(self, index: int) -> NDArray[np.float32]:
        return self._run("catalogue", {"user": np.array([index], np.int32)}, len(self.items))

    def _run(self, signature: str, inputs: dict[str, NDArray[np.int32]], count: int) -> NDArray[np.float32]:
        scores = self._open_engine().run(signature, inputs)
        if scores.shape != (count,):
            raise EngineError(f"{self._info.name}: expected {count} scores, found shape {scores.shape}")
        if not _are_finite(scores):
            raise EngineError(
                f"{self._info.name} {self._info.version}: a score of signature {signature!r} is not a finite "
                "number; replay the self-test with `hanji verify`, then export the bundle again"
            )
        return scores

    def _open_engine(self) -> Engine:
        if self._engine is None:
            raise HanjiError("this Recommender is closed; open the bundle again")
        return self._engine

    def _best(self, scores: NDArray[Any], k: int, excluded: list[int]) -> tuple[Recommendation, ...]:
        """The ``k`` best; changes ``scores``: what is excluded falls below every finite score."""
        if excluded:
            scores[excluded] = -np.inf
        best = top_k(scores, k)
        ids, titles, genres = self.items.ids.values, self.items.titles, self.items.genres
        ranked = enumerate(zip(best.tolist(), scores[best].tolist(), strict=True), 1)
        rows = [Recommendation(rank, ids[at], titles[at], genres[at], score) for rank, (at, score) in ranked]
        return tuple(rows)  # a list on the way: a generator costs more than the rows

    def _excluded(self, exclude: Iterable[OwnId]) -> tuple[list[int], int]:
        """Indices of the excluded items, each once, and how many ids were unknown."""
        if isinstance(exclude, str):
            raise TypeError(f"exclude: expected item ids, found one text: {exclude!r}")
        found: set[int] = set()
        skipped = 0
        for own in exclude:
            index = self.items.ids.index_of(own)
            if index is not None:
                found.add(index)
            elif self.manifest.items.unknown == "error":
                raise self.items.ids.unknown(own)
            else:
                skipped += 1
        return list(found), skipped

    def _check_k(self, k: int, excluded: int) -> None:
        available = len(self.items) - excluded
        if not 1 <= operator.index(k) <= available:
            without = f", {excluded} of them excluded" if excluded else ""
            raise HanjiError(
                f"k={k}: expected 1 to {available}: the catalogue holds {len(self.items)} items{without}"
            )


def _are_finite(scores: NDArray[np.float32]) -> bool:
    """No NaN, no infinity, found without the temporary array that np.isfinite would make."""
    return math.isfinite(np.minimum.reduce(scores)) and math.isfinite(np.maximum.reduce(scores))
