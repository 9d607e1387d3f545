"""MODEL_CARD.md of a wrapped model: what is known about it, and what is not."""

from __future__ import annotations

from hanji.export.bundle.markdown import FORMAT_NAMES
from hanji.export.classifiers.wrap.labels import ClassNames
from hanji.export.classifiers.wrap.model_file import ModelFile
from hanji.runtime.manifest import ImageInput, Probabilities

_OUTPUTS = {
    "graph": "probabilities",
    "softmax": "logits, which the runtime turns into probabilities",
    "none": "scores, which are returned unchanged and are not probabilities",
}


def wrapped_card(
    name: str,
    model: ModelFile,
    labels: ClassNames,
    image_input: ImageInput,
    rule: Probabilities,
    licence: str,
) -> str:
    """The text of the card, in Markdown."""
    return (
        f"# {name}\n\nAn existing model file, wrapped by hanji without conversion: "
        f"{FORMAT_NAMES[model.format]}, {model.precision}, {len(model.content):,} bytes, "
        f"{model.parameters:,} stored parameters.{model.note}\n\n"
        f"## Intended use\n\nClassifies an image of {image_input.height} × {image_input.width} pixels with "
        f"{image_input.channels} channel(s) into one of {len(labels.labels)} classes. The model outputs "
        f"{_OUTPUTS[rule.source]}.\n\n"
        "## Training data\n\n"
        f"Unknown. Licence of the data: {licence or 'not stated'}.\n\n"
        "## Limitations\n\n"
        "- The training data, the accuracy and any bias of the model are unknown. Use `hanji evaluate` to "
        "measure it on your own labelled images.\n"
        "- Parity with the original model was not checked, as the original is not available. golden.json "
        "contains the outputs of the model at the time it was wrapped.\n"
    )


__all__ = ["wrapped_card"]
