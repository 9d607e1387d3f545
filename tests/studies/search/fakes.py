"""A space of four widths and three schemes, and a evaluator that computes instead of measuring."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from hanji.studies.search.evaluator import Built, Finished, Shape
from hanji.studies.search.shapes import bytes_a_weight
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


def size_of(asked: Variant) -> int:
    return OVERHEAD + int(_parameters(asked) * bytes_a_weight(asked))


def metric_of(asked: Variant) -> float:
    """Larger is better, few bits cost a little; the quarter of the space below 16 factors is much worse."""
    if not asked.tables:
        return FULL_METRIC
    cost = {"float16": 0.0, "int8-rows": 0.001, "int4-rows": 0.004}[asked.tables[1]["scheme"]]
    return {"64": 0.49, "32": 0.48, "16": 0.46, "8": 0.3}[asked.name.split(" ")[0]] - cost


class FakeEvaluator:
    """Counts what it is asked; ``failing`` recipes end in a ConversionError."""

    def __init__(self, *, failing: Sequence[str] = (), seconds: float = 10.0) -> None:
        self.asked: list[tuple[str, str]] = []
        self.failing, self.seconds = failing, seconds

    @property
    def trained(self) -> list[str]:
        """The recipes that were carried out, the full model among them."""
        return [name for what, name in self.asked if what == "built"]

    @property
    def spent_s(self) -> float:
        """As if each training took as long."""
        return self.seconds * len(self.trained)

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        return [
            Shape(_parameters(one), int(_parameters(one) * bytes_a_weight(one)), _parameters(one))
            for one in variants
        ]

    def untrained_bytes(self, shape: Variant) -> int:
        self.asked.append(("bytes", shape.name))
        return size_of(shape)

    def untrained_ms(self, shape: Variant) -> float:
        self.asked.append(("ms", shape.name))
        return _parameters(shape) / 1e4

    def built(self, variant: Variant, resume_from: Variant | None) -> Built:
        self.asked.append(("built", variant.name))
        if variant.name in self.failing:
            raise ConversionError("the converter does not like it")
        size = size_of(variant)
        return Built(size, _parameters(variant) / 1e4 + 0.1, metric_of(variant), f"hash of {variant.name}")

    def finished(self, winner: Variant) -> Finished:
        self.asked.append(("finished", winner.name))
        test = {"ndcg_at_10": metric_of(winner) - 0.01}
        return Finished(test, {"ndcg_at_10": FULL_METRIC - 0.01}, size_of(winner), f"hash of {winner.name}")


def _parameters(asked: Variant) -> int:
    return 12_800 if not asked.tables else WIDTHS[asked.name.split(" ")[0]]
