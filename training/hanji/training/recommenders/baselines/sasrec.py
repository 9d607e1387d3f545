"""SASRec as a reference model of data with an order: trained once, it reads any history."""

from __future__ import annotations

from hanji.training.fitting.determinism import seed_everything
from hanji.training.fitting.loop import FitRun, fit
from hanji.training.recommenders.config import TrainingConfig
from hanji.training.recommenders.data.validation import TrainValidationSplit
from hanji.training.recommenders.fit import sequence_supervision, validation_of
from hanji.training.recommenders.models.sasrec import SasRec, SasRecConfig

TRAINING = TrainingConfig(
    epochs=40,
    batch_size=32,
    learning_rate=0.003,
    final_learning_rate=0.0001,
    average_decay=0.999,
    patience=5,
)
"""Selected on the validation items of MovieLens-1M."""


def fit_sasrec(
    data: TrainValidationSplit,
    run: FitRun,
    *,
    config: SasRecConfig | None = None,
    training: TrainingConfig | None = None,
) -> SasRec:
    """Train on every position of the histories (softmax over the catalogue: Klenitskiy and Vasilev 2023), and
    keep the epoch with the best validation NDCG@10. The training interactions need timestamps."""
    config, training = config or SasRecConfig(), training or TRAINING
    seed_everything(run.seed)
    model = SasRec(config, data.items)
    supervision = sequence_supervision(data, training, longest=config.length)
    fit(model, supervision, training, validation_of(model, data), run)
    return model


__all__ = ["TRAINING", "fit_sasrec"]
