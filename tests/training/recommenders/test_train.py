"""Training: quality, reproducibility, resuming, saving and loading."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hanji.training.errors import DataError, RecipeError
from hanji.training.progress import EpochEnd
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data import DataConfig, Dataset, Interactions
from hanji.training.recommenders.data.interactions import protocol_of
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.evaluation import evaluate, evaluate_candidates, one_at_a_time
from hanji.training.recommenders.models.config import ModelConfig
from hanji.training.recommenders.samples import positives_and_negatives
from hanji.training.recommenders.scoring import KerasScorer
from hanji.training.recommenders.train import TrainedModel, train
from hanji.training.recommenders.trained import load_trained, save_trained

MODEL = ModelConfig(embedding_size=4, mlp_embedding_size=4, hidden_units=(4,), dropout=0.2)
TRAINING = TrainingConfig(epochs=3, batch_size=1024)


def popularity_hit_ratio(dataset: Dataset) -> float:
    counts = np.array(dataset.catalogue.popularity, np.float32)
    return evaluate_candidates(lambda users, items: counts[items], dataset.test)["hr_at_10"]


def test_a_trained_model_is_between_popularity_and_the_optimum(
    trained: TrainedModel, small_dataset: Dataset
) -> None:
    assert trained.metrics["hr_at_10"] > popularity_hit_ratio(small_dataset)
    assert small_dataset.best_hr_at_10 is not None
    assert trained.metrics["hr_at_10"] < small_dataset.best_hr_at_10 + 0.1


def test_validation_items_are_not_trained_on(small_dataset: Dataset) -> None:
    data = train_validation_split(small_dataset, seed=0)
    pairs = set(zip(data.train.users.tolist(), data.train.items.tolist(), strict=True))
    held_out = set(zip(data.validation.users.tolist(), data.validation.items.tolist(), strict=True))
    tested = set(zip(small_dataset.test.users.tolist(), small_dataset.test.items.tolist(), strict=True))
    assert held_out and not held_out & pairs
    assert not tested & held_out


def test_samples_have_one_positive_and_then_items_without_an_interaction(small_dataset: Dataset) -> None:
    items = small_dataset.catalogue.items
    samples = positives_and_negatives(small_dataset.train, items=items, negatives=3)(np.random.default_rng(0))
    seen = set(zip(small_dataset.train.users.tolist(), small_dataset.train.items.tolist(), strict=True))
    assert len(samples) == len(small_dataset.train)
    assert samples.targets[0].tolist() == [1, 0, 0, 0]
    for user, row in zip(samples.users[:500].tolist(), samples.items[:500].tolist(), strict=True):
        assert (user, row[0]) in seen
        assert not any((user, item) in seen for item in row[1:])


def test_a_user_with_every_item_is_not_sampled() -> None:
    users = np.array([0, 0, 0, 1, 1], np.int32)
    train = Interactions(users, np.array([0, 1, 2, 0, 2], np.int32), None)
    samples = positives_and_negatives(train, items=3, negatives=2)(np.random.default_rng(0))
    assert samples.users.tolist() == [1, 1]
    assert samples.items[:, 1:].tolist() == [[1, 1], [1, 1]]


def test_the_same_seed_gives_the_same_weights(small_dataset: Dataset, small_config: DataConfig) -> None:
    first, second = (train(small_dataset, model=MODEL, training=TRAINING, seed=5) for _ in range(2))
    for one, other in zip(first.model.get_weights(), second.model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_killed_training_resumes_after_its_last_completed_epoch(
    small_dataset: Dataset,
    small_config: DataConfig,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def run(training: TrainingConfig) -> TrainedModel:
        return train(small_dataset, model=MODEL, training=training, seed=5, work=tmp_path)

    from hanji.training.fitting import loop

    run_epoch, calls = loop._run_epoch, []

    def killed_in_the_third(*args: object) -> None:
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        run_epoch(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(loop, "_run_epoch", killed_in_the_third)
    with pytest.raises(KeyboardInterrupt):
        run(TRAINING)
    monkeypatch.setattr(loop, "_run_epoch", run_epoch)
    run(TRAINING)
    assert "resuming after epoch 2" in caplog.text


def test_a_checkpoint_of_other_settings_is_ignored(
    small_dataset: Dataset, small_config: DataConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for rate in (0.002, 0.001):
        training = replace(TRAINING, epochs=1, learning_rate=rate)
        train(small_dataset, model=MODEL, training=training, seed=5, work=tmp_path)
    assert "belongs to other settings" in caplog.text


def test_a_checkpoint_of_other_data_is_ignored(
    small_dataset: Dataset, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    training, items = replace(TRAINING, epochs=1), small_dataset.train.items.copy()
    items[0], items[1] = items[1], items[0]
    other = replace(small_dataset, train=replace(small_dataset.train, items=items))
    for dataset in (small_dataset, other):
        train(dataset, model=MODEL, training=training, seed=5, work=tmp_path)
    assert "training-neumf.npz: the data has changed; starting from the beginning" in caplog.text
    assert "resuming" not in caplog.text


@pytest.mark.parametrize("type", ["neumf", "history"])
def test_a_failure_in_measuring_does_not_lose_the_model(
    small_dataset: Dataset, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, type: str
) -> None:
    from hanji.training.recommenders import train as module

    model = replace(MODEL, type=type)
    training = replace(TRAINING, epochs=2, pretraining_epochs=1, batch_size=64)
    expected = train(small_dataset, model=model, training=training, seed=5)

    def failing(*_: object) -> dict[str, float]:
        raise MemoryError

    epochs: list[EpochEnd] = []
    with monkeypatch.context() as patch:
        patch.setattr(module, "evaluate_model", failing)
        with pytest.raises(MemoryError):
            train(
                small_dataset, model=model, training=training, seed=5, work=tmp_path, on_epoch=epochs.append
            )
    trained_for = len(epochs)
    monkeypatch.setattr(module, "start_from_scores", failing)
    found = train(
        small_dataset, model=model, training=training, seed=5, work=tmp_path, on_epoch=epochs.append
    )
    assert trained_for == len(epochs) == (4 if type == "neumf" else 2)
    assert found.metrics == expected.metrics


def test_more_factors_than_items_are_refused_before_training(small_dataset: Dataset) -> None:
    model = ModelConfig(type="history", embedding_size=201, hidden_units=())
    with pytest.raises(RecipeError, match=r"model\.embedding_size: expected at most 200, .* found 201"):
        train(small_dataset, model=model, training=TRAINING, seed=0)


def test_a_model_knows_its_data_and_the_number_of_negatives(
    trained: TrainedModel, small_dataset: Dataset, tmp_path: Path
) -> None:
    assert trained.data.content == small_dataset.content
    assert trained.protocol == small_dataset.test.protocol
    save_trained(replace(trained, protocol=protocol_of(40)), tmp_path / "trained")
    assert load_trained(tmp_path / "trained").protocol == protocol_of(40)
    about = json.loads((tmp_path / "trained" / "trained.json").read_text())
    assert about["full_ranking"]["hr_at_10"] < about["metrics"]["hr_at_10"]
    assert about["full_protocol"].startswith("leave-one-out, all 200 items without those of")
    for name in ("protocol", "full_ranking", "full_protocol"):
        del about[name]
    del about["data"]["content"]  # as written by earlier versions
    (tmp_path / "trained" / "trained.json").write_text(json.dumps(about))
    earlier = load_trained(tmp_path / "trained")
    assert (earlier.protocol, earlier.data.content) == (protocol_of(99), "")
    assert (earlier.full_ranking, earlier.full_protocol) == ({}, "")


@pytest.mark.parametrize("genres", [(), ("Drama",)])
def test_undefined_diversity_is_left_out(small_dataset: Dataset, genres: tuple[str, ...]) -> None:
    """Without genres, and with a single item that has some."""
    catalogue = replace(small_dataset.catalogue, genres=(genres, *[()] * 199))
    scores = np.random.default_rng(0).random((200, 200)).astype(np.float32)
    found = evaluate(scores.__getitem__, replace(small_dataset, catalogue=catalogue))
    assert set(found) == {"hr_at_10", "ndcg_at_10", "precision_at_10"}


def test_a_broken_checkpoint_is_reported_and_training_restarts(
    small_dataset: Dataset, small_config: DataConfig, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "training-neumf.npz").write_bytes(b"not a checkpoint")
    training = replace(TRAINING, epochs=1)
    train(small_dataset, model=MODEL, training=training, seed=5, work=tmp_path)
    assert "starting from the beginning" in caplog.text


def test_pre_training_runs_both_towers(
    small_dataset: Dataset, small_config: DataConfig, caplog: pytest.LogCaptureFixture
) -> None:
    training = replace(TRAINING, epochs=1, pretraining_epochs=1)
    train(small_dataset, model=MODEL, training=training, seed=5)
    shown = caplog.text
    assert shown.index("Pre-training gmf") < shown.index("Pre-training mlp") < shown.index("Training neumf")


def test_saving_and_loading_keeps_the_scores(trained: TrainedModel, tmp_path: Path) -> None:
    save_trained(trained, tmp_path / "trained")
    loaded = load_trained(tmp_path / "trained")
    assert loaded.catalogue == trained.catalogue
    assert (loaded.config, loaded.training, loaded.data) == (trained.config, trained.training, trained.data)
    np.testing.assert_array_equal(
        KerasScorer(loaded.model).catalogue(4, 200), KerasScorer(trained.model).catalogue(4, 200)
    )


@pytest.mark.parametrize("damage", ["missing", "truncated", "version", "weights"])
def test_a_damaged_trained_model_is_reported(trained: TrainedModel, tmp_path: Path, damage: str) -> None:
    directory = tmp_path / "trained"
    save_trained(trained, directory)
    about = directory / "trained.json"
    if damage == "missing":
        about.unlink()
    elif damage == "truncated":
        about.write_text(about.read_text()[:100])
    elif damage == "version":
        about.write_text(about.read_text().replace('"format_version": 1', '"format_version": 99'))
    else:
        (directory / "weights.npz").write_bytes(b"nothing")
    with pytest.raises(DataError, match=r"trained\.json|weights\.npz"):
        load_trained(directory)


def test_evaluation_by_catalogue_equals_evaluation_by_pairs(
    trained: TrainedModel, small_dataset: Dataset
) -> None:
    scorer = KerasScorer(trained.model)
    items = small_dataset.catalogue.items
    found = evaluate(one_at_a_time(lambda user: scorer.catalogue(user, items)), small_dataset)
    assert found == pytest.approx(trained.metrics)
