"""An item table in rows of few bits, as every format that hanji writes itself stores it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.recommenders.steps import HISTORY_SCHEMES, ROW_BITS, Scheme
from hanji.training.errors import ConversionError
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.rows import levels

PACKED_CENTRE = 136
"""The byte of two zeros: a packed byte is 16 · high + low + 136, high and low lying in −7…7."""

_OFF_GRID = 1e-3  # of a step; a table that was rounded in float32 is off by some 1e-6


@dataclass(frozen=True)
class RowTable:
    """``numbers`` int8 [items, size], symmetric around zero; ``scales`` float32 [items], one a row."""

    numbers: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float32]
    bits: int

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The table itself, float32 [items, size]."""
        return self.numbers.astype(np.float32) * self.scales[:, None]

    def packed(self) -> npt.NDArray[np.uint8]:
        """Two 4-bit numbers a byte, uint8 [items, size / 2, rounded up].

        With ``half`` bytes in a row, byte j holds column j in its lower half and column j + half in its
        upper one, each plus 8; the column that an odd size lacks is zero.
        """
        odd = self.numbers.shape[1] % 2
        shifted = np.pad(self.numbers, ((0, 0), (0, odd))).astype(np.int16) + 8
        low, high = np.split(shifted, 2, axis=1)
        return (low | (high << 4)).astype(np.uint8)


def row_table(model: HistoryModel, scheme: Scheme) -> RowTable | None:
    """The table of ``model`` as ``scheme`` stores it in rows; None for a scheme without rows.

    Raises ConversionError where the model computes with another grid than the scheme stores, and for a
    scheme that history models do not come in.
    """
    if scheme not in HISTORY_SCHEMES:
        raise ConversionError(
            f"{scheme}: expected a scheme of history models, float32, float16 or {', '.join(ROW_BITS)}; "
            "compress the model with one of them"
        )
    bits = ROW_BITS.get(scheme)
    if model.row_bits != bits:
        raise ConversionError(
            f"{scheme}: expected a history model with row_bits {bits}, found {model.row_bits}; "
            "compress the model with the scheme it is exported in"
        )
    return None if bits is None else _on_grid(model.table().numpy(), bits)


def with_exact_table(model: HistoryModel, table: RowTable) -> HistoryModel:
    """A copy of ``model`` that holds the values of ``table`` and rounds nothing.

    Keras may come out some last bits beside them; here each is a whole number times its row's scale,
    so that a converted graph can be searched for them.
    """
    copy = HistoryModel(model.config, model.items)
    copy.set_weights(model.get_weights())
    copy.item_table.assign(table.values)
    return copy


def _on_grid(values: npt.NDArray[np.float32], bits: int) -> RowTable:
    largest = np.abs(values).max(axis=1)
    scales = np.where(largest > 0, largest / levels(bits), 1.0).astype(np.float32)
    steps = values / scales[:, None]
    numbers = np.rint(steps)
    off = np.abs(steps - numbers).max(axis=1)
    if not off.max() < _OFF_GRID:  # a NaN is refused as well
        row = int(off.argmax())
        raise ConversionError(
            f"int{bits}-rows: expected each row of the item table on a grid of {bits} bits, found row {row} "
            f"{off[row]:.2g} of a step beside it; round the table with rounded_rows before export"
        )
    return RowTable(numbers.astype(np.int8), scales, bits)


__all__ = ["PACKED_CENTRE", "RowTable", "row_table", "with_exact_table"]
