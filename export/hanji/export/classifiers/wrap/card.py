"""MODEL_CARD.md of a wrapped model: what is known about it, and what is not."""

from __future__ import annotations

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.export.bundle.files import MeasuredParity
from hanji.export.bundle.markdown import FORMAT_NAMES, plain
from hanji.export.classifiers.wrap.bundled_file import BundledFile
from hanji.export.classifiers.wrap.formats import WrappedFiles
from hanji.runtime.manifest import ImageInput, Probabilities

_OUTPUTS = {
    "graph": "probabilities",
    "softmax": "logits, which the runtime turns into probabilities",
    "none": "scores, which are returned unchanged and are not probabilities",
}


def wrapped_card(
    name: str,
    wrapped: WrappedFiles,
    labels: ClassNames,
    image_input: ImageInput,
    rule: Probabilities,
    licence: str,
) -> str:
    """The text of the card, in Markdown."""
    listed = "".join(f"{_described(file)}\n\n" for file in wrapped.files)
    left_out = "".join(
        f"{FORMAT_NAMES[name]} is left out: {plain(reason)}\n\n" for name, reason in wrapped.left_out.items()
    )
    return (
        f"# {plain(name)}\n\nAn existing model file, wrapped by hanji: {listed}{left_out}"
        f"{''.join(map(_changes, wrapped.files))}"
        f"## Intended use\n\nClassifies an image of {image_input.height} × {image_input.width} pixels with "
        f"{image_input.channels} channel(s) into one of {len(labels.labels)} classes. The model outputs "
        f"{_OUTPUTS[rule.source]}.\n\n"
        "## Training data\n\n"
        f"Unknown. Licence of the data: {plain(licence) or 'not stated'}.\n\n"
        "## Limitations\n\n"
        "- The training data, the accuracy and any bias of the model are unknown. Use `hanji evaluate` to "
        "measure it on your own labelled images.\n"
        "- Whether the preprocessing is that of the training can be seen only from its accuracy. golden.json "
        "contains the outputs of the model at the time it was wrapped.\n"
    )


def _described(file: BundledFile) -> str:
    artifact = file.artifact
    return (
        f"{FORMAT_NAMES[artifact.format]}, {artifact.precision}, {artifact.bytes:,} bytes, "
        f"{file.parameters:,} stored parameters."
    )


def _changes(file: BundledFile) -> str:
    """The section on what was changed in the file, and its parity with the original."""
    if not isinstance(parity := file.artifact.parity, MeasuredParity):
        return ""
    changes = "".join(f"- {plain(note)}\n" for note in file.notes)
    return (
        f"## Changes to the original file ({FORMAT_NAMES[file.artifact.format]})\n\n"
        "The network is that of the original file. What was changed:\n\n"
        f"{changes}\n"
        f"In {parity.engine}: {parity.agreement_summary}; the largest difference of an output was "
        f"{parity.max_abs_error:.3g}.\n\n"
    )


__all__ = ["wrapped_card"]
