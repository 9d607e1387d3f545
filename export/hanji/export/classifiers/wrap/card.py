"""MODEL_CARD.md of a wrapped model: what is known of it, and that the rest is not."""

from __future__ import annotations

from hanji.export.classifiers.wrap.labels import ClassNames
from hanji.export.classifiers.wrap.model_file import ModelFile
from hanji.export.reporting.markdown import FORMAT_NAMES
from hanji.runtime.manifest import ImageInput, Probabilities

_GIVES = {
    "graph": "probabilities",
    "softmax": "logits, of which the runtime makes probabilities",
    "none": "scores, which are shown as they are and are no probabilities",
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
        f"# {name}\n\nA model that was made elsewhere, wrapped by hanji as it is: "
        f"{FORMAT_NAMES[model.format]}, {model.precision}, {len(model.content):,} bytes, "
        f"{model.parameters:,} stored numbers.{model.note}\n\n"
        f"## Use\n\nSays which of {len(labels.labels)} classes a picture of {image_input.height} × "
        f"{image_input.width} pixels with {image_input.channels} channel(s) shows. It gives "
        f"{_GIVES[rule.source]}.\n\n"
        "## What nobody here knows\n\n"
        "- What it was trained on, how well it does, and on whom it does worse: `hanji evaluate` measures it "
        "on pictures of yours.\n"
        f"- Licence of its training data: {licence or 'not stated'}.\n"
        "- Whether it answers as the model it was made from: there is none to compare with. golden.json "
        "holds what it answered when it was wrapped.\n"
    )


__all__ = ["wrapped_card"]
