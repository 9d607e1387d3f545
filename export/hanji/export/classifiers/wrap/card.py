"""MODEL_CARD.md of a wrapped model: what is known about it, and what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.export.bundle.files import MeasuredParity
from hanji.export.bundle.markdown import FORMAT_NAMES, plain
from hanji.export.classifiers.wrap.bundled_file import BundledFile
from hanji.export.classifiers.wrap.formats import WrappedFiles
from hanji.runtime.manifest import ImageInput, Output, Probabilities

_SHOWN = 20  # names in the card; labels.json and manifest.json have all
_OUTPUTS = {
    "graph": "probabilities",
    "softmax": "logits, which the runtime turns into probabilities",
    "none": "scores, which are returned unchanged and are not probabilities",
}


@dataclass(frozen=True)
class Purpose:
    """What the model makes of an image, and how that is measured: sentences in Markdown."""

    use: str
    measuring: str = "Compare its answers with annotations of your own images."


def wrapped_card(
    name: str, wrapped: WrappedFiles, image_input: ImageInput, purpose: Purpose, licence: str
) -> str:
    """The text of the card, in Markdown."""
    listed = "".join(f"{_described(file)}\n\n" for file in wrapped.files)
    left_out = "".join(
        f"{FORMAT_NAMES[name]} is left out: {plain(reason)}\n\n" for name, reason in wrapped.left_out.items()
    )
    return (
        f"# {plain(name)}\n\nAn existing model file, wrapped by hanji: {listed}{left_out}"
        f"{''.join(map(_changes, wrapped.files))}"
        f"## Intended use\n\nTakes an image of {image_input.height} × {image_input.width} pixels with "
        f"{image_input.channels} channel(s). {purpose.use}\n\n"
        "## Training data\n\n"
        f"Unknown. Licence of the data: {plain(licence) or 'not stated'}.\n\n"
        "## Limitations\n\n"
        "- The training data, the accuracy and any bias of the model are unknown. "
        f"{purpose.measuring}\n"
        "- Whether the preprocessing is that of the training can be seen only from its accuracy. golden.json "
        "contains the outputs of the model at the time it was wrapped.\n"
    )


def purpose_of(output: Output | None, labels: ClassNames, rule: Probabilities) -> Purpose:
    """The purpose of a model with these outputs."""
    count = len(labels.labels)
    if output is None:
        return Purpose(
            f"Classifies it into one of {count} classes. The model outputs {_OUTPUTS[rule.source]}.",
            "Use `hanji evaluate` to measure it on your own labelled images.",
        )
    if output.thresholds:
        found = zip(labels.labels, output.thresholds, strict=True)
        return Purpose(
            f"Gives the probability of each of {count} labels, independent of the others. An image has the "
            "labels whose probability is at or above their threshold, which may be none: "
            f"{_listed([f'{plain(label)} ({threshold:g})' for label, threshold in found])}."
        )
    pairs = zip(labels.labels, output.units, strict=True)
    named = [f"{plain(label)} ({plain(unit)})" if unit else plain(label) for label, unit in pairs]
    return Purpose(f"Estimates {count} value(s): {_listed(named)}.")


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


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


__all__ = ["Purpose", "purpose_of", "wrapped_card"]
