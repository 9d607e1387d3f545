"""Says what pictures show, from a bundle."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.classification import Classification, Prediction
from hanji.runtime.errors import EngineError, HanjiError, ImageError
from hanji.runtime.finite import are_finite
from hanji.runtime.images.decoding import Pixels, Source, decode, name_of
from hanji.runtime.images.preparation import prepare
from hanji.runtime.images.tensors import ImageTensor, dequantized, probabilities_of
from hanji.runtime.results import SelfTest
from hanji.runtime.session import Session
from hanji.runtime.top_k import top_k

# What only opening needs is imported when a bundle is opened: `import hanji.runtime` stays quick.
if TYPE_CHECKING:
    from hanji.runtime.bundle import Bundle
    from hanji.runtime.engines.base import Engine, Inputs
    from hanji.runtime.engines.request import Policy
    from hanji.runtime.labels import Labels
    from hanji.runtime.manifest import Artifact, ClassifierManifest, ImageInput

ImageSource: TypeAlias = "Source | Pixels"
"""A path, a file's content, an open file, a Pillow image, or pixels: uint8 or uint16 [H, W] or [H, W, C]."""


class Classifier(Session):
    """An open bundle. Make it with ``Classifier.open``; close it, or use it in a ``with`` statement.

    A picture may be an array or anything that Pillow reads, which then has to be installed (the extra
    ``image``); ``picture`` says what becomes of it. It is scaled and normalized as in training: nothing of
    that is left to the caller.

    It may be shared by threads: a lock lets one call at a time into the engine. Threads that are
    to run at the same time open one each. So does each process: a fork cannot use its parent's.
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

    @classmethod
    def open(
        cls,
        bundle: str | os.PathLike[str],
        *,
        engine: str = "auto",
        threads: int = 1,
        delegate: str | os.PathLike[str] | None = None,
        delegate_options: Mapping[str, str] | None = None,
        providers: Sequence[str] = (),
        policy: Policy = "warn",
    ) -> Classifier:
        """Verify the bundle directory and load its model.

        ``engine`` is "litert", "tflite-runtime", "onnxruntime" or "auto": the first of them that is
        installed and can run the bundle. More ``threads`` than free cores make small models slower.
        ``delegate``, the path or name of a TFLite external delegate such as "libedgetpu.so.1", with
        ``delegate_options``, is for the first two; ``providers``, execution providers in order of
        preference, for onnxruntime. What does not run where it was asked to runs on the CPU, and
        ``placement`` says so; ``policy`` "warn" gives a PlacementWarning besides, "allow" does not, "fail"
        raises EngineError instead, at opening or, if it fails only then, at the call.

        Raises BundleError for a bundle that is missing, damaged, no classifier's, or made for a newer
        runtime; EngineError, with what to install, if no engine can run it.
        """
        from hanji.runtime.labels import parse_labels
        from hanji.runtime.manifest import ClassifierManifest
        from hanji.runtime.opening import Opening, requested

        request = requested(delegate, delegate_options, providers, policy)
        opening = Opening(bundle, ClassifierManifest, engine=engine, threads=threads, request=request)
        manifest = opening.manifest
        opening.check(manifest.labels)
        labels = opening.read(manifest.labels, parse_labels)
        return cls(opening.bundle, manifest, opening.artifact, opening.load(), labels)

    def classify(
        self, image_input: ImageSource, k: int = 5, *, language: str | None = None
    ) -> Classification:
        """The ``k`` most probable classes, or all of them where there are fewer.

        An array holds levels of 0 to 255 as uint8 (16-bit ones as uint16): [H, W] or [H, W, 1] grey,
        [H, W, 3] red, green, blue, [H, W, 4] with alpha. ``language``, one of ``names``, chooses what each
        prediction's ``name`` is.

        Raises PictureError, naming the picture, for one that cannot be read, and HanjiError for a ``k``
        below 1 or a language that the bundle does not have.
        """
        names = self._names(k, language)
        return self._classified(self._prepared(image_input, None), k, names)

    def classify_batch(
        self, images: Iterable[ImageSource], k: int = 5, *, language: str | None = None
    ) -> list[Classification]:
        """``classify`` for each of ``pictures``, which may also be one array [n, H, W, C].

        They go through the model one by one: on a processor that is as quick, and takes the least memory.
        """
        if isinstance(images, (str, bytes, os.PathLike)):
            raise ImageError(f"expected several pictures, found one: {images!r:.60}; put it into a list")
        names = self._names(k, language)
        numbered = ((image_input, f"picture {number}") for number, image_input in enumerate(images))
        return [
            self._classified(self._prepared(image_input, name), k, names) for image_input, name in numbered
        ]

    def probabilities(self, image_input: ImageSource) -> NDArray[np.float32]:
        """The probability of every class, float32 [classes], in the order of ``labels``.

        What they are worth ``manifest.probabilities`` says: a wrapped model's may be no probabilities.
        """
        return self._run(self._prepared(image_input, None))

    def self_test(self) -> SelfTest:
        """Replay golden.json and compare; it fails, too, if this artifact was not run at export."""
        from hanji.runtime.classifier_golden import parse_golden, replay

        path = self._manifest.golden
        content = self._bundle.read(self._bundle.file(path))
        golden = parse_golden(content, self._manifest.picture, len(self._labels.values), path)
        return replay(golden, self._artifact.format, self._manifest.picture, self._run)

    @property
    def labels(self) -> tuple[str, ...]:
        """The names of the classes."""
        return self._labels.values

    @property
    def names(self) -> Mapping[str, tuple[str, ...]]:
        """The names of the classes in other languages, by language tag, such as "ko"."""
        return self._labels.names

    @property
    def image_input(self) -> ImageInput:
        """What becomes of a picture before the model sees it."""
        return self._manifest.picture

    @property
    def manifest(self) -> ClassifierManifest:
        return self._manifest

    def engine_call(self, image_input: ImageSource) -> Callable[[], object]:
        """The engine's own call for ``picture`` with nothing around it, for benchmarks.

        It may answer the engine's latest question instead of its own: make it right before it is timed.
        """
        tensor = self._tensor.of(self._prepared(image_input, None))
        return self._open_engine().bare_call("classify", {self._input.name: tensor})

    def _prepared(self, image_input: ImageSource, name: str | None) -> NDArray[np.uint8]:
        """The model's input, uint8 [1, height, width, channels]; ``name`` is for what has none of its own."""
        if isinstance(image_input, np.ndarray):
            return prepare(image_input, self._manifest.picture, name=name or "the array")
        called = name if name and isinstance(image_input, bytes) else name_of(image_input)
        return prepare(decode(image_input, name=called), self._manifest.picture, name=called)

    def _names(self, k: int, language: str | None) -> tuple[str, ...]:
        if operator.index(k) < 1:
            raise HanjiError(f"k={k}: expected 1 or more")
        return self._labels.in_language(language)

    def _classified(self, levels: NDArray[np.uint8], k: int, names: tuple[str, ...]) -> Classification:
        found = self._run(levels)
        best = top_k(found, min(k, len(found)))
        labels = self._labels.values
        ranked = enumerate(zip(best.tolist(), found[best].tolist(), strict=True), 1)
        return Classification(
            tuple(
                Prediction(rank, labels[index], names[index], probability, index)
                for rank, (index, probability) in ranked
            )
        )

    def _run(self, levels: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Probabilities, float32 [classes], of a prepared picture, uint8 [1, height, width, channels]."""
        outputs = self._open_engine().run("classify", {self._input.name: self._tensor.of(levels)})
        classes = len(self._labels.values)
        if outputs.shape != (1, classes):
            expected = f"expected outputs of shape [1, {classes}]"
            raise EngineError(f"{self._info.name}: {expected}, found {list(outputs.shape)}")
        found = dequantized(outputs[0], self._output)
        if not are_finite(found):
            raise EngineError(
                f"{self._info.name} {self._info.version}: an output is not a finite number; replay the "
                "self-test with `hanji verify`, then export the bundle again"
            )
        return probabilities_of(found, self._manifest.probabilities)

    def _harmless_questions(self) -> Iterator[tuple[str, Inputs]]:
        """A black picture."""
        black = np.zeros((1, *self._manifest.picture.shape), np.uint8)
        yield "classify", {self._input.name: self._tensor.of(black)}
