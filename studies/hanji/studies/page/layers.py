"""The error of quantizing each layer alone, the largest first."""

from __future__ import annotations

from collections.abc import Sequence

from hanji.studies.page.slices import bar
from hanji.studies.page.table import Cell, Column, table
from hanji.studies.page.view import Layer
from hanji.studies.page.words import count, metric
from hanji.training.markup import Html, element, joined


def layers_part(layers: Sequence[Layer]) -> Html | None:
    """None if it was not measured."""
    if not layers:
        return None
    highest = max(layer.error or 0 for layer in layers) or 1.0
    columns = [
        Column[Layer]("layer", lambda layer: Cell(layer.name), numeric=False),
        Column[Layer]("relative", lambda layer: Cell(_bar(layer, highest)), numeric=False),
        Column[Layer]("error", lambda layer: Cell(metric(layer.error), layer.error)),
        Column[Layer]("weights", lambda layer: Cell(count(layer.weights), layer.weights)),
    ]
    worst_first = sorted(layers, key=lambda layer: -(layer.error or 0))
    caption = (
        "Error of the logits (root mean square, as a fraction of their standard deviation) if only this "
        "layer is quantized"
    )
    return joined(
        [
            element("h4", "Quantization error by layer"),
            table(caption, columns, worst_first, sortable=False, kind="bars"),
        ]
    )


def _bar(layer: Layer, highest: float) -> Html:
    if layer.error is None:
        return Html()
    return bar([element("rect", x=0, y=3, width=100 * layer.error / highest, height=8, class_="fill")])


__all__ = ["layers_part"]
