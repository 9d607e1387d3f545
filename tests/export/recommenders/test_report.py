"""The build report of a recommender, whatever was measured."""

from __future__ import annotations

from hanji.export.bundle.build_report import markdown, surroundings
from hanji.export.recommenders.measure import Row
from hanji.export.recommenders.report import FULL_METRICS, METRICS, Report


def report(hit_ratio: float, name: str = "small") -> Report:
    metrics = dict.fromkeys([*METRICS, *FULL_METRICS], hit_ratio)
    rows = [Row(model, "onnx", "int8", "ORT", metrics, metrics, 9, 9, 1.0, 1.0, 1.0) for model in "ab"]
    return Report(
        name=name,
        recipe_sha256="0" * 64,
        steps=[{"type": "quantize"}],
        seed=0,
        data={"synthetic": False, "name": "films"},
        best_hr_at_10=None,
        best_ndcg_at_10=None,
        protocol="among 99",
        full_protocol="among all",
        teacher_metrics=None,
        rows=rows,
        seconds={"train": 1.0},
        **surroundings(),
    )


def test_nothing_that_is_retained_of_nothing() -> None:
    assert "The compressed model retains 100.0% of the full model's HR@10." in report(0.5).notes
    text = markdown(report(0.0))
    assert "retains" not in text
    assert "0.0000" in text
