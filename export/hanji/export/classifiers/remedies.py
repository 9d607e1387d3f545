"""What to do about an artifact that deviates too much: it depends on the scheme and the kind of model."""

from __future__ import annotations

from hanji.compression.classifiers.compressed import CompressedClassifier
from hanji.compression.classifiers.foreign.keras_classifier import KerasClassifier
from hanji.export.formats.names import FORMATS, Format
from hanji.training.classifiers.models.quantizable import qat_obstacle


def remedy(compressed: CompressedClassifier, target: Format) -> str:
    """What to try if the format ``target`` of ``compressed`` exceeds its tolerance, as the end of a message.

    ``COMPRESSED`` stands for the directory that was exported.
    """
    ways = _quantization(compressed)
    others = ",".join(name for name in FORMATS if name != target)
    if target != "tflite":
        ways = [*ways, f"export without this format: --formats {others}"]
    return ", or ".join(ways) or "this is a fault of the conversion: please report it with the model"


def _quantization(compressed: CompressedClassifier) -> list[str]:
    """The ways to quantize the model with less loss; none for float schemes."""
    scheme, full = compressed.scheme, compressed.full
    find = "find the layers responsible with `hanji debug-quantization COMPRESSED`"
    if scheme == "int8-qat":
        return [f"{find}, and compress again with them as float_layers"]
    if isinstance(full, KerasClassifier) and full.saved_model is not None:  # no layers to rewrite
        return [] if scheme in ("float32", "float16") else ["use the scheme float16"]
    trainable = not (compressed.is_foreign and qat_obstacle(compressed.model))
    if scheme == "int8":
        keep = f"{find}, which keeps the 2 worst in float32 with --leave-float 2 --out BUNDLE"
        return [keep, "compress with int8-qat"] if trainable else [keep]
    if scheme == "float16":
        return ["compress without a quantize step, in float32"]
    if scheme == "float32":
        return []
    return ["use the scheme int8-qat or float16" if trainable else "use the scheme float16"]


__all__ = ["remedy"]
