"""Whole recipes: consecutive steps, saving and loading, resuming an interrupted run."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras

from hanji.compression.classifiers.compress import compress_classifier, uncompressed_classifier
from hanji.compression.classifiers.compressed import (
    CompressedClassifier,
    load_compressed_classifier,
    save_compressed_classifier,
)
from hanji.compression.classifiers.networks import weights_by_name
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import (
    ClusterWeights,
    ImageDistil,
    ImagePrune,
    ImageQuantize,
    ImageStep,
    PruneChannels,
)
from hanji.training.classifiers.data import ImageDataset
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import TrainedClassifier
from hanji.training.errors import DataError

TINY = ImageModelConfig(stem_channels=16, stem_stride=1, channels=(24, 32), blocks=(1, 1), strides=(1, 2))
STUDENT = ImageDistil(model=TINY, epochs=10, views=2)
QAT = ImageQuantize("int8-qat", epochs=2, learning_rate=0.001)


def run(trained: TrainedClassifier, dataset: ImageDataset, *steps: ImageStep, work: Path | None = None):
    return compress_classifier(trained, ImageRecipe("test", steps), dataset, work=work)


def logits(
    compressed: CompressedClassifier, dataset: ImageDataset, model: keras.Model | None = None
) -> np.ndarray:
    return ClassifierScorer(model or compressed.model, compressed.full.image_input).logits(
        dataset.test.images
    )


def kernels(model: keras.Model) -> dict[str, np.ndarray]:
    named = weights_by_name(model)
    return {name: value for name, value in named.items() if name.endswith("_pointwise/kernel")}


def test_an_empty_recipe_folds_the_normalizations_and_keeps_the_logits(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    compressed = run(trained_digits, digits)
    assert compressed.scheme == "float32"
    assert not any(isinstance(layer, keras.layers.BatchNormalization) for layer in compressed.model.layers)
    np.testing.assert_allclose(
        logits(compressed, digits), logits(compressed, digits, trained_digits.model), atol=1e-3
    )
    assert compressed.metrics["top1"] == trained_digits.metrics["top1"]


def test_uncompressed_equals_an_empty_recipe(trained_digits: TrainedClassifier, digits: ImageDataset) -> None:
    plain = uncompressed_classifier(trained_digits, digits.train.images[:5])
    np.testing.assert_array_equal(logits(plain, digits), logits(run(trained_digits, digits), digits))
    assert plain.metrics == trained_digits.metrics


@pytest.fixture(scope="module")
def twice(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> tuple[list[np.ndarray], list[CompressedClassifier]]:
    """The trained model's weights before compression, and the results of two runs of the same recipe."""
    before = [weight.copy() for weight in trained_digits.model.get_weights()]
    steps = (
        replace(STUDENT, epochs=1, feature_weight=0.1),
        ImagePrune(epochs=1),
        ClusterWeights(epochs=1),
        QAT,
    )
    return before, [run(trained_digits, digits, *steps) for _ in range(2)]


def test_the_trained_model_is_not_modified(trained_digits: TrainedClassifier, twice) -> None:
    before, _ = twice
    for old, new in zip(before, trained_digits.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)


def test_the_temperature_lowers_the_negative_log_likelihood(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    compressed = run(trained_digits, digits)
    assert compressed.temperature != 1.0
    assert compressed.metrics["nll"] <= trained_digits.metrics["nll"] + 0.01


@pytest.mark.parametrize("scheme", ["float16", "dynamic", "int8", "int16x8"])
def test_schemes_applied_by_the_converter_are_only_recorded(
    trained_digits: TrainedClassifier, digits: ImageDataset, scheme: str
) -> None:
    compressed = run(trained_digits, digits, ImageQuantize(scheme, calibration_images=40))  # type: ignore[arg-type]
    assert compressed.scheme == scheme
    assert compressed.calibration.shape == (40, 8, 8, 1)
    np.testing.assert_array_equal(logits(compressed, digits), logits(run(trained_digits, digits), digits))


def test_calibration_images_are_training_images(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    compressed = run(trained_digits, digits, ImageQuantize(calibration_images=30))
    known = {image.tobytes() for image in digits.train.images}
    assert all(image.tobytes() in known for image in compressed.calibration)


@pytest.mark.parametrize("scheme", ["float16", "int8-qat"])
def test_saving_and_loading_preserves_the_logits(
    trained_digits: TrainedClassifier, digits: ImageDataset, tmp_path: Path, scheme: str
) -> None:
    steps = (PruneChannels(keep=0.5, epochs=1, views=1), ImageQuantize(scheme, epochs=1))  # type: ignore[arg-type]
    compressed = run(trained_digits, digits, *steps)
    save_compressed_classifier(compressed, tmp_path / "compressed")
    loaded = load_compressed_classifier(tmp_path / "compressed")
    np.testing.assert_array_equal(logits(loaded, digits), logits(compressed, digits))
    if compressed.plain is not None:
        np.testing.assert_array_equal(
            logits(loaded, digits, loaded.plain), logits(compressed, digits, compressed.plain)
        )
    np.testing.assert_array_equal(loaded.calibration, compressed.calibration)
    for field in ("config", "scheme", "temperature", "sparse", "recipe", "metrics", "notes"):
        assert getattr(loaded, field) == getattr(compressed, field), field
    assert loaded.full.labels == trained_digits.labels


def test_consecutive_steps_preserve_each_others_results(
    trained_digits: TrainedClassifier, digits: ImageDataset, tmp_path: Path
) -> None:
    steps = (
        STUDENT,
        PruneChannels(keep=0.75, epochs=2),
        ImagePrune(0.5, epochs=3),
        ClusterWeights(8, epochs=1),
        QAT,
    )
    compressed = run(trained_digits, digits, *steps)
    for name, kernel in kernels(compressed.model).items():
        assert np.mean(kernel == 0.0) == pytest.approx(0.5, abs=0.05), name
        assert len(np.unique(kernel)) <= 8, name
    assert compressed.model.get_layer("quant_stem").layer.filters == 12
    assert compressed.metrics["top1"] > 0.8
    assert [note.split(":")[0] for note in compressed.notes] == ["prune", "cluster"]
    save_compressed_classifier(compressed, tmp_path / "compressed")
    loaded = load_compressed_classifier(tmp_path / "compressed")
    np.testing.assert_array_equal(logits(loaded, digits), logits(compressed, digits))


def test_the_same_seed_compresses_to_the_same_weights(twice) -> None:
    _, (one, other) = twice
    for first, second in zip(one.model.get_weights(), other.model.get_weights(), strict=True):
        np.testing.assert_array_equal(first, second)


def test_an_interrupted_run_resumes_with_the_same_result(
    trained_digits: TrainedClassifier,
    digits: ImageDataset,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from hanji.training.fitting.checkpoint import Checkpoint

    steps = (replace(STUDENT, epochs=2), replace(QAT, epochs=3))
    uninterrupted = run(trained_digits, digits, *steps)
    save, saves = Checkpoint.save, []

    def interrupted(self: Checkpoint, state: object) -> None:
        save(self, state)  # type: ignore[arg-type]
        saves.append(state)
        if len(saves) == 4:  # two epochs of each step
            raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(trained_digits, digits, *steps, work=tmp_path)
    resumed = run(trained_digits, digits, *steps, work=tmp_path)
    assert len(saves) == 5
    assert "quantization-aware-training.npz: resuming after epoch 2" in caplog.text
    np.testing.assert_array_equal(logits(resumed, digits), logits(uninterrupted, digits))


def test_a_data_set_without_validation_images_raises(
    trained_digits: TrainedClassifier, digits: ImageDataset
) -> None:
    from hanji.training.classifiers.data import LabelledImages

    none = LabelledImages(digits.validation.images[:0], digits.validation.labels[:0])
    with pytest.raises(DataError, match="validation"):
        run(trained_digits, replace(digits, validation=none))


def test_a_directory_without_a_compressed_classifier_raises(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="hanji compress"):
        load_compressed_classifier(tmp_path)
