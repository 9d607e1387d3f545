"""Recommendation in studies and searches. TensorFlow is imported only in methods that need it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.export.recommenders.task import RecommenderExport
from hanji.studies.outcomes import Part
from hanji.studies.recommenders.grid import recommender_grid
from hanji.studies.recommenders.outcomes import FULL_RANKING, RankingOutcomes, ranking_outcomes
from hanji.studies.recommenders.slices import ranking_slices
from hanji.studies.slices import Slice
from hanji.studies.task import GridRows, StudyTask
from hanji.training.errors import RecipeError
from hanji.training.recipe_file import RecipeFile
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.recommenders.protocols import FULL, REPORTED, full_protocol

if TYPE_CHECKING:
    import tf_keras as keras

    from hanji.compression.recommenders.compressed import CompressedModel
    from hanji.export.pipeline import Plan
    from hanji.studies.recommenders.untrained import UntrainedRecommenders
    from hanji.training.recommenders.trained import TrainedModel


class RecommenderStudy(RecommenderExport):
    """Implements ``StudyTask``."""

    metrics: tuple[str, ...] = (
        "ndcg_at_10",
        "hr_at_10",
        "precision_at_10",
        *(FULL_RANKING + name for name in ("ndcg_at_10", "hr_at_10", "mrr")),
    )
    outcomes = RankingOutcomes

    def outcomes_of(
        self, bundle: Path, dataset: Dataset, *, engine: str, part: Part = "test", seed: int = 0
    ) -> RankingOutcomes:
        """See StudyTask."""
        return ranking_outcomes(bundle, dataset, engine=engine, part=part, seed=seed)

    def metric_under(self, protocol: str, metric: str) -> str:
        """See StudyTask."""
        if protocol not in REPORTED:
            raise RecipeError(
                f"protocol: expected one that studies measure, {' or '.join(REPORTED)}, found {protocol!r}"
            )
        plain = metric.removeprefix(FULL_RANKING)
        found = FULL_RANKING + plain if protocol == FULL else plain
        if found not in self.metrics:
            raise RecipeError(
                f"protocol: {plain} is not measured under {protocol!r}; set metric to one of "
                f"{', '.join(self.metrics)}"
            )
        return found

    def protocol_of(self, metric: str, dataset: Dataset) -> str:
        """See StudyTask."""
        if metric.startswith(FULL_RANKING):
            return full_protocol(dataset.catalogue.warm_items, dataset.test.split)
        return self.protocol(dataset)

    def slices(self, dataset: Dataset) -> list[Slice]:
        """See StudyTask."""
        return ranking_slices(dataset)

    def class_names(self, dataset: Dataset) -> None:
        """See StudyTask."""

    def validation_as_test(self, dataset: Dataset, *, seed: int) -> Dataset:
        """See StudyTask."""
        return replace(dataset, test=train_validation_split(dataset, seed).validation)

    def network(self, compressed: CompressedModel) -> keras.Model:
        """See StudyTask."""
        return compressed.model

    def macs(self, compressed: CompressedModel) -> int | None:
        """See StudyTask."""
        from hanji.export.recommenders.formats.signatures import precomputed_signatures
        from hanji.training.recommenders.models.macs import catalogue_macs

        folded = "catalogue" in precomputed_signatures(compressed.scheme)
        return catalogue_macs(compressed.config, compressed.full.data.items, folded=folded)

    def layer_errors(self, compressed: CompressedModel) -> None:
        """See StudyTask; not measured for recommenders, which have few layers."""

    def built_in_grid(self, file: RecipeFile, own: Mapping[str, dict[str, Any]]) -> dict[str, GridRows]:
        """See StudyTask."""
        return recommender_grid(file, own)

    def untrained(self, plan: Plan, dataset: Dataset) -> UntrainedRecommenders:
        """See StudyTask."""
        from hanji.studies.recommenders.untrained import UntrainedRecommenders

        return UntrainedRecommenders(plan, dataset)


TASK: StudyTask[Dataset, TrainedModel, CompressedModel] = RecommenderStudy()
