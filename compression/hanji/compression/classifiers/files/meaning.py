"""Whether a model's outputs can be what ``gives`` says: probabilities, logits or scores."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.original import LEVELS, is_quantized
from hanji.compression.classifiers.files.settings import Gives
from hanji.runtime.manifest import Tensor

Values = npt.NDArray[np.float64]
_ARITHMETIC = 1e-3  # a softmax in float32 or float16 may exceed 1 by its last bits
_ANYTHING = ("scores", "values")
_SUM_TOLERANCE = 0.05  # of the arithmetic inside a quantized softmax; float16 needs a hundredth of it
_INDEPENDENT = (
    'set gives = "multi-label" if an image has each label whose value reaches a threshold (thresholds = 0.5, '
    'or one for each); to rank the classes by them, set gives = "scores"'
)
_NUMBERS = 'or gives = "values" if they are numbers, such as an age'


@dataclass(frozen=True)
class Answers:
    """The real values of one output for some images, ``values`` float64 [n, classes]."""

    tensor: Tensor
    values: Values

    @property
    def vary(self) -> bool:
        """Whether any two values differ; one constant may be anything that does not sum to 1."""
        return bool(self.values.min() < self.values.max())

    @property
    def in_unit_interval(self) -> bool:
        """Whether all values lie between 0 and 1, within rounding."""
        room = self._rounding + _ARITHMETIC
        return bool(self.values.min() >= -room and self.values.max() <= 1.0 + room)

    @property
    def are_probabilities(self) -> bool:
        """Whether they are between 0 and 1 and those of an image sum to 1, or are one probability per image.

        Rounding moves each quantized value by up to half a step: the sum may be lower by half a step for each
        class (1.95 for 1000 classes in steps of 1/256), and higher by half a step for each value above 0.
        """
        if not self.in_unit_interval or self.values.shape[1] == 1:
            return self.in_unit_interval
        sums = self.values.sum(axis=1)
        lowest = sums - self._rounding * np.count_nonzero(self.values > self._rounding, axis=1)
        highest = sums + self._rounding * self.values.shape[1]
        return bool((lowest < 1.0 + _SUM_TOLERANCE).all() and (highest > 1.0 - _SUM_TOLERANCE).all())

    @property
    def range_text(self) -> str:
        """The range of the values and of the sums of an image's values."""
        sums = self.values.sum(axis=1)
        return (
            f"outputs from {self.values.min():.3g} to {self.values.max():.3g} with sums from "
            f"{sums.min():.3g} to {sums.max():.3g}"
        )

    @property
    def _rounding(self) -> float:
        return float(self.tensor.scale or 0.0) / 2 if is_quantized(self.tensor) else 0.0


def contradiction(answers: Answers, gives: Gives) -> str:
    """Why ``answers`` cannot be what ``gives`` says, and which key leads on; empty if they can.

    Whatever is proposed here is accepted for the same answers.
    """
    if answers.tensor.dtype in LEVELS and not is_quantized(answers.tensor) and gives not in _ANYTHING:
        return (
            f"expected {gives}, found integers without a scale ({answers.tensor.dtype}), whose softmax or "
            'sum is unknown; set gives = "scores"'
        )
    single = answers.values.shape[1] == 1
    if gives == "probabilities" and not answers.are_probabilities:
        return f"expected probabilities, found {answers.range_text}; {_instead_of_probabilities(answers)}"
    if gives == "multi-label" and not answers.in_unit_interval:
        return (
            f"expected probabilities, found {answers.range_text}; "
            'set gives = "multi-label-logits" if the sigmoid of each is the probability of a label, '
            + _NUMBERS
        )
    if gives == "multi-label-logits" and answers.in_unit_interval and answers.vary:
        return (
            f"expected logits, found {answers.range_text}, all between 0 and 1, as a sigmoid gives them; "
            'set gives = "multi-label" or, if they are logits, give images whose logits are larger '
            "(--pictures DIR)"
        )
    if gives == "logits" and answers.in_unit_interval and (answers.vary or answers.are_probabilities):
        return f"expected logits, found {_instead_of_logits(answers)}"
    if gives == "scores" and single:
        remedy = "leave gives out" if answers.in_unit_interval else 'set gives = "logits"'
        return f"expected one score per class, found one value per image for two classes; {remedy}"
    return ""


def _instead_of_probabilities(answers: Answers) -> str:
    if answers.values.shape[1] == 1:
        return 'set gives = "logits" if its sigmoid is the probability of the second class, ' + _NUMBERS
    if answers.in_unit_interval:
        return (
            "these are independent values, such as those of a sigmoid, and not the probabilities of classes "
            f"that exclude one another; {_INDEPENDENT}"
        )
    return (
        'set gives = "logits" in the preprocessing file if they need a softmax, gives = "multi-label-logits" '
        f'if they need a sigmoid each, gives = "scores" if they are not probabilities at all, {_NUMBERS}'
    )


def _instead_of_logits(answers: Answers) -> str:
    if answers.are_probabilities:
        return "outputs that are probabilities; leave gives out"
    return (
        f"{answers.range_text}, all between 0 and 1, as a sigmoid for each class gives them, for which a "
        f"softmax would be wrong; {_INDEPENDENT} or, if they are logits, give images whose logits are "
        "larger (--pictures DIR), for `hanji compress` in --data"
    )


__all__ = ["Answers", "contradiction"]
