"""An item table quantized to int8 or int4 per row, shared by all formats."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.recommenders.steps import HISTORY_SCHEMES, ROW_BITS, Scheme
from hanji.training.errors import ConversionError
from hanji.training.recommenders.models.history import HistoryModel
from hanji.training.recommenders.models.rows import SMALLEST_SCALE, levels

PACKED_CENTRE = 136
"""The packed byte of two zeros: a byte is 16 · high + low + 136, with high and low in −7…7."""

_OFF_GRID = 1e-3  # of a quantization step; rounding in float32 causes deviations of about 1e-6


@dataclass(frozen=True)
class RowTable:
    """``quantized`` int8 [items, size], symmetric around zero; ``scales`` float16 [items], one per row."""

    quantized: npt.NDArray[np.int8]
    scales: npt.NDArray[np.float16]
    bits: int

    @property
    def values(self) -> npt.NDArray[np.float32]:
        """The dequantized table, float32 [items, size]."""
        return self.quantized.astype(np.float32) * self.scales.astype(np.float32)[:, None]

    def packed(self) -> npt.NDArray[np.uint8]:
        """Two 4-bit values per byte, uint8 [items, size / 2, rounded up].

        With ``half`` bytes per row, byte j holds column j in the low nibble and column j + half in the high
        nibble, each plus 8; an odd size is padded with a zero column.
        """
        odd = self.quantized.shape[1] % 2
        shifted = np.pad(self.quantized, ((0, 0), (0, odd))).astype(np.int16) + 8
        low, high = np.split(shifted, 2, axis=1)
        return (low | (high << 4)).astype(np.uint8)


def row_table(model: HistoryModel, scheme: Scheme) -> RowTable | None:
    """The item table of ``model`` quantized as ``scheme`` specifies; None for a scheme without rows.

    Raises ConversionError if the model was trained with another row quantization, and for a scheme that
    history models do not support.
    """
    if scheme not in HISTORY_SCHEMES:
        raise ConversionError(
            f"{scheme}: expected a scheme for history models: float32, float16 or {' or '.join(ROW_BITS)}; "
            "compress the model with one of them"
        )
    bits = ROW_BITS.get(scheme)
    if model.row_bits != bits:
        raise ConversionError(
            f"{scheme}: expected a history model with row_bits {bits}, found {model.row_bits}; "
            "compress the model with the scheme used for export"
        )
    return None if bits is None else _on_grid(model.table().numpy(), bits)


def with_exact_table(model: HistoryModel, table: RowTable) -> HistoryModel:
    """A copy of ``model`` with the values of ``table`` and without rounding.

    Values computed by Keras may differ in the last bits; here each is exactly an integer times its row's
    scale, so that the table can be found in a converted graph.
    """
    copy = HistoryModel(model.config, model.items)
    copy.set_weights(model.get_weights())
    copy.item_table.assign(table.values)
    return copy


def _on_grid(values: npt.NDArray[np.float32], bits: int) -> RowTable:
    largest = np.abs(values).max(axis=1)
    scales = np.maximum(largest / levels(bits), SMALLEST_SCALE).astype(np.float16)
    steps = values / scales.astype(np.float32)[:, None]
    quantized = np.rint(steps)
    off = np.abs(steps - quantized).max(axis=1)
    if not off.max() < _OFF_GRID:  # NaN is rejected as well
        row = int(off.argmax())
        raise ConversionError(
            f"int{bits}-rows: expected each row of the item table to be quantized to {bits} bits, found row "
            f"{row} off the grid by {off[row]:.2g} of a step; round the table with rounded_rows before export"
        )
    return RowTable(quantized.astype(np.int8), scales, bits)


__all__ = ["PACKED_CENTRE", "RowTable", "row_table", "with_exact_table"]
