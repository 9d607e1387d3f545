"""Image classification with a bundle."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.classification import Answer, Classification, Labels, Prediction, Value, parse_labels
from hanji.runtime.errors import EngineError, HanjiError, ImageError
from hanji.runtime.images.decoding import Pixels, Source, decode, name_of
from hanji.runtime.images.preparation import prepare
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.results import SelfTest
from hanji.runtime.session import Session
from hanji.runtime.top_k import top_k

# Imports needed only for opening a bundle are deferred, to keep `import hanji.runtime` fast.
if TYPE_CHECKING:
    from typing import Unpack

    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, Inputs
    from hanji.runtime.manifest import Artifact, ClassifierManifest, ImageInput
    from hanji.runtime.opening import OpenOptions

ImageSource: TypeAlias = "Source | Pixels"
"""A path, a file's content, an open file, a Pillow image, or pixels: uint8 or uint16 [H, W] or [H, W, C]."""


class Classifier(Session):
    """An open classifier bundle. Create it with ``Classifier.open`` and close it, or use ``with``.

    An image is an array, or anything that Pillow reads (requires the extra ``image``). It is resized and
    normalized as in training, as described by ``image_input``; callers do no preprocessing.

    Can be shared between threads: a lock serializes calls into the engine. For parallel inference, open one
    instance per thread. Each process needs its own instance: a forked child cannot use its parent's.
    """

    def __init__(
        self, bundle: Bundle, manifest: ClassifierManifest, artifact: Artifact, engine: Engine, labels: Labels
    ) -> None:
        signature = artifact.signatures["classify"]
        super().__init__(bundle, artifact, engine)
        self._manifest = manifest
        self._labels = labels
        self._tensor = ImageTensor(manifest.picture, signature.inputs[0])
        self._input, self._output = signature.inputs[0], signature.outputs[0]
        self._thresholds = np.array(manifest.output.thresholds if manifest.output else ())
        self._units = manifest.output.units if manifest.output else ()

    @classmethod
    def open(cls, bundle: str | os.PathLike[str], **options: Unpack[OpenOptions]) -> Classifier:
        """Verify the bundle directory and load its model. The options are those of ``Recommender.open``.

        Raises BundleError for a bundle that is missing, damaged, not a classifier, or made for a newer
        runtime; EngineError, stating what to install, if no engine can run it.
        """
        from hanji.runtime.manifest import ClassifierManifest
        from hanji.runtime.opening import Opening

        opening = Opening(bundle, ClassifierManifest, options)
        manifest = opening.manifest
        opening.check(manifest.labels)
        labels = opening.read(manifest.labels, parse_labels)
        return cls(opening.bundle, manifest, opening.artifact, opening.load(), labels)

    def classify(
        self, image_input: ImageSource, k: int = 5, *, language: str | None = None
    ) -> Classification:
        """Return the ``k`` most probable classes, or all classes if there are fewer.

        If ``manifest.output`` is multi-label, these are labels whose probability reaches their threshold, of
        which there may be none.

        An array holds pixel values of 0 to 255 as uint8 (16-bit values as uint16): [H, W] or [H, W, 1]
        grayscale, [H, W, 3] RGB, [H, W, 4] RGBA. ``language``, a key of ``names``, selects the language of
        each prediction's ``name``.

        Raises ImageError, naming the image, if it cannot be read, and HanjiError for a ``k`` below 1, a
        language that the bundle does not have, and a bundle of values, for which there is ``estimate``.
        """
        names = self._names(k, language)
        return self._classified(self._prepared(image_input, None), k, names)

    def classify_batch(
        self, images: Iterable[ImageSource], k: int = 5, *, language: str | None = None
    ) -> list[Classification]:
        """Call ``classify`` for each of ``images``, which may also be one array [n, H, W, C].

        Images run through the model one at a time: on a CPU this is as fast as a batch, and uses less memory.
        """
        if isinstance(images, (str, bytes, os.PathLike)):
            raise ImageError(f"expected several images, found one: {images!r:.60}; put it into a list")
        names = self._names(k, language)
        numbered = ((image_input, f"image {number}") for number, image_input in enumerate(images))
        return [
            self._classified(self._prepared(image_input, name), k, names) for image_input, name in numbered
        ]

    def estimate(self, image_input: ImageSource, *, language: str | None = None) -> tuple[Value, ...]:
        """Return the values of a bundle whose ``manifest.output`` is of values, in the order of ``labels``.

        Arguments and errors are those of ``classify``, which takes the other bundles.
        """
        names = self._expected("estimate").in_language(language)
        values = self._run(self._prepared(image_input, None)).tolist()
        return tuple(map(Value, self.labels, names, values, self._units))

    def answer(self, image_input: ImageSource, k: int = 5, *, language: str | None = None) -> Answer:
        """Call ``classify``, or ``estimate`` if that is what the bundle is for."""
        if self._units:
            return self.estimate(image_input, language=language)
        return self.classify(image_input, k, language=language)

    def probabilities(self, image_input: ImageSource) -> NDArray[np.float32]:
        """Return the probabilities of all classes, float32 [classes], in the order of ``labels``.

        ``manifest.probabilities`` describes them: the outputs of a wrapped model may not be probabilities.
        HanjiError for a bundle of values.
        """
        self._expected("classify")
        return self._run(self._prepared(image_input, None))

    def self_test(self) -> SelfTest:
        """Replay golden.json and compare the outputs; also fails if this artifact was not run at export."""
        from hanji.runtime.classifier_golden import parse_golden, replay

        path = self._manifest.golden
        content = self._bundle.read_json(path)
        golden = parse_golden(content, self._manifest.picture, len(self._labels.values), path)
        return replay(golden, self._artifact.format, self._manifest.picture, self._run)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes, or of the values."""
        return self._labels.values

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the classes in other languages, by language tag, such as "ko"."""
        return self._labels.names

    @property
    def image_input(self) -> ImageInput:
        """How an image is converted to the model's input."""
        return self._manifest.picture

    @property
    def manifest(self) -> ClassifierManifest:
        return self._manifest

    def engine_call(self, image_input: ImageSource) -> Callable[[], object]:
        """Return the bare engine call for ``image_input``, for benchmarks.

        The call may run with the inputs that the engine was given last: create it right before timing it.
        """
        tensor = self._tensor.of(self._prepared(image_input, None))
        return self._open_engine().bare_call("classify", {self._input.name: tensor})

    def _prepared(self, image_input: ImageSource, name: str | None) -> NDArray[np.uint8]:
        """The model's input, uint8 [1, height, width, channels]; ``name`` names inputs without a name."""
        if isinstance(image_input, np.ndarray):
            return prepare(image_input, self._manifest.picture, name=name or "the array")
        shown = name if name and isinstance(image_input, bytes) else name_of(image_input)
        return prepare(decode(image_input, name=shown), self._manifest.picture, name=shown)

    def _names(self, k: int, language: str | None) -> tuple[str, ...]:
        if operator.index(k) < 1:
            raise HanjiError(f"k={k}: expected 1 or more")
        return self._expected("classify").in_language(language)

    def _expected(self, method: str) -> Labels:
        """The labels; HanjiError if the bundle's outputs are not for ``method``."""
        fitting = "estimate" if self._units else "classify"
        if method != fitting:
            meaning = "values" if self._units else "probabilities of classes"
            raise HanjiError(f"{self._bundle.root}: a model of {meaning}; call {fitting}() instead")
        return self._labels

    def _classified(self, levels: NDArray[np.uint8], k: int, names: tuple[str, ...]) -> Classification:
        probabilities = self._run(levels)
        found = np.arange(len(probabilities))
        if len(self._thresholds):
            found = (probabilities >= self._thresholds).nonzero()[0]
        k = min(operator.index(k), len(found))
        best = found[top_k(probabilities[found], k)] if k else found
        labels = self._labels.values
        ranked = enumerate(zip(best.tolist(), probabilities[best].tolist(), strict=True), 1)
        return Classification(
            tuple(
                Prediction(rank, labels[index], names[index], probability, index)
                for rank, (index, probability) in ranked
            )
        )

    def _run(self, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 [classes], of a prepared image, uint8 [1, height, width, channels]."""
        outputs = self._open_engine().run("classify", {self._input.name: self._tensor.of(levels)})
        classes = len(self._labels.values)
        if outputs.shape != (1, classes):
            expected = f"expected outputs of shape [1, {classes}]"
            raise EngineError(f"{self._info.name}: {expected}, found {list(outputs.shape)}")
        values = dequantized(outputs[0], self._output)
        self._check_finite(values, "an output")
        return probabilities_of(values, self._manifest.probabilities)

    def _warm_up_inputs(self) -> Iterator[tuple[str, Inputs]]:
        """A black image."""
        black = np.zeros((1, *self._manifest.picture.shape), np.uint8)
        yield "classify", {self._input.name: self._tensor.of(black)}
