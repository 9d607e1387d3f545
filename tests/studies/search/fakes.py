"""A search space of four widths and three schemes, and an evaluator that computes instead of measuring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hanji.studies.search.evaluator import Built, Finished, Shape
from hanji.studies.search.shapes import bytes_per_weight
from hanji.studies.search.space import Point, Space
from hanji.studies.variant import Variant
from hanji.training.errors import ConversionError
from hanji.training.recipe_file import RecipeFile

WIDTHS = {"64": 6_400, "32": 3_200, "16": 1_600, "8": 800}
SCHEMES = ("float16", "int8-rows", "int4-rows")
OVERHEAD = 1_000
FULL_METRIC = 0.5
BASE = RecipeFile(path=Path("base.toml"), name="fake", model={"type": "history", "embedding_size": 128})


def variant(width: str, scheme: str) -> Variant:
    distil = {"type": "distil", "embedding_size": int(width)}
    return Variant(f"{width} · {scheme}", (distil, {"type": "quantize", "scheme": scheme}))


def fake_space() -> Space:
    points = tuple(
        Point(variant(width, scheme), {"distil": width, "quantize": scheme})
        for width in WIDTHS
        for scheme in SCHEMES
    )
    axes = {"distil": tuple(WIDTHS), "quantize": SCHEMES}
    return Space("fake", BASE, ("tflite",), "ndcg_at_10", axes, points, ())


def size_of(variant: Variant) -> int:
    return OVERHEAD + int(_parameters(variant) * bytes_per_weight(variant))


def metric_of(variant: Variant) -> float:
    """Larger widths are better, fewer bits slightly worse; a width of 8 is much worse."""
    if not variant.tables:
        return FULL_METRIC
    loss = {"float16": 0.0, "int8-rows": 0.001, "int4-rows": 0.004}[variant.tables[1]["scheme"]]
    return {"64": 0.49, "32": 0.48, "16": 0.46, "8": 0.3}[variant.name.split(" ")[0]] - loss


class FakeEvaluator:
    """Records its calls; ``failing`` recipes raise a ConversionError."""

    def __init__(self, *, failing: Sequence[str] = (), seconds: float = 10.0) -> None:
        self.calls: list[tuple[str, str]] = []
        self.failing, self.seconds = failing, seconds

    @property
    def trained(self) -> list[str]:
        """The recipes that were trained, including the full model."""
        return [name for method, name in self.calls if method == "build"]

    @property
    def spent_s(self) -> float:
        """A constant duration per training."""
        return self.seconds * len(self.trained)

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        return [
            Shape(
                parameters=_parameters(variant),
                min_bytes=int(_parameters(variant) * bytes_per_weight(variant)),
                nonzero=_parameters(variant),
            )
            for variant in variants
        ]

    def untrained_bytes(self, shape: Variant) -> int:
        self.calls.append(("bytes", shape.name))
        return size_of(shape)

    def untrained_ms(self, shape: Variant) -> float:
        self.calls.append(("ms", shape.name))
        return _parameters(shape) / 1e4

    def build(self, variant: Variant, resume_from: Variant | None) -> Built:
        self.calls.append(("build", variant.name))
        if variant.name in self.failing:
            raise ConversionError("unsupported operator")
        size = size_of(variant)
        return Built(size, _parameters(variant) / 1e4 + 0.1, metric_of(variant), f"hash of {variant.name}")

    def finish(self, winner: Variant) -> Finished:
        self.calls.append(("finish", winner.name))
        test = {"ndcg_at_10": metric_of(winner) - 0.01}
        return Finished(test, {"ndcg_at_10": FULL_METRIC - 0.01}, size_of(winner), f"hash of {winner.name}")


def _parameters(variant: Variant) -> int:
    return 12_800 if not variant.tables else WIDTHS[variant.name.split(" ")[0]]
