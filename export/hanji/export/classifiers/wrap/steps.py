"""The operations that are put before the input and after the output of a model file.

They are the same for every format; ``onnx_rewriting`` and ``tflite_rewriting`` write them. The bundle's file
takes an image [1, height, width, channels] in RGB and gives [1, classes], whatever the original does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from hanji.runtime.manifest import Tensor


@dataclass(frozen=True)
class CentreCrop:
    """The centre of [1, rows, columns, channels]: ``height`` × ``width`` from (``top``, ``left``)."""

    top: int
    left: int
    height: int
    width: int

    @property
    def note(self) -> str:
        return f"the centre of {self.height} × {self.width} pixels is cut out of the resized image"


@dataclass(frozen=True)
class ReverseChannels:
    """RGB to BGR, of [1, height, width, 3]."""

    note: str = "the channels are reversed, as the original takes BGR"


@dataclass(frozen=True)
class ChannelsFirst:
    """[1, height, width, channels] to [1, channels, height, width]."""

    note: str = "a Transpose was inserted, as the original takes channels first (NCHW)"


@dataclass(frozen=True)
class Reshape:
    """Another shape for the same values."""

    shape: tuple[int, ...]

    @property
    def note(self) -> str:
        return f"a reshape to {list(self.shape)} was inserted"


@dataclass(frozen=True)
class Convert:
    """Another dtype: a cast or, between float32 and quantized values, (de)quantization."""

    given: Tensor
    to: Tensor
    """Their dtypes, scales and zero points; not their shapes."""

    @property
    def note(self) -> str:
        return f"a conversion to {self.to.dtype} was inserted"


@dataclass(frozen=True)
class TwoClasses:
    """That of the second of two classes becomes both, [1, 1] to [1, 2]: [1 - p, p], or [0, z] of a logit."""

    of_logit: bool

    @property
    def note(self) -> str:
        both = "[0, z] of the only logit z" if self.of_logit else "[1 - p, p] of the only probability p"
        return f"the output is {both}: the first label is the class of 0, the second that of 1"


@dataclass(frozen=True)
class Sigmoid:
    """Logits to probabilities of independent labels, of float32 [1, labels]."""

    note: str = "a sigmoid was inserted, as the outputs are the logits of independent labels"


Step: TypeAlias = CentreCrop | ReverseChannels | ChannelsFirst | Reshape | Convert | TwoClasses | Sigmoid


@dataclass(frozen=True)
class Ends:
    """The ends of the file and those of the rewritten one."""

    source: Tensor
    """The input of the original, with fixed sizes."""

    image: Tensor
    """The input of the rewritten file."""

    before: tuple[Step, ...]
    """From ``image`` to ``source``."""

    result: Tensor
    """The output of the original, with fixed sizes."""

    classes: Tensor
    """The output of the rewritten file."""

    after: tuple[Step, ...]
    """From ``result`` to ``classes``."""

    reasons: tuple[str, ...] = ()
    """Why the file has to be rewritten, other than by the steps."""

    @property
    def notes(self) -> tuple[str, ...]:
        """What is changed, a phrase each; empty if the file stays as it is."""
        steps = (*self.before, *self.after)
        return (*self.reasons, *(step.note for step in steps))


__all__ = [
    "CentreCrop",
    "ChannelsFirst",
    "Convert",
    "Ends",
    "Reshape",
    "ReverseChannels",
    "Sigmoid",
    "Step",
    "TwoClasses",
]
