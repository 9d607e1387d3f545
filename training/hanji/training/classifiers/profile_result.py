"""The result of a profile: layers or operators in order, with their parameters and multiply-accumulates.

A multiply-accumulate (MAC) is one multiplication and the addition of its product; biases, normalizations,
activations and poolings are not counted, as in the papers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class LayerProfile:
    """One layer, or one operator of a file; its multiply-accumulates are for one image."""

    layer: str
    kind: str
    output_shape: tuple[int | None, ...]
    """Without the batch axis; that of the first call, if the layer is called several times."""

    parameters: int
    macs: int | None
    """None if they are unknown for this type of layer."""


@dataclass(frozen=True)
class Profile:
    """The layers of a network, or the operators of a file, in order, and their totals."""

    model: str
    input_shapes: tuple[tuple[int | None, ...], ...]
    rows: tuple[LayerProfile, ...]
    trainable: int | None
    """Trainable parameters; they exclude the running statistics of normalizations. None for a file that does
    not tell them apart."""

    @property
    def parameters(self) -> int:
        """All parameters."""
        return sum(row.parameters for row in self.rows)

    @property
    def macs(self) -> int:
        """Multiply-accumulates for one image, of all layers where they are known."""
        return sum(row.macs or 0 for row in self.rows)

    @property
    def uncounted(self) -> tuple[str, ...]:
        """The layers whose multiply-accumulates are unknown."""
        return tuple(row.layer for row in self.rows if row.macs is None)

    def table(self) -> dict[str, Any]:
        """The profile as a JSON-ready table."""
        return {
            "model": self.model,
            "inputs": [list(shape) for shape in self.input_shapes],
            "parameters": self.parameters,
            "trainable_parameters": self.trainable,
            "macs": self.macs,
            "uncounted": list(self.uncounted),
            "layers": [{**vars(row), "output_shape": list(row.output_shape)} for row in self.rows],
        }

    def lines(self) -> list[str]:
        """The profile as a text table; layers without parameters and multiply-accumulates are omitted."""
        shown = [row for row in self.rows if row.parameters or row.macs != 0]
        cells = [("layer", "kind", "output", "parameters", "MACs")]
        cells += [
            (row.layer, row.kind, size_text(row.output_shape), f"{row.parameters:,}", _count(row.macs))
            for row in shown
        ]
        cells.append(("total", "", "", f"{self.parameters:,}", f"{self.macs:,}"))
        widths = [max(len(row[column]) for row in cells) for column in range(5)]
        lines = [
            "  ".join(
                cell.ljust(width) if column < 3 else cell.rjust(width)
                for column, (cell, width) in enumerate(zip(row, widths, strict=True))
            )
            for row in cells
        ]
        inputs = ", ".join(size_text(shape) for shape in self.input_shapes)
        lines.insert(0, f"{self.model} for {inputs}; multiply-accumulates (MACs) for one image")
        if self.trainable is not None:
            lines.append(f"{self.trainable:,} of the parameters are trainable")
        if self.uncounted:
            lines.append(f"MACs not counted (unknown type): {', '.join(self.uncounted)}")
        return lines


def size_text(shape: Sequence[int | None]) -> str:
    """A shape in words, such as 28×28×1; unknown sizes are question marks."""
    return "×".join("?" if size is None else str(size) for size in shape)


def _count(macs: int | None) -> str:
    return "?" if macs is None else f"{macs:,}"


__all__ = ["LayerProfile", "Profile", "size_text"]
