"""Answers from a bundle, in the user's own ids."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.errors import EngineError, HanjiError
from hanji.runtime.finite import are_finite
from hanji.runtime.questions import (
    NOTHING,
    Question,
    history_question,
    known_items,
    skipped_note,
    user_question,
    wrong_asker,
)
from hanji.runtime.ranking import RankingRequest, check_options, ranking, shortage_note
from hanji.runtime.results import Reason, Recommendation, Recommendations, SelfTest
from hanji.runtime.session import Session
from hanji.runtime.signatures import check_signature

# What only opening needs is imported when a bundle is opened: `import hanji.runtime` stays quick.
if TYPE_CHECKING:
    from typing_extensions import Unpack

    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, Inputs
    from hanji.runtime.engines.request import Policy
    from hanji.runtime.golden import GoldenCase
    from hanji.runtime.ids import Ids, Items, OwnId
    from hanji.runtime.manifest import Artifact, RecommenderManifest
    from hanji.runtime.ranking import RankingOptions


class Recommender(Session):
    """An open bundle. Make it with ``Recommender.open``; close it, or use it in a ``with`` statement.

    A bundle takes either the id of a user it was trained on or the user's own history, item ids that stay
    on the device: ``takes`` says which. ``users`` is None where it takes a history.

    It may be shared by threads: a lock lets one call at a time into the engine. Threads that are
    to run at the same time open one each. So does each process: a fork cannot use its parent's.
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
    def open(
        cls,
        bundle: str | os.PathLike[str],
        *,
        engine: str = "auto",
        threads: int = 1,
        delegate: str | os.PathLike[str] | None = None,
        delegate_options: Mapping[str, str] | None = None,
        providers: Sequence[str] = (),
        policy: Policy = "warn",
    ) -> Recommender:
        """Verify the bundle directory and load its model.

        ``engine`` is "litert", "tflite-runtime", "onnxruntime" or "auto": the first of them that is
        installed and can run the bundle. More ``threads`` than free cores make small models slower.
        ``delegate``, the path or name of a TFLite external delegate such as "libedgetpu.so.1", with
        ``delegate_options``, is for the first two; ``providers``, execution providers in order of
        preference, for onnxruntime. What does not run where it was asked to runs on the CPU, and
        ``placement`` says so; ``policy`` "warn" gives a PlacementWarning besides, "allow" does not, "fail"
        raises EngineError instead, at opening or, if it fails only then, at the call.

        Raises BundleError for a bundle that is missing, damaged, no recommender's, or made for a newer
        runtime; EngineError, with what to install, if no engine can run it.
        """
        from hanji.runtime.ids import parse_items, parse_users
        from hanji.runtime.manifest import RecommenderManifest
        from hanji.runtime.opening import Opening, requested

        request = requested(delegate, delegate_options, providers, policy)
        opening = Opening(bundle, RecommenderManifest, engine=engine, threads=threads, request=request)
        manifest = opening.manifest
        opening.check(manifest.users, manifest.items)
        users = None if manifest.users is None else opening.read(manifest.users, parse_users)
        items = opening.read(manifest.items, parse_items)
        return cls(opening.bundle, manifest, opening.artifact, opening.load(), users, items)

    def recommend(
        self,
        user: OwnId | None = None,
        k: int = 10,
        *,
        history: Iterable[OwnId] | None = None,
        explain: int = 0,
        **options: Unpack[RankingOptions],
    ) -> Recommendations:
        """The ``k`` best items for a ``user``, or for the items of a ``history``: see ``takes``.

        ``history`` holds own item ids, oldest first; of a repeated id the last occurrence counts.
        ``explain`` gives each item up to so many reasons in ``why``, at the cost of one call of the model per
        item. Further keywords (``RankingOptions``):

        - ``exclude``: own item ids to leave out;
        - ``exclude_seen`` (True): leave out the items of the history, too. It changes nothing for a ``user``,
          of whom a bundle holds no history;
        - ``filter``: called with one item after another, from the best score downwards, until ``k`` pass:
          ``filter=lambda item: "Comedy" in item.genres``;
        - ``diversity`` in [0, 1): spreads the genres by maximal marginal relevance over the 10·k best items;
          ranks then follow the selection, not the score.

        An unknown user and unknown item ids are handled as the manifest says: a ranking by popularity or an
        UnknownIdError; skipped and counted or an UnknownIdError. A history without a known item is ranked
        by popularity. If fewer than ``k`` items are unseen and pass the filter, fewer are returned and
        ``note`` says so. HanjiError for a ``k`` or ``diversity`` out of range, for a user or history that the
        bundle does not take, and for ``explain`` where its model does not support it.
        """
        question = self._question(user, history)
        if explain:
            self._check_explain(explain)
        check_options(options)
        exclude, unknown = options.get("exclude", ()), self.manifest.items.unknown
        excluded, unknown_count = known_items(exclude, self.items.ids, unknown, "exclude")
        seen = question.seen if options.get("exclude_seen", True) else NOTHING
        request = RankingRequest(k, excluded, seen, options.get("filter"), options.get("diversity", 0.0))
        count = len(self.items)
        request.check(count)
        if question.inputs is None:
            scores: NDArray[Any] = self.items.popularity.astype(np.float64)
        else:
            scores = self._run(question.signature, question.inputs, count)
        best = ranking(scores, self.items, request)
        rows = self._rows(best, scores)
        if explain and len(question.seen):
            rows = self._explained(rows, best, question.seen, explain)
        source: Literal["model", "popularity"] = "popularity" if question.inputs is None else "model"
        note = question.note
        if unknown_count or len(best) < k:
            notes = (note, skipped_note("excluded", unknown_count), shortage_note(len(best), request))
            note = "; ".join([said for said in notes if said])
        return Recommendations(tuple(rows), source, note, question.skipped + unknown_count)

    def why(self, history: Iterable[OwnId], item: OwnId, k: int = 3) -> list[Reason]:
        """The ``k`` items of ``history`` that speak most for ``item``, strongest first, as the model has it.

        Fewer if fewer raised the score of ``item``, which may be any item, also one of the history.
        HanjiError if the model cannot say or the history holds no known item; UnknownIdError for ``item``.
        """
        self._check_explain(k)
        question = self._answerable(None, history)
        return self._reasons(question.seen, self.items.ids.known_index_of(item), k)

    def scores(
        self, user: OwnId | None = None, *, history: Iterable[OwnId] | None = None
    ) -> NDArray[np.float32]:
        """Scores of all items for ``user`` or ``history``, float32 [items], in the order of ``items.ids``.

        Raises UnknownIdError for an unknown user and HanjiError for a history without a known item,
        whatever the manifest says: popularity is no score.
        """
        question = self._answerable(user, history)
        return self._run(question.signature, question.inputs or {}, len(self.items))

    def score_pairs(self, users: Sequence[OwnId], items: Sequence[OwnId]) -> NDArray[np.float32]:
        """The score of each (user, item) pair, float32 [n]; UnknownIdError for an id that is unknown."""
        known = self.users
        if known is None:
            raise HanjiError("score_pairs: this bundle knows no users; ask for scores(history=[ID, …])")
        if len(users) != len(items):
            raise HanjiError(f"expected as many items as users, found {len(items)} and {len(users)}")
        if len(users) == 0:
            return np.empty(0, np.float32)
        check_signature(self._artifact, "pairs")
        inputs = {
            "user": np.array([known.known_index_of(own) for own in users], np.int32),
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
        return replay(
            expected,
            golden.k,
            self.items.ids,
            lambda case: self.scores(case.user, history=case.history),
            self._golden_shares,
        )

    @property
    def takes(self) -> Literal["user", "history"]:
        """What this bundle is asked with: the id of a user it was trained on, or anybody's own history."""
        return self.manifest.takes

    @property
    def manifest(self) -> RecommenderManifest:
        return self._manifest

    def engine_call(
        self, user: OwnId | None = None, *, history: Iterable[OwnId] | None = None
    ) -> Callable[[], object]:
        """The engine's own call for ``user`` or ``history`` with nothing around it, for benchmarks.

        It may answer the engine's latest question instead of its own: make it right before it is timed.
        """
        question = self._answerable(user, history)
        return self._open_engine().bare_call(question.signature, question.inputs or {})

    def _question(self, user: OwnId | None, history: Iterable[OwnId] | None) -> Question:
        table = self.manifest.users
        if self.users is not None and table is not None and user is not None and history is None:
            return user_question(user, self.users, table.unknown)
        if self.users is None and user is None and history is not None:
            return history_question(history, self.items.ids, self.manifest.items.unknown)
        raise wrong_asker(self.takes, user, history)

    def _answerable(self, user: OwnId | None, history: Iterable[OwnId] | None) -> Question:
        """A question that the model itself can answer, else UnknownIdError or HanjiError."""
        question = self._question(user, history)
        if question.inputs is not None:
            return question
        if self.users is not None and user is not None:
            raise self.users.unknown(user)
        raise HanjiError("history: expected at least one item id that this bundle knows, found none")

    def _check_explain(self, count: int) -> None:
        if operator.index(count) < 1:
            raise HanjiError(f"reasons: expected 1 or more, found {count}")
        if self.users is not None:
            raise HanjiError(
                "this bundle takes a user, not a history: there is nothing to explain a score by"
            )
        check_signature(self._artifact, "why")

    def _explained(
        self, rows: list[Recommendation], best: NDArray[np.intp], seen: NDArray[np.int32], count: int
    ) -> list[Recommendation]:
        pairs = zip(rows, best.tolist(), strict=True)
        return [row._replace(why=tuple(self._reasons(seen, item, count))) for row, item in pairs]

    def _reasons(self, seen: NDArray[np.int32], item: int, k: int) -> list[Reason]:
        from hanji.runtime.reasons import reasons

        return reasons(self._contributions(seen, item), seen, self.items, k)

    def _contributions(self, seen: NDArray[np.int32], item: int) -> NDArray[np.float32]:
        """What each item of a history brought to the score of ``item`` (indices), float32 [n]."""
        inputs = {"history": seen, "item": np.array([item], np.int32)}
        return self._run("why", inputs, len(seen))

    def _run(self, signature: str, inputs: dict[str, NDArray[np.int32]], count: int) -> NDArray[np.float32]:
        scores = self._open_engine().run(signature, inputs)
        if scores.shape != (count,):
            raise EngineError(f"{self._info.name}: expected {count} scores, found shape {scores.shape}")
        if not are_finite(scores):
            raise EngineError(
                f"{self._info.name} {self._info.version}: a score of signature {signature!r} is not a finite "
                "number; replay the self-test with `hanji verify`, then export the bundle again"
            )
        return scores

    def _harmless_questions(self) -> Iterator[tuple[str, Inputs]]:
        """The first user or item asked about, once for each signature."""
        for name, signature in self._artifact.signatures.items():
            check_signature(self._artifact, name)
            yield name, {tensor.name: np.zeros(1, np.int32) for tensor in signature.inputs}

    def _golden_shares(self, case: GoldenCase) -> NDArray[np.float32]:
        why, known = case.why, self.items.ids.known_index_of
        if why is None or case.history is None:
            raise HanjiError("expected a golden case with a history and a why")
        self._check_explain(1)
        seen = np.array([known(own) for own in case.history], np.int32)
        return self._contributions(seen, known(why.item))

    def _rows(self, best: NDArray[np.intp], scores: NDArray[Any]) -> list[Recommendation]:
        ids, titles, genres = self.items.ids.values, self.items.titles, self.items.genres
        ranked = enumerate(zip(best.tolist(), scores[best].tolist(), strict=True), 1)
        return [  # not by Recommendation(...), which takes twice as long
            tuple.__new__(Recommendation, (rank, ids[at], titles[at], genres[at], score, ()))
            for rank, (at, score) in ranked
        ]
