"""A student is trained on its teacher's outputs, which are computed once."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.compression.classifiers.compress import _fitting, compress_classifier
from hanji.compression.classifiers.distillation.distil import distil, pooled_features
from hanji.compression.classifiers.distillation.teacher import Views, distillation_epochs, teacher_outputs
from hanji.compression.classifiers.fitting import Fitting
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.compression.classifiers.steps import ImageDistil, ImagePrune, PruneChannels
from hanji.training.classifiers.augmentation import Augmentation
from hanji.training.classifiers.data import ImageDataset, LabelledImages
from hanji.training.classifiers.evaluation import ClassifierScorer
from hanji.training.classifiers.models.config import ImageModelConfig
from hanji.training.classifiers.trained import TrainedClassifier
from hanji.training.errors import RecipeError

TINY = ImageModelConfig(stem_channels=16, stem_stride=1, channels=(24, 32), blocks=(1, 1), strides=(1, 2))


@pytest.fixture
def fitting(trained_digits: TrainedClassifier, digits: ImageDataset) -> Fitting:
    return _fitting(trained_digits, digits, None, None)


def logits(model, dataset: ImageDataset, trained: TrainedClassifier) -> np.ndarray:
    return ClassifierScorer(model, trained.image_input).logits(dataset.test.images)


@pytest.mark.parametrize("feature_weight", [0.0, 0.5])
def test_a_student_is_smaller_and_agrees_with_its_teacher(
    trained_digits: TrainedClassifier, digits: ImageDataset, feature_weight: float
) -> None:
    step = ImageDistil(model=TINY, epochs=10, views=2, feature_weight=feature_weight)
    student = compress_classifier(trained_digits, ImageRecipe("student", (step,)), digits)
    assert student.config == TINY
    assert student.model.count_params() < 0.6 * trained_digits.model.count_params()
    assert "projection" not in [layer.name for layer in student.model.layers]
    agreement = logits(student.model, digits, trained_digits).argmax(1) == logits(
        trained_digits.model, digits, trained_digits
    ).argmax(1)
    assert agreement.mean() > 0.85
    assert student.metrics["top1"] > 0.85


def test_without_a_model_table_the_student_has_the_teachers_architecture(
    trained_digits: TrainedClassifier, fitting: Fitting
) -> None:
    distilled = distil(trained_digits.model, trained_digits.config, ImageDistil(epochs=1), fitting)
    assert distilled.config == trained_digits.config
    assert distilled.student.count_params() == trained_digits.model.count_params()
    assert not np.array_equal(distilled.student.get_weights()[0], trained_digits.model.get_weights()[0])


def test_later_steps_keep_the_same_teacher(trained_digits: TrainedClassifier, fitting: Fitting) -> None:
    distilled = distil(
        trained_digits.model, trained_digits.config, ImageDistil(epochs=1, model=TINY), fitting
    )
    assert distilled.fitting.has_teacher
    again = distilled.fitting.distilling_from(distilled.student, teacher_weight=1.0, temperature=1.0, views=1)
    assert again is distilled.fitting


def test_features_of_a_named_layer_can_be_distilled(
    trained_digits: TrainedClassifier, fitting: Fitting
) -> None:
    assert pooled_features(trained_digits.model, "").output_shape == (None, 64)
    assert pooled_features(trained_digits.model, "block_1_pointwise_relu").output_shape == (None, 32)
    step = ImageDistil(model=TINY, epochs=1, feature_weight=1.0, feature_layer="block_2_pointwise_relu")
    distil(trained_digits.model, trained_digits.config, step, fitting)
    with pytest.raises(RecipeError, match=r"no layer 'stage_9'.*block_1_depthwise"):
        distil(trained_digits.model, trained_digits.config, replace(step, feature_layer="stage_9"), fitting)


def test_images_too_small_for_the_student_raise(trained_digits: TrainedClassifier, fitting: Fitting) -> None:
    with pytest.raises(RecipeError, match="larger images"):
        distil(
            trained_digits.model,
            trained_digits.config,
            ImageDistil(model=ImageModelConfig(), epochs=1),
            fitting,
        )


def test_views_are_reproducible(digits: ImageDataset) -> None:
    views = Views(digits.validation, Augmentation(shift=1), seed=3, count=2)
    np.testing.assert_array_equal(views.images(0), views.images(0))
    assert not np.array_equal(views.images(0), views.images(1))
    assert not np.array_equal(views.images(0), digits.validation.images)


def test_each_image_gets_the_outputs_for_its_own_view() -> None:
    images = np.arange(8, dtype=np.uint8).reshape(8, 1, 1, 1) * 10
    views = Views(LabelledImages(images, np.arange(8, dtype=np.int32)), Augmentation(), seed=0, count=3)
    outputs = [images.reshape(8, 1) + view for view in range(3)]
    drawn_views = set()
    for epoch in range(12):
        drawn = distillation_epochs(views, (outputs,))(np.random.default_rng([0, epoch]))
        for batch, labels, targets in drawn.batches(4):
            np.testing.assert_array_equal(batch.ravel() // 10, labels)
            differences = targets.ravel() - batch.ravel()
            assert len(set(differences)) == 1  # one view per epoch
            drawn_views.add(int(differences[0]))
    assert drawn_views == {0, 1, 2}


def test_teacher_outputs_are_computed_once_and_cached(
    trained_digits: TrainedClassifier, digits: ImageDataset, tmp_path: Path
) -> None:
    views = Views(digits.validation, Augmentation(), seed=0, count=2)
    calls = []

    def predict(images: np.ndarray) -> np.ndarray:
        calls.append(len(images))
        return np.full((len(images), 3), len(calls), np.float32)

    def outputs(views: Views) -> list[np.ndarray]:
        return teacher_outputs(views, predict, teacher=trained_digits.model, what="logits", work=tmp_path)

    first, again = outputs(views), outputs(views)
    assert calls == [len(digits.validation)] * 2
    for one, other in zip(first, again, strict=True):
        np.testing.assert_array_equal(one, other)
    outputs(replace(views, seed=1))
    assert len(calls) == 4


def test_a_pruned_network_is_distilled_from_the_unpruned_one(
    trained_digits: TrainedClassifier, fitting: Fitting
) -> None:
    step = PruneChannels()
    distilling = fitting.distilling_from(
        trained_digits.model, teacher_weight=step.teacher_weight, temperature=step.temperature, views=1
    )
    batch = next(distilling.supervision.epochs(np.random.default_rng(0)).batches(16))
    logits = ClassifierScorer(trained_digits.model, fitting.image_input).logits(batch[0])
    np.testing.assert_allclose(batch[2], logits, atol=1e-4)


def test_fine_tuning_uses_adam_and_retraining_the_models_own_optimizer(fitting: Fitting) -> None:
    fitting = replace(fitting, training=replace(fitting.training, optimizer="sgd", learning_rate=0.2))
    retrain, fine_tune = fitting.schedule(PruneChannels()), fitting.schedule(ImagePrune(learning_rate=0.003))
    assert (retrain.optimizer, retrain.learning_rate) == ("sgd", 0.2)
    assert (fine_tune.optimizer, fine_tune.learning_rate, fine_tune.weight_decay) == ("adam", 0.003, 0.0)
    assert fine_tune.learning_rate_at(0, 0.0) == 0.003
    assert fitting.schedule(PruneChannels(learning_rate=0.01)).learning_rate == 0.01
