"""The build report of a recommender."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hanji.compression.recommenders.compressed import CompressedModel
from hanji.compression.recommenders.recipe import Recipe
from hanji.export.bundle.build_report import BuildReport, surroundings
from hanji.export.bundle.markdown import FORMAT_NAMES
from hanji.export.recommenders.measure import Row
from hanji.training.recommenders.data import Dataset
from hanji.training.recommenders.protocols import full_protocol

FULL_METRICS = {"hr_at_10": "HR@10", "ndcg_at_10": "NDCG@10", "mrr": "MRR", "coverage_at_10": "coverage@10"}
METRICS = ("hr_at_10", "ndcg_at_10", "precision_at_10", "diversity_at_10")
HEADINGS = ("model", "format", "HR@10", "NDCG@10", "Prec@10", "Div@10", "bytes", "gzip", "p50 ms", "engine")


@dataclass(frozen=True)
class Report(BuildReport):
    """The build report of a recommender; ``rows`` are of type Row."""

    best_hr_at_10: float | None
    best_ndcg_at_10: float | None
    protocol: str
    """How the metrics were measured, as a phrase."""

    full_protocol: str
    """How those of ``full_ranking`` were measured, as a phrase."""

    @classmethod
    def of(
        cls,
        recipe: Recipe,
        compressed: CompressedModel,
        dataset: Dataset,
        rows: Sequence[Row],
        seconds: dict[str, float],
    ) -> Report:
        """The report of a build that was just run on this machine."""
        return cls(
            name=recipe.name,
            recipe_sha256=recipe.sha256,
            steps=recipe.tables,
            seed=compressed.full.seed,
            data=vars(compressed.full.data),
            best_hr_at_10=dataset.best_hr_at_10,
            best_ndcg_at_10=dataset.best_ndcg_at_10,
            protocol=dataset.test.protocol,
            full_protocol=full_protocol(dataset.catalogue.warm_items, dataset.test.split),
            teacher_metrics=compressed.teacher_metrics,
            rows=list(rows),
            seconds=seconds,
            **surroundings(),
        )

    @property
    def headings(self) -> tuple[str, ...]:
        return HEADINGS

    @property
    def cells(self) -> list[list[str]]:
        return [_cells(row) for row in self.rows]

    @property
    def notes(self) -> list[str]:
        full, small = self.rows[0], self.rows[1]
        notes = [f"Measured on the exported files through the runtime, single-threaded; {self.protocol}."]
        if self.best_hr_at_10 is not None and self.best_ndcg_at_10 is not None:
            notes.append(
                "The data is synthetic; the true process, which no model can be expected to exceed, reaches "
                f"HR@10 {self.best_hr_at_10:.4f}, NDCG@10 {self.best_ndcg_at_10:.4f}."
            )
        if self.teacher_metrics is not None:
            reached = (self.teacher_metrics[name] for name in ("hr_at_10", "ndcg_at_10"))
            found = "HR@10 {:.4f}, NDCG@10 {:.4f}".format(*reached)
            notes.append(f"The teacher, an ensemble that is not part of the bundle, reaches {found}.")
        for name, heading in (("hr_at_10", "HR@10"), ("ndcg_at_10", "NDCG@10")):
            if full.metrics[name]:
                kept = small.metrics[name] / full.metrics[name]
                notes.append(f"The compressed model retains {kept:.1%} of the full model's {heading}.")
        models = "; ".join(f"{row.model} model {_full_ranking(row.full_ranking)}" for row in (full, small))
        notes.append(f"Full ranking ({self.full_protocol}): {models}.")
        notes.append(
            f"Its {FORMAT_NAMES[small.format]} file is {full.bytes / small.bytes:.1f} times smaller."
        )
        return notes


def _full_ranking(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {metrics[key]:.4f}" for key, name in FULL_METRICS.items())


def _cells(row: Row) -> list[str]:
    metrics = [f"{row.metrics[name]:.4f}" if name in row.metrics else "" for name in METRICS]
    sizes = [f"{row.bytes:,}", f"{row.gzip_bytes:,}"]
    return [
        row.model,
        f"{row.format} {row.precision}",
        *metrics,
        *sizes,
        f"{row.recommend_p50_ms:.3f}",
        row.engine,
    ]
