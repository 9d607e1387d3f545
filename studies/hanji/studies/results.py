"""The results of a study: one row per recipe, as in study.json (``schema_version`` 1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from hanji.studies.latency import CallTimes, Footprint
from hanji.studies.statistics import Difference, Spread
from hanji.studies.variant import Variant

SCHEMA_VERSION = 1

LABELS = {
    "top1": "top-1",
    "macro_top1": "macro top-1",
    "nll": "negative log-likelihood",
    "ece": "ECE",
    "hr_at_10": "HR@10",
    "ndcg_at_10": "NDCG@10",
    "precision_at_10": "Precision@10",
    "diversity_at_10": "diversity@10",
    "full_ranking_hr_at_10": "HR@10 (full ranking)",
    "full_ranking_ndcg_at_10": "NDCG@10 (full ranking)",
    "full_ranking_mrr": "MRR (full ranking)",
    "full_ranking_coverage_at_10": "coverage@10 (full ranking)",
}
LOWER_IS_BETTER = ("nll", "ece")


@dataclass(frozen=True)
class SizeOfFormat:
    """Bytes of the file that a device loads, over the seeds."""

    bytes: Spread
    gzip_bytes: Spread


@dataclass(frozen=True)
class SliceResult:
    """The study's metric on a slice of the test set."""

    group: str
    name: str
    samples: int
    mean: float
    sd: float | None


@dataclass(frozen=True)
class Row:
    """One recipe over all seeds. None: not measured; a failed recipe has only a reason."""

    variant: Variant
    reason: str = ""
    """Why it failed, with the seed; empty if it did not."""

    metrics: dict[str, Spread] | None = None
    against_full: dict[str, Difference] | None = None
    formats: dict[str, SizeOfFormat] | None = None
    parameters: int | None = None
    non_zeros: int | None = None
    macs: int | None = None
    latency: dict[str, CallTimes] | None = None
    footprint: Footprint | None = None
    agreement: dict[str, float] | None = None
    slices: Sequence[SliceResult] | None = None
    confusion: dict[str, Any] | None = None
    layers: list[dict[str, Any]] | None = None
    seconds: dict[str, float] | None = None
    runs: Sequence[dict[str, Any]] = ()
    """Per seed: seed, manifest_sha256, bundle_sha256."""

    @property
    def failed(self) -> bool:
        """Whether it has no results."""
        return self.metrics is None


__all__ = ["LABELS", "LOWER_IS_BETTER", "SCHEMA_VERSION", "Row", "SizeOfFormat", "SliceResult"]
