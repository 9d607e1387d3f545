"""The search algorithm with a fake evaluator: the order of measurements, and the outcome."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from hanji.studies.budget import Budget
from hanji.studies.search.cached_evaluator import CachedEvaluator
from hanji.studies.search.chooser import Observation, propose
from hanji.studies.search.outcome import Outcome
from hanji.studies.search.search import Limits, Search, SearchResult, trials_for
from hanji.studies.search.setup import Setup
from hanji.training.errors import ConversionError, DataError
from hanji.training.recipe_file import read_recipe_file

from .fakes import BASE, SCHEMES, WIDTHS, FakeEvaluator, fake_space, metric_of, size_of, variant

ALL = [variant(width, scheme) for width in WIDTHS for scheme in SCHEMES]


def search(evaluator: FakeEvaluator, *, trials: int = 100, seed: int = 0, **bounds: float) -> SearchResult:
    return Search(fake_space(), Budget("budget", **bounds), evaluator, limits=Limits(trials), seed=seed).run()


def outcome(result: SearchResult, **bounds: float) -> Outcome:
    return Outcome(fake_space(), Budget("budget", **bounds), result, "hanji search fake.toml", 0, 1.0)


def test_the_best_within_the_budget_is_found_and_tested_once_at_the_end() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, max_bytes=4_300)
    fitting = [recipe for recipe in ALL if size_of(recipe) <= 4_300]
    assert result.winner is not None and result.finished is not None
    assert result.winner.point.variant == max(fitting, key=metric_of) == variant("64", "int4-rows")
    assert evaluator.calls[-1] == ("finish", "64 · int4-rows")
    assert [method for method, _ in evaluator.calls].count("finish") == 1
    assert set(evaluator.trained) == {"full", *(recipe.name for recipe in fitting)}  # and no other
    assert result.stopped == "no other recipe can fit"


def test_cheap_measurements_come_first_and_weights_are_only_counted() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, max_bytes=4_300, max_latency_ms=0.3)
    by_name = {candidate.point.variant.name: candidate for candidate in result.candidates}
    assert ("bytes", "64 · float16") not in evaluator.calls  # its weights alone are too large
    assert "weights alone take 12,800 bytes" in by_name["64 · float16"].reason
    assert by_name["32 · float16"].untrained_bytes is None
    assert ("ms", "64 · int4-rows") in evaluator.calls and "64 · int4-rows" not in evaluator.trained
    assert "untrained model takes 0.64 ms in the engine" in by_name["64 · int4-rows"].reason
    # The engine's call is within the margin, but the whole call is too slow.
    slow = by_name["32 · int4-rows"]
    assert slow.status == "over" and "above the limit of 0.3" in slow.reason
    assert result.winner is not None and result.winner.point.variant == variant("16", "float16")


def test_larger_shapes_come_first_then_what_tpe_proposes() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, trials=4, max_bytes=4_300)
    assert evaluator.trained[:4] == ["full", "64 · int4-rows", "32 · int8-rows", "16 · float16"]
    assert result.trials == 4 and len(evaluator.trained) == 5
    assert result.stopped == "4 recipes were trained (--trials)"
    assert sum(candidate.status == "not tried" for candidate in result.candidates) == 5


def test_nothing_is_trained_if_nothing_can_fit() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, max_bytes=700)
    assert result.winner is None and result.finished is None and result.full is None and not evaluator.trained
    assert result.closest is not None and result.closest.point.variant == variant("8", "int4-rows")
    violations = outcome(result, max_bytes=700).violations
    assert violations == "the closest is '8 · int4-rows': size 1,400 bytes, 700 above the limit of 700"


def test_the_violations_of_the_closest_recipe_include_the_drop() -> None:
    result = search(FakeEvaluator(), max_bytes=2_700, max_drop=0.01)
    assert result.winner is None and result.closest is not None
    violations = outcome(result, max_bytes=2_700, max_drop=0.01).violations
    assert (
        violations == "the closest is '32 · int4-rows': metric drop 0.0240, 0.0140 above the limit of 0.0100"
    )


def test_with_a_limit_on_the_drop_alone_the_smallest_file_wins() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, max_drop=0.03)
    within = [recipe for recipe in ALL if 0.5 - metric_of(recipe) <= 0.03]
    assert result.winner is not None
    assert result.winner.point.variant == min(within, key=size_of) == variant("32", "int4-rows")
    too_large = [candidate for candidate in result.candidates if "weights alone" in candidate.reason]
    assert too_large, "recipes larger than one that fits are left out"


def test_the_full_model_wins_if_it_is_the_best_within_the_budget() -> None:
    evaluator = FakeEvaluator()
    result = search(evaluator, trials=2, max_bytes=60_000)
    assert result.winner is not None and result.winner.point.variant.name == "full"


def test_a_failed_recipe_is_a_row_and_the_search_continues() -> None:
    result = search(FakeEvaluator(failing=["64 · int4-rows"]), max_bytes=4_300)
    failed = [candidate for candidate in result.candidates if candidate.status == "failed"]
    assert [candidate.reason for candidate in failed] == ["unsupported operator"]
    assert result.winner is not None and result.winner.point.variant == variant("32", "int8-rows")


def test_a_full_model_that_fails_ends_the_search() -> None:
    class NoData(FakeEvaluator):
        def build(self, variant, resume_from):  # type: ignore[no-untyped-def]
            raise DataError("the ratings are missing")

    with pytest.raises(DataError, match="missing"):
        search(NoData(), max_bytes=4_300)


def test_minutes_end_a_search() -> None:
    evaluator = FakeEvaluator(seconds=30.0)
    space, budget = fake_space(), Budget("budget", max_bytes=4_300)
    limits = Limits(100, minutes=1.5)
    result = Search(space, budget, evaluator, limits=limits, seed=0, spent_s=lambda: evaluator.spent_s).run()
    assert result.trials == 2 and result.stopped == "1.5 minutes have passed (--max-minutes)"


def test_the_default_number_of_trials_is_a_twentieth_of_the_space_but_at_least_four() -> None:
    space = fake_space()
    assert trials_for(space) == 4
    assert trials_for(replace(space, points=space.points * 7)) == 5


def cached(evaluator: FakeEvaluator, out: Path, content: str = "month 1") -> CachedEvaluator:
    return CachedEvaluator(evaluator, Setup(BASE, ("tflite",), "ndcg_at_10", None, out, content))


def test_an_interrupted_search_resumes_with_the_same_result(tmp_path: Path) -> None:
    class Stopped(FakeEvaluator):
        def build(self, variant, resume_from):  # type: ignore[no-untyped-def]
            if len(self.trained) == 5:
                raise KeyboardInterrupt
            return super().build(variant, resume_from)

    uninterrupted, budget = FakeEvaluator(), Budget("budget", max_bytes=4_300)
    expected = Search(fake_space(), budget, uninterrupted, limits=Limits(7), seed=4).run()
    with pytest.raises(KeyboardInterrupt):
        Search(fake_space(), budget, cached(Stopped(), tmp_path), limits=Limits(7), seed=4).run()
    resumed = FakeEvaluator()
    result = Search(fake_space(), budget, cached(resumed, tmp_path), limits=Limits(7), seed=4).run()
    assert result == expected
    assert resumed.trained == uninterrupted.trained[5:]


def test_measurements_of_other_data_are_not_reused(tmp_path: Path) -> None:
    evaluator, recipe = FakeEvaluator(), variant("8", "float16")
    for content in ("month 1", "month 1", "month 2"):
        cached(evaluator, tmp_path, content).build(recipe, None)
    assert evaluator.trained == ["8 · float16"] * 2


def test_deterministic_errors_are_cached_and_others_are_not(tmp_path: Path) -> None:
    failing = FakeEvaluator(failing=["64 · int4-rows"])
    for _ in range(2):
        Search(
            fake_space(), Budget("b", max_bytes=4_300), cached(failing, tmp_path), limits=Limits(1), seed=0
        ).run()
    assert failing.trained.count("64 · int4-rows") == 1

    class Full(FakeEvaluator):
        def build(self, variant, resume_from):  # type: ignore[no-untyped-def]
            super().build(variant, resume_from)
            raise DataError("the disk is full")

    full = Full()
    for _ in range(2):
        with pytest.raises(DataError):
            cached(full, tmp_path / "other").build(variant("8", "float16"), None)
    assert len(full.trained) == 2


def test_proposals_are_open_and_deterministic() -> None:
    axes = {"distil": tuple(WIDTHS), "quantize": SCHEMES}
    observations = [
        Observation({"distil": width, "quantize": "float16"}, None, {"bytes": 0.5}) for width in ("64", "32")
    ] + [Observation({"distil": "16", "quantize": "int4-rows"}, 0.46, {"bytes": -0.1})]
    still_open = [{"distil": "16", "quantize": "int8-rows"}, {"distil": "8", "quantize": "int4-rows"}]
    choices = [propose(axes, observations, still_open, seed) for seed in (0, 1, 2, 0, 1, 2)]
    assert all(choice in still_open for choice in choices) and choices[:3] == choices[3:]


def test_the_outcome_is_written_as_a_recipe_and_as_json(tmp_path: Path) -> None:
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
    assert "evaluated only now: ndcg_at_10 0.4760, full model 0.4900" in text


def test_recipe_and_bundle_of_an_earlier_search_are_removed_if_nothing_fits(tmp_path: Path) -> None:
    outcome(search(FakeEvaluator(), trials=3, max_bytes=4_300), max_bytes=4_300).write(tmp_path)
    (tmp_path / "bundle").mkdir()
    (tmp_path / "bundle" / "manifest.json").write_text("{}")
    outcome(search(FakeEvaluator(), max_bytes=700), max_bytes=700).write(tmp_path)
    assert not (tmp_path / "recipe.toml").exists() and not (tmp_path / "bundle").exists()
    assert json.loads((tmp_path / "search.json").read_text(encoding="utf-8"))["winner"] is None


def test_a_size_that_cannot_be_measured_does_not_end_the_search() -> None:
    class Unknown(FakeEvaluator):
        def untrained_bytes(self, shape):  # type: ignore[no-untyped-def]
            if shape.name == "8 · int8-rows":
                raise ConversionError("unsupported operator")
            return super().untrained_bytes(shape)

    result = search(Unknown(), max_bytes=300)  # less than the weights of any recipe
    assert result.closest is not None and result.closest.point.variant == variant("8", "int4-rows")
    assert result.closest.untrained_bytes == 1_400
