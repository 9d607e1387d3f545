"""The model file of the bundle: the original, or one with other ends that passed the comparison with it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.files.measures import measure_of
from hanji.compression.classifiers.files.original import OriginalModel
from hanji.compression.classifiers.files.reference import Images, NativeClassifier, expected_values
from hanji.compression.classifiers.signature_names import CLASSIFY
from hanji.export.bundle.artifact import MODEL_FILES, UNMEASURED, file_entry
from hanji.export.bundle.engines import open_engine
from hanji.export.bundle.files import NothingToCompare
from hanji.export.classifiers.wrap.parity import Run, rewritten_parity
from hanji.export.classifiers.wrap.plan import planned_ends
from hanji.runtime.errors import EngineError
from hanji.runtime.images.tensors import ImageTensor, dequantized
from hanji.runtime.manifest import Artifact, ImageInput, Parity, Signature, Tensor
from hanji.training.errors import ConversionError

Values = npt.NDArray[np.float32]
UNCHANGED = "there is nothing to compare, as the file is the original, byte for byte"


@dataclass(frozen=True)
class BundledFile:
    """The file, what the manifest says about it, and its outputs for the images it was compared on."""

    artifact: Artifact
    content: bytes
    parameters: int
    notes: tuple[str, ...]
    """What was changed in the original, a phrase each."""

    outputs: Values
    """Dequantized outputs in its engine, float32 [n, classes]."""

    engine: str
    """The name of that engine."""

    @property
    def classes(self) -> int:
        """The number of classes."""
        return int(self.outputs.shape[1])


def bundled_file(classifier: NativeClassifier, images: Images) -> BundledFile:
    """The file for the bundle, compared with the original on ``images``, uint8 [n, h, w, c] in RGB.

    ConversionError if the file cannot be rewritten, if its engine rejects the result, or if that answers
    differently than the original; RecipeError if its labels are not those of its classes.
    """
    from hanji.export.classifiers.wrap.file_formats import engines_of, rewritten

    model, settings, image_input = classifier.model, classifier.settings, classifier.image_input
    answers = classifier.answers(images)
    ends = planned_ends(model, classifier.layout, image_input, answers.tensor, settings)
    content = model.content
    if ends.notes:
        content, ends = rewritten(model, ends)
    precision, parameters = model.stored()
    path = MODEL_FILES[model.format]
    artifact = Artifact(
        format=model.format,
        precision=precision,
        files=(file_entry(path, content),),
        engines=engines_of(model, content),
        signatures={CLASSIFY: Signature(path, (ends.image,), (ends.classes,))},
        parity=UNMEASURED,
    )
    outputs, engine = _outputs(model, artifact, content, image_input, images)
    classifier.labels.expect_classes(outputs.shape[1], model.path)
    parity: Parity = NothingToCompare(checked=False, reason=UNCHANGED)
    if notes := (*model.notes, *ends.notes):
        expected = expected_values(answers, settings)
        measure = measure_of(settings.outputs_of(outputs.shape[1], str(model.path)))
        parity = rewritten_parity(model.path, expected, outputs, measure, Run(precision, engine))
    return BundledFile(replace(artifact, parity=parity), content, parameters, notes, outputs, engine)


def _outputs(
    model: OriginalModel, artifact: Artifact, content: bytes, image_input: ImageInput, images: Images
) -> tuple[Values, str]:
    """The outputs of the file for each image, run as a device runs it, and the name of the engine."""
    (taken,), (given,) = artifact.signatures[CLASSIFY].inputs, artifact.signatures[CLASSIFY].outputs
    tensor = ImageTensor(image_input, taken)
    try:
        engine, name = open_engine(artifact, {MODEL_FILES[model.format]: content})
        found = [engine.run(CLASSIFY, {taken.name: tensor.of(image[None])}) for image in images]
    except EngineError as error:
        raise ConversionError(
            f"{model.path}: expected a model that {artifact.engines[0].name} runs, but it failed: {error}"
        ) from error
    return np.stack([_checked(model, dequantized(output, given), given) for output in found]), name


def _checked(model: OriginalModel, output: Values, given: Tensor) -> Values:
    """The values of one image, float32 [classes]."""
    if output.shape != (1, given.shape[1]) or not np.isfinite(output).all():
        raise ConversionError(
            f"{model.path}: expected {given.shape[1]} finite values per image, found NaN, infinity or the "
            f"shape {list(output.shape)}"
        )
    values: Values = output[0]
    return values


__all__ = ["UNCHANGED", "BundledFile", "Values", "bundled_file"]
