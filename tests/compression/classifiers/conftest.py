"""Fixtures of the step tests: a tiny image data set, a Fitting on it, and a model trained on the digits."""

from __future__ import annotations

import numpy as np
import pytest

from hanji.training.classifiers.data import ImageDataConfig, ImageDataset, LabelledImages

SIDE = 8


@pytest.fixture(autouse=True)
def _no_trials(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not convert Keras models in another process first: TensorFlow takes seconds to start for each."""
    monkeypatch.setattr("hanji.compression.classifiers.foreign.trial.call_in_child", lambda *_, **__: None)


@pytest.fixture(scope="session")
def toy_images() -> ImageDataset:
    """Grey 8×8 images of three classes: noise with a bright band at the top, middle or bottom."""

    def sample(count: int, rng: np.random.Generator) -> LabelledImages:
        labels = rng.integers(0, 3, count).astype(np.int32)
        images = rng.integers(0, 120, (count, SIDE, SIDE, 1), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 2] += np.uint8(100)
        return LabelledImages(images, labels)

    rng = np.random.default_rng(0)
    return ImageDataset(
        name="toy",
        format="npz",
        licence="",
        synthetic=True,
        labels=("top", "middle", "bottom"),
        names={},
        fit="crop",
        train=sample(192, rng),
        validation=sample(48, rng),
        test=sample(48, rng),
        config=ImageDataConfig(name="toy", format="npz"),
    )


@pytest.fixture
def toy_fitting(toy_images: ImageDataset):
    """A Fitting on the toy images, with labels as targets and no checkpoints."""
    from hanji.compression.classifiers.fitting import Fitting
    from hanji.training.classifiers.config import ImageTrainingConfig
    from hanji.training.classifiers.fit import default_supervision
    from hanji.training.classifiers.train import image_of

    training = ImageTrainingConfig(epochs=4, batch_size=32, learning_rate=0.05)
    image_input = image_of(toy_images)
    return Fitting(
        dataset=toy_images,
        image_input=image_input,
        supervision=default_supervision(toy_images, training, image_input),
        training=training,
        seed=0,
        work=None,
        identity="toy",
    )


@pytest.fixture(scope="session")
def digits() -> ImageDataset:
    """Scikit-learn's digits, the default ``[data]`` of a recipe."""
    from hanji.training.classifiers.data import ImageDataConfig, load_images

    return load_images(ImageDataConfig(), None, seed=0)


@pytest.fixture(scope="session")
def trained_digits(digits: ImageDataset):
    """A small MobileNet trained on the digits for a few seconds."""
    from hanji.training.classifiers.config import ImageTrainingConfig
    from hanji.training.classifiers.models.config import ImageModelConfig
    from hanji.training.classifiers.train import train_classifier

    return train_classifier(
        digits,
        model=ImageModelConfig(
            stem_channels=16, stem_stride=1, channels=(32, 64), blocks=(2, 1), strides=(1, 2)
        ),
        training=ImageTrainingConfig(
            epochs=8, batch_size=64, optimizer="adam", learning_rate=0.01, weight_decay=0.0
        ),
        seed=0,
    )
