"""Recommendations from a bundle, in external item ids."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import EngineError, HanjiError
from hanji.runtime.queries import (
    NO_ITEMS,
    Query,
    history_query,
    known_items,
    skipped_note,
    user_query,
    wrong_input,
)
from hanji.runtime.ranking import RankingOptions, RankingRequest, ranking, reasons, shortage_note
from hanji.runtime.results import Reason, Recommendation, Recommendations, SelfTest
from hanji.runtime.session import Session, check_options, check_signature

# Imports needed only for opening a bundle are deferred, to keep `import hanji.runtime` fast.
if TYPE_CHECKING:
    from typing import Unpack

    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, Inputs
    from hanji.runtime.golden import GoldenCase
    from hanji.runtime.ids import ExternalId, Ids, Items
    from hanji.runtime.manifest import Artifact, RecommenderManifest
    from hanji.runtime.opening import OpenOptions


class Recommender(Session):
    """An open recommender bundle. Create it with ``Recommender.open`` and close it, or use ``with``.

    A bundle takes either the id of a user in the training data or the user's history, item ids that never
    leave the device: see ``takes``. ``users`` is None for a bundle that takes histories.

    Can be shared between threads: a lock serializes calls into the engine. For parallel inference, open one
    instance per thread. Each process needs its own instance: a forked child cannot use its parent's.
    """

    def __init__(
        self,
        bundle: Bundle,
        manifest: RecommenderManifest,
        artifact: Artifact,
        engine: Engine,
        users: Ids | None,
        items: Items,
    ) -> None:
        super().__init__(bundle, artifact, engine)
        self._manifest = manifest
        self.users = users
        self.items = items

    @classmethod
    def open(cls, bundle: str | os.PathLike[str], **options: Unpack[OpenOptions]) -> Recommender:
        """Verify the bundle directory and load its model. Options:

        - ``engine``: "litert", "tflite-runtime", "onnxruntime" or "auto" (default): the first of them that is
          installed and can run the bundle;
        - ``threads`` (1): small models get slower with more threads than free cores;
        - ``delegate``, the path or name of a TFLite external delegate such as "libedgetpu.so.1", and
          ``delegate_options``, for the first two engines; ``providers``, execution providers in order of
          preference, for onnxruntime. Operators that do not run there fall back to the CPU, which
          ``placement`` reports;
        - ``policy``: "warn" (default) also issues a PlacementWarning, "allow" does not; "fail" raises
          EngineError instead, on opening or, if the accelerator fails later, from that call;
        - ``isolated`` (False): first test the bundle in another process with limits, which takes about 0.5 s:
          see ``hanji.runtime.isolation``.

        Raises BundleError for a bundle that is missing, damaged, not a recommender, or made for a newer
        runtime; EngineError, stating what to install, if no engine can run it.
        """
        from hanji.runtime.ids import parse_items, parse_users
        from hanji.runtime.manifest import RecommenderManifest
        from hanji.runtime.opening import Opening

        opening = Opening(bundle, RecommenderManifest, options)
        manifest = opening.manifest
        opening.check(manifest.users, manifest.items)
        users = None if manifest.users is None else opening.read(manifest.users, parse_users)
        items = opening.read(manifest.items, parse_items)
        return cls(opening.bundle, manifest, opening.artifact, opening.load(), users, items)

    def recommend(
        self,
        user: ExternalId | None = None,
        k: int = 10,
        *,
        history: Iterable[ExternalId] | None = None,
        explain: int = 0,
        **options: Unpack[RankingOptions],
    ) -> Recommendations:
        """Return the top ``k`` items for a ``user`` or a ``history``, oldest item first: see ``takes``.

        ``history`` holds item ids; of duplicate ids the last occurrence counts. ``explain`` is
        the maximum number of reasons per item in ``why``, at the cost of one model call per item. Options:

        - ``exclude``: item ids to exclude;
        - ``exclude_seen`` (True): also exclude the items of the history; no effect for a ``user``;
        - ``filter``: called with items in order of descending score until ``k`` pass;
        - ``diversity`` in [0, 1): diversifies genres by maximal marginal relevance over the top 10·k items;
          ranks then follow the selection order, not the score.

        The manifest defines how unknown ids are handled: a user is ranked by popularity or raises
        UnknownIdError, items are skipped and counted or raise UnknownIdError. A history without a known item
        is ranked by popularity. If too few items are unseen and pass the filter, fewer than ``k`` are
        returned, with a ``note``. HanjiError for ``k`` or ``diversity`` out of range, an argument that the
        bundle does not take, and ``explain`` if the model does not support it.
        """
        query = self._query(user, history)
        k = operator.index(k)  # an integer of numpy may be too small to compute with
        if explain:
            self._check_explain(explain)
        check_options("recommend", options, RankingOptions)
        exclude, unknown = options.get("exclude", ()), self.manifest.items.unknown
        excluded, unknown_count = known_items(exclude, self.items.ids, unknown, "exclude")
        seen = query.seen if options.get("exclude_seen", True) else NO_ITEMS
        request = RankingRequest(k, excluded, seen, options.get("filter"), options.get("diversity", 0.0))
        count = len(self.items)
        request.check(count)
        if query.inputs is None:
            scores: NDArray[Any] = self.items.popularity.astype(np.float64)
        else:
            scores = self._run(query.signature, query.inputs, count)
        best = ranking(scores, self.items, request)
        rows = self._rows(best, scores)
        if explain and len(query.seen):
            rows = self._explained(rows, best, query.seen, operator.index(explain))
        source: Literal["model", "popularity"] = "popularity" if query.inputs is None else "model"
        note = query.note
        if unknown_count or len(best) < k:
            notes = (note, skipped_note("excluded", unknown_count), shortage_note(len(best), request))
            note = "; ".join(filter(None, notes))
        return Recommendations(tuple(rows), source, note, query.skipped + unknown_count)

    def why(self, history: Iterable[ExternalId], item: ExternalId, k: int = 3) -> list[Reason]:
        """Return the ``k`` items of ``history`` that raised the score of ``item`` most, strongest first.

        Fewer if fewer raised it. ``item`` can be any item, including one of the history. HanjiError if the
        model does not support it or the history has no known item; UnknownIdError for an unknown ``item``.
        """
        self._check_explain(k)
        query = self._model_query(None, history)
        return self._reasons(query.seen, self.items.ids.known_index_of(item), operator.index(k))

    def scores(
        self, user: ExternalId | None = None, *, history: Iterable[ExternalId] | None = None
    ) -> NDArray[np.float32]:
        """Return the scores of all items for ``user`` or ``history``, float32 [items], as in ``items.ids``.

        Raises UnknownIdError for an unknown user and HanjiError for a history without a known item.
        """
        query = self._model_query(user, history)
        return self._run(query.signature, query.inputs or {}, len(self.items))

    def score_pairs(self, users: Sequence[ExternalId], items: Sequence[ExternalId]) -> NDArray[np.float32]:
        """Return the score of each (user, item) pair, float32 [n]; UnknownIdError for an unknown id."""
        known = self.users
        if known is None:
            raise HanjiError("score_pairs: this bundle has no user table; try: scores(history=[ID, …])")
        if len(users) != len(items):
            raise HanjiError(f"expected as many items as users, found {len(items)} and {len(users)}")
        if len(users) == 0:
            return np.empty(0, np.float32)
        check_signature(self._artifact, "pairs")
        inputs = {
            "user": np.array([known.known_index_of(user) for user in users], np.int32),
            "item": np.array([self.items.ids.known_index_of(item) for item in items], np.int32),
        }
        return self._run("pairs", inputs, len(users))

    def self_test(self) -> SelfTest:
        """Replay golden.json and compare the outputs; also fails if this artifact was not run at export."""
        from hanji.runtime.golden import parse_golden, replay

        path = self.manifest.golden
        golden = parse_golden(self._bundle.read_json(path), path)
        expected = golden.artifacts.get(self._artifact.format)
        if expected is None:
            detail = f"{path} has no cases for {self._artifact.format}, which was not run at export"
            return SelfTest(passed=False, cases=0, max_abs_error=0.0, tolerance=0.0, detail=detail)
        return replay(
            expected,
            golden.k,
            self.items.ids,
            lambda case: self.scores(case.user, history=case.history),
            self._golden_shares,
        )

    @property
    def takes(self) -> Literal["user", "history"]:
        """The bundle's input: the id of a user in the training data, or any user's history."""
        return self.manifest.takes

    @property
    def manifest(self) -> RecommenderManifest:
        return self._manifest

    def engine_call(
        self, user: ExternalId | None = None, *, history: Iterable[ExternalId] | None = None
    ) -> Callable[[], object]:
        """Return the bare engine call for ``user`` or ``history``, for benchmarks.

        The call may run with the inputs that the engine was given last: create it right before timing it.
        """
        query = self._model_query(user, history)
        return self._open_engine().bare_call(query.signature, query.inputs or {})

    def _query(self, user: ExternalId | None, history: Iterable[ExternalId] | None) -> Query:
        self._open_engine()  # a popularity ranking, too, is of an open bundle
        table = self.manifest.users
        if self.users is not None and table is not None and user is not None and history is None:
            return user_query(user, self.users, table.unknown)
        if self.users is None and user is None and history is not None:
            return history_query(history, self.items.ids, self.manifest.items.unknown)
        raise wrong_input(self.takes, user, history)

    def _model_query(self, user: ExternalId | None, history: Iterable[ExternalId] | None) -> Query:
        """A query with model inputs; UnknownIdError or HanjiError if there are none."""
        query = self._query(user, history)
        if query.inputs is not None:
            return query
        if self.users is not None and user is not None:
            raise self.users.unknown(user)
        raise HanjiError("history: expected at least one known item id, found none")

    def _check_explain(self, count: int) -> None:
        if operator.index(count) < 1:
            raise HanjiError(f"reasons: expected 1 or more, found {count}")
        if self.users is not None:
            raise HanjiError("this bundle takes a user, not a history, so scores cannot be explained")
        check_signature(self._artifact, "why")

    def _explained(
        self, rows: list[Recommendation], best: NDArray[np.intp], seen: NDArray[np.int32], count: int
    ) -> list[Recommendation]:
        pairs = zip(rows, best.tolist(), strict=True)
        return [row._replace(why=tuple(self._reasons(seen, item, count))) for row, item in pairs]

    def _reasons(self, seen: NDArray[np.int32], item: int, k: int) -> list[Reason]:
        return reasons(self._contributions(seen, item), seen, self.items, k)

    def _contributions(self, seen: NDArray[np.int32], item: int) -> NDArray[np.float32]:
        """Contribution of each item of a history to the score of ``item`` (all indices), float32 [n]."""
        inputs = {"history": seen, "item": np.array([item], np.int32)}
        return self._run("why", inputs, len(seen))

    def _run(self, signature: str, inputs: dict[str, NDArray[np.int32]], count: int) -> NDArray[np.float32]:
        scores = self._open_engine().run(signature, inputs)
        if scores.shape != (count,):
            raise EngineError(f"{self._info.name}: expected {count} scores, found shape {scores.shape}")
        self._check_finite(scores, f"a score of signature {signature!r}")
        return scores

    def _warm_up_inputs(self) -> Iterator[tuple[str, Inputs]]:
        """The first user and item, for each signature; others than these have no use here."""
        signatures = self._artifact.signatures
        for name in (name for name in ("catalogue", "pairs", "history", "why") if name in signatures):
            check_signature(self._artifact, name)
            yield name, {tensor.name: np.zeros(1, np.int32) for tensor in signatures[name].inputs}

    def _golden_shares(self, case: GoldenCase) -> NDArray[np.float32]:
        why, known = case.why, self.items.ids.known_index_of
        if why is None or case.history is None:
            raise HanjiError("expected a golden case with a history and a why")
        self._check_explain(1)
        seen = np.array([known(item) for item in case.history], np.int32)
        return self._contributions(seen, known(why.item))

    def _rows(self, best: NDArray[np.intp], scores: NDArray[Any]) -> list[Recommendation]:
        ids, titles, genres = self.items.ids.values, self.items.titles, self.items.genres
        ranked = enumerate(zip(best.tolist(), scores[best].tolist(), strict=True), 1)
        return [  # Recommendation(...) would take twice as long
            tuple.__new__(Recommendation, (rank, ids[index], titles[index], genres[index], score, ()))
            for rank, (index, score) in ranked
        ]
