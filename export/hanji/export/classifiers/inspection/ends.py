"""What the operators at the ends of a graph say about its preprocessing and its head."""

from __future__ import annotations

from collections.abc import Sequence

from hanji.compression.classifiers.files.normalization import FROM_0_TO_1
from hanji.compression.classifiers.files.original import is_quantized
from hanji.runtime.manifest import Tensor

_SOFTMAX = ("softmax",)
_SIGMOID = ("sigmoid", "logistic", "hardsigmoid")
_SCALING = ("add", "sub", "mul", "div", "batchnormalization", "rescaling", "normalization")
_RANGES = (
    (1 / 255, 0, f"values from 0 to 1: {FROM_0_TO_1}"),
    (1 / 127.5, 128, "values from −1 to 1: mean = [127.5], std = [127.5]"),
    (1 / 128, 128, "values from −1 to 1: mean = [128], std = [128]"),
    (1.0, 0, "values from 0 to 255: scale = 1"),
    (0.0187, 114, "ImageNet's mean and standard deviation"),
)
_CLOSE = 0.02  # relative difference of scales


def head_text(last: Sequence[str], units: int | None, *, ranks: bool = True) -> str:
    """The meaning of an output of ``units`` values; ``last`` are the kinds of its operators, last first.

    ``ranks`` states whether outputs that are no probabilities may rank the classes.
    """
    for kind in last:
        name = kind.lower().replace("_", "")
        if has_several_labels(kind, units):
            return (
                "independent probabilities (sigmoid), for which a softmax would be wrong: "
                'gives = "multi-label" with thresholds'
                + (' or, to rank classes by them, gives = "scores"' if ranks else "")
            )
        if name in _SOFTMAX:
            return "probabilities, as a softmax computes them"
        if name in _SIGMOID:
            return "one probability, of the second of two classes (sigmoid)"
        if name == "logsoftmax":
            return 'logarithms of probabilities: gives = "logits"'
        if name == "argmax":
            return "the index of a class; export the model without its last operator"
    what = f"{last[0]} computes it" if last else "no operator was found"
    of = "the logit of the second of two classes" if units == 1 else "logits"
    return (
        f'probably {of}, as {what}: gives = "logits" or, if each has a sigmoid of its own, '
        'gives = "multi-label-logits"; a model that estimates numbers ends alike: gives = "values"'
    )


def has_several_labels(kind: str, units: int | None) -> bool:
    """Whether the last operator makes a probability of each output, independent of the others."""
    return kind.lower().replace("_", "") in _SIGMOID and units != 1


def scales(kind: str) -> bool:
    """Whether an operator can be part of a normalization."""
    return kind.lower().replace("_", "") in _SCALING


def preprocessing_texts(first: Sequence[str], image: Tensor, *, channels_first: bool) -> tuple[str, ...]:
    """Guesses with their reasons; ``first`` are the kinds of the first operators after the input."""
    if is_quantized(image):
        return (_of_quantization(image),)
    if image.dtype not in ("float32", "float16", "float64"):
        return (f"scale = 1: the input takes pixel values ({image.dtype})",)
    scaling = [kind for kind in first if scales(kind)]
    if scaling:
        return (
            f"scale = 1, probably: the graph begins with {', '.join(scaling)}, so that it normalizes pixel "
            "values itself",
        )
    if channels_first:
        return (
            f"{FROM_0_TO_1} with ImageNet's mean = [0.485, 0.456, 0.406] and std = [0.229, 0.224, 0.225], "
            "probably: channels come first, as PyTorch exports them, and nothing scales the input",
        )
    return (
        f"unknown: nothing scales the input; {FROM_0_TO_1} for 0 to 1 and mean = [127.5], std = [127.5] for "
        "−1 to 1 are usual. Compare the answers with what you know of the images",
    )


def _of_quantization(image: Tensor) -> str:
    zero_point = int(image.zero_point or 0) + (128 if image.dtype == "int8" else 0)
    found = f"the input's scale is {image.scale:.5g} and its zero point {image.zero_point}"

    def distance(known: tuple[float, int, str]) -> float:
        return abs(float(image.scale or 0.0) / known[0] - 1.0)

    likely = [known for known in _RANGES if distance(known) < _CLOSE and abs(zero_point - known[1]) <= 1]
    return f"{min(likely, key=distance)[2]}: {found}" if likely else f"unknown: {found}"


__all__ = ["has_several_labels", "head_text", "preprocessing_texts", "scales"]
