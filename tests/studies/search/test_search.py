"""The order of questions, what is never asked, and what is said at the end; nothing is trained here."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hanji.studies.budget import Budget
from hanji.studies.search.cached_evaluator import CachedEvaluator
from hanji.studies.search.chooser import Known, proposed
from hanji.studies.search.outcome import Outcome
from hanji.studies.search.search import Limits, Search, Searched, trials_for
from hanji.studies.search.setup import Setup
from hanji.training.errors import ConversionError, DataError
from hanji.training.recipe_file import read_recipe_file

from .fakes import BASE, SCHEMES, WIDTHS, FakeEvaluator, fake_space, metric_of, size_of, variant

ALL = [variant(width, scheme) for width in WIDTHS for scheme in SCHEMES]


def search(evaluator: FakeEvaluator, *, trials: int = 100, seed: int = 0, **bounds: float) -> Searched:
    return Search(fake_space(), Budget("budget", **bounds), evaluator, limits=Limits(trials), seed=seed).run()


def outcome(searched: Searched, **bounds: float) -> Outcome:
    return Outcome(fake_space(), Budget("budget", **bounds), searched, "hanji search fake.toml", 0, 1.0)


def test_the_best_within_the_budget_is_found_and_told_from_the_test_set_at_the_end() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, max_bytes=4_300)
    fitting = [one for one in ALL if size_of(one) <= 4_300]
    assert found.winner is not None and found.finished is not None
    assert found.winner.point.variant == max(fitting, key=metric_of) == variant("64", "int4-rows")
    assert evaluator.asked[-1] == ("finished", "64 · int4-rows")
    assert [what for what, _ in evaluator.asked].count("finished") == 1
    assert set(evaluator.trained) == {"full", *(one.name for one in fitting)}  # the rest never was
    assert found.stopped == "nothing else can fit"


def test_cheap_questions_come_first_and_weights_cost_none() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, max_bytes=4_300, max_latency_ms=0.3)
    by_name = {one.point.variant.name: one for one in found.candidates}
    assert ("bytes", "64 · float16") not in evaluator.asked  # its weights alone are too many
    assert "weights alone take 12,800 bytes" in by_name["64 · float16"].reason
    assert by_name["32 · float16"].untrained_bytes is None
    assert ("ms", "64 · int4-rows") in evaluator.asked and "64 · int4-rows" not in evaluator.trained
    assert "engine takes 0.64 ms" in by_name["64 · int4-rows"].reason
    # Within the margin of the engine's own call, but the whole call is too slow.
    assert by_name["32 · int4-rows"].status == "over" and "more than 0.3" in by_name["32 · int4-rows"].reason
    assert found.winner is not None and found.winner.point.variant == variant("16", "float16")


def test_larger_shapes_come_first_then_what_tpe_proposes() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, trials=4, max_bytes=4_300)
    assert evaluator.trained[:4] == ["full", "64 · int4-rows", "32 · int8-rows", "16 · float16"]
    assert found.trials == 4 and len(evaluator.trained) == 5
    assert found.stopped == "4 recipes were trained (--trials)"
    assert sum(one.status == "not tried" for one in found.candidates) == 5


def test_nothing_is_trained_where_nothing_can_fit() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, max_bytes=700)
    assert found.winner is None and found.finished is None and found.full is None and not evaluator.trained
    assert found.closest is not None and found.closest.point.variant == variant("8", "int4-rows")
    binds = outcome(found, max_bytes=700).binds
    assert binds == "the closest is '8 · int4-rows': 1,400 bytes, 700 more than 700"


def test_the_closest_is_told_by_what_it_breaks_where_quality_binds() -> None:
    found = search(FakeEvaluator(), max_bytes=2_700, max_drop=0.01)
    assert found.winner is None and found.closest is not None
    binds = outcome(found, max_bytes=2_700, max_drop=0.01).binds
    assert binds == "the closest is '32 · int4-rows': 0.0240 of the metric lost, 0.0140 more than 0.0100"


def test_with_a_bound_on_the_drop_alone_the_smallest_file_wins() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, max_drop=0.03)
    within = [one for one in ALL if 0.5 - metric_of(one) <= 0.03]
    assert found.winner is not None
    assert found.winner.point.variant == min(within, key=size_of) == variant("32", "int4-rows")
    heavy = [one for one in found.candidates if "weights alone" in one.reason]
    assert heavy, "larger ones than what fits are of no interest"


def test_the_full_model_wins_where_it_keeps_the_budget_best() -> None:
    evaluator = FakeEvaluator()
    found = search(evaluator, trials=2, max_bytes=60_000)
    assert found.winner is not None and found.winner.point.variant.name == "full"


def test_a_recipe_that_fails_is_a_row_and_the_search_goes_on() -> None:
    found = search(FakeEvaluator(failing=["64 · int4-rows"]), max_bytes=4_300)
    failed = [one for one in found.candidates if one.status == "failed"]
    assert [one.reason for one in failed] == ["the converter does not like it"]
    assert found.winner is not None and found.winner.point.variant == variant("32", "int8-rows")


def test_a_full_model_that_fails_ends_the_search() -> None:
    class NoData(FakeEvaluator):
        def built(self, variant, resume_from):  # type: ignore[no-untyped-def]
            raise DataError("the ratings are gone")

    with pytest.raises(DataError, match="gone"):
        search(NoData(), max_bytes=4_300)


def test_minutes_end_a_search() -> None:
    evaluator = FakeEvaluator(seconds=30.0)
    space, budget = fake_space(), Budget("budget", max_bytes=4_300)
    limits = Limits(100, minutes=1.5)
    found = Search(space, budget, evaluator, limits=limits, seed=0, spent_s=lambda: evaluator.spent_s).run()
    assert found.trials == 2 and found.stopped == "1.5 minutes are used up (--max-minutes)"


def test_a_twentieth_of_the_space_is_trained_unless_somebody_says_but_four() -> None:
    space = fake_space()
    assert trials_for(space) == 4
    assert trials_for(replace(space, points=space.points * 7)) == 5


def kept(evaluator: FakeEvaluator, out: Path) -> CachedEvaluator:
    return CachedEvaluator(evaluator, Setup(BASE, ("tflite",), "ndcg_at_10", None, out))


def test_a_search_that_was_stopped_goes_on_as_if_it_had_not_been(tmp_path: Path) -> None:
    class Stopped(FakeEvaluator):
        def built(self, variant, resume_from):  # type: ignore[no-untyped-def]
            if len(self.trained) == 5:
                raise KeyboardInterrupt
            return super().built(variant, resume_from)

    whole, budget = FakeEvaluator(), Budget("budget", max_bytes=4_300)
    expected = Search(fake_space(), budget, whole, limits=Limits(7), seed=4).run()
    with pytest.raises(KeyboardInterrupt):
        Search(fake_space(), budget, kept(Stopped(), tmp_path), limits=Limits(7), seed=4).run()
    rest = FakeEvaluator()
    found = Search(fake_space(), budget, kept(rest, tmp_path), limits=Limits(7), seed=4).run()
    assert found == expected
    assert rest.trained == whole.trained[5:]


def test_errors_of_a_recipe_are_kept_and_others_are_not(tmp_path: Path) -> None:
    failing = FakeEvaluator(failing=["64 · int4-rows"])
    for _ in range(2):
        Search(
            fake_space(), Budget("b", max_bytes=4_300), kept(failing, tmp_path), limits=Limits(1), seed=0
        ).run()
    assert failing.trained.count("64 · int4-rows") == 1

    class Full(FakeEvaluator):
        def built(self, variant, resume_from):  # type: ignore[no-untyped-def]
            super().built(variant, resume_from)
            raise DataError("the disk is full")

    full = Full()
    for _ in range(2):
        with pytest.raises(DataError):
            kept(full, tmp_path / "other").built(variant("8", "float16"), None)
    assert len(full.trained) == 2


def test_proposals_are_open_ones_and_the_same_each_time() -> None:
    axes = {"distil": tuple(WIDTHS), "quantize": SCHEMES}
    known = [
        Known({"distil": width, "quantize": "float16"}, None, {"bytes": 0.5}) for width in ("64", "32")
    ] + [Known({"distil": "16", "quantize": "int4-rows"}, 0.46, {"bytes": -0.1})]
    still_open = [{"distil": "16", "quantize": "int8-rows"}, {"distil": "8", "quantize": "int4-rows"}]
    found = [proposed(axes, known, still_open, seed) for seed in (0, 1, 2, 0, 1, 2)]
    assert all(choice in still_open for choice in found) and found[:3] == found[3:]


def test_what_was_found_is_written_as_a_recipe_and_as_numbers(tmp_path: Path) -> None:
    found = outcome(search(FakeEvaluator(), trials=3, max_bytes=4_300), max_bytes=4_300)
    found.write(tmp_path)
    recipe = read_recipe_file(tmp_path / "recipe.toml")
    assert recipe.compression == variant("64", "int4-rows").tables and recipe.model == BASE.model
    assert "hanji search fake.toml" in (tmp_path / "recipe.toml").read_text()
    table = json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))
    assert table["winner"] == "64 · int4-rows" and table["trained"] == 3
    assert table["test"] == {
        "winner": {"ndcg_at_10": pytest.approx(0.476)},
        "full": {"ndcg_at_10": pytest.approx(0.49)},
    }
    untried = next(row for row in table["candidates"] if row["status"] == "not tried")
    assert untried["bytes"] is None and untried["validation"] is None
    text = "\n".join(found.lines())
    assert "3 of 12 recipes were trained" in text and "Stopped: 3 recipes were trained" in text
    assert "read once now: ndcg_at_10 0.4760, the full model 0.4900" in text


def test_an_older_searchs_recipe_and_bundle_go_where_nothing_fits(tmp_path: Path) -> None:
    outcome(search(FakeEvaluator(), trials=3, max_bytes=4_300), max_bytes=4_300).write(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    outcome(search(FakeEvaluator(), max_bytes=700), max_bytes=700).write(tmp_path)
    assert not (tmp_path / "recipe.toml").exists() and not (tmp_path / "bundle").exists()
    assert json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))["winner"] is None


def test_a_size_that_cannot_be_looked_up_does_not_end_the_search() -> None:
    class Unknown(FakeEvaluator):
        def untrained_bytes(self, shape):  # type: ignore[no-untyped-def]
            if shape.name == "8 · int8-rows":
                raise ConversionError("no such file can be made")
            return super().untrained_bytes(shape)

    found = search(Unknown(), max_bytes=300)  # beyond the weights of all of them
    assert found.closest is not None and found.closest.point.variant == variant("8", "int4-rows")
    assert found.closest.untrained_bytes == 1_400
