"""Training a classifier: schedule, resuming, saving and loading, and mirrored networks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tf_keras as keras

from hanji.training.classifiers.config import ImageTrainingConfig
from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, load_images
from hanji.training.classifiers.evaluation import ClassifierScorer, evaluate_classifier
from hanji.training.classifiers.models.build import build_classifier
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.train import train_classifier
from hanji.training.classifiers.trained import TrainedClassifier, load_classifier, save_classifier
from hanji.training.errors import DataError, RecipeError
from hanji.training.fitting.checkpoint import Checkpoint

DATA = ImageDataConfig(names={"ko": list("영일이삼사오육칠팔구")})
MODEL = ImageModelConfig(stem_channels=16, stem_stride=1, channels=(32, 48), blocks=(1, 1), strides=(1, 2))
TRAINING = ImageTrainingConfig(epochs=6, batch_size=64, learning_rate=0.2, shift=1)


@pytest.fixture(scope="module")
def digits() -> ImageDataset:
    return load_images(DATA, None, seed=0)


@pytest.fixture(scope="module")
def trained(digits: ImageDataset) -> TrainedClassifier:
    return train_classifier(digits, model=MODEL, training=TRAINING, seed=0)


def test_training_reaches_a_high_accuracy(trained: TrainedClassifier) -> None:
    assert trained.metrics["top1"] > 0.85
    assert trained.labels == tuple("0123456789")
    assert trained.image_input.shape == (8, 8, 1)


def test_saving_and_loading_round_trips(
    trained: TrainedClassifier, digits: ImageDataset, tmp_path: Path
) -> None:
    save_classifier(trained, tmp_path / "trained")
    found = load_classifier(tmp_path / "trained")
    assert replace(found, model=None) == replace(trained, model=None)
    own, other = (ClassifierScorer(one.model, one.image_input) for one in (found, trained))
    np.testing.assert_array_equal(own.logits(digits.test.images), other.logits(digits.test.images))


def test_loading_another_directory_fails(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"hanji train"):
        load_classifier(tmp_path)


def test_a_killed_training_resumes(trained: TrainedClassifier, digits: ImageDataset, tmp_path: Path) -> None:
    calls, save = 0, Checkpoint.save

    def killed(*args: object, **kwargs: object) -> None:
        nonlocal calls
        calls += 1
        if calls == 4:
            raise KeyboardInterrupt
        save(*args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoint, "save", killed)
        with pytest.raises(KeyboardInterrupt):
            train_classifier(digits, model=MODEL, training=TRAINING, seed=0, work=tmp_path)
    resumed = train_classifier(digits, model=MODEL, training=TRAINING, seed=0, work=tmp_path)
    np.testing.assert_allclose(resumed.metrics["nll"], trained.metrics["nll"], atol=0.02)


def test_a_checkpoint_of_other_images_is_ignored(
    digits: ImageDataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    short, labels = replace(TRAINING, epochs=1), digits.train.labels.copy()
    labels[0] = (labels[0] + 1) % 10
    for data in (digits, replace(digits, train=replace(digits.train, labels=labels))):
        train_classifier(data, model=MODEL, training=short, seed=0, work=tmp_path)
    assert "the data has changed; starting from the beginning" in caplog.text


def test_a_failure_in_measuring_does_not_lose_the_model(
    digits: ImageDataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = replace(TRAINING, epochs=1)

    def failing(*_: object, **__: object) -> None:
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr("hanji.training.classifiers.train.evaluate_classifier", failing)
        with pytest.raises(MemoryError):
            train_classifier(digits, model=MODEL, training=short, seed=0, work=tmp_path)
    monkeypatch.setattr("hanji.training.fitting.loop._run_epoch", failing)
    found = train_classifier(digits, model=MODEL, training=short, seed=0, work=tmp_path)
    assert found.metrics["top1"] > 0.1 and found.data.content == digits.content


def test_bfloat16_trains_and_ends_in_float32(digits: ImageDataset) -> None:
    short = replace(TRAINING, epochs=2, precision="bfloat16")
    found = train_classifier(digits, model=MODEL, training=short, seed=0)
    assert found.model.get_layer("stem").compute_dtype == "float32"
    assert keras.mixed_precision.global_policy().name == "float32"


def test_images_that_are_too_small_are_reported_before_training(digits: ImageDataset) -> None:
    with pytest.raises(RecipeError, match="shift and cutout"):
        train_classifier(digits, model=MODEL, training=replace(TRAINING, shift=8), seed=0)
    deep = replace(MODEL, channels=(8, 8, 8, 8, 8), blocks=(1, 1, 1, 1, 1), strides=(2, 2, 2, 2, 2))
    with pytest.raises(RecipeError, match="larger images"):
        train_classifier(digits, model=deep, training=TRAINING, seed=0)


def test_training_without_validation_images_fails() -> None:
    config = replace(DATA, validation=0.0)
    dataset = load_images(config, None, seed=0)
    with pytest.raises(DataError, match="validation"):
        train_classifier(dataset, model=MODEL, training=TRAINING, seed=0)


def test_the_learning_rate_rises_and_falls() -> None:
    config = ImageTrainingConfig(epochs=10, learning_rate=1.0, warmup=0.2)
    rates = [config.learning_rate_at(epoch, share) for epoch in range(10) for share in (0.0, 0.5)]
    assert rates.index(max(rates)) == 4
    assert config.learning_rate_at(2, 0.0) == 1.0
    assert 0.0 < rates[0] < 0.05 and 0.0 < config.learning_rate_at(9, 0.999) < 0.01


@pytest.mark.parametrize(
    "invalid", [{"epochs": 0}, {"learning_rate": 0.0}, {"warmup": 1.0}, {"shift": -1}, {"contrast": 2.0}]
)
def test_invalid_values_are_refused(invalid: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(invalid))):
        ImageTrainingConfig(**invalid)  # type: ignore[arg-type]


def test_a_mirrored_network_returns_the_mean_of_both_logits(
    trained: TrainedClassifier, digits: ImageDataset
) -> None:
    mirrored = build_classifier(replace(MODEL, mirrored=True), height=8, width=8, channels=1, classes=10)
    mirrored.set_weights(trained.model.get_weights())
    one, both = (ClassifierScorer(model, trained.image_input) for model in (trained.model, mirrored))
    images = digits.test.images[:50]
    mean = (one.logits(images) + one.logits(images[:, :, ::-1])) / 2
    np.testing.assert_allclose(both.logits(images), mean, atol=1e-4)
    assert set(evaluate_classifier(mirrored, digits.test, trained.image_input)) == {
        "top1",
        "macro_top1",
        "nll",
        "ece",
    }
