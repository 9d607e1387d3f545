"""The dataset type of recommendation: a catalogue, training interactions and test rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from hanji.training.content import content_hash
from hanji.training.recommenders.data.clean import Cleaned, clean
from hanji.training.recommenders.data.cold import ColdItems, cold_items_of
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.held_out import check_split, holdout_of
from hanji.training.recommenders.data.interactions import Catalogue, Interactions, LeaveOneOut, catalogue_from
from hanji.training.recommenders.data.memory import raw_from_arrays, raw_from_dataframe
from hanji.training.recommenders.data.quality import QualityReport
from hanji.training.recommenders.data.raw import RawData
from hanji.training.recommenders.data.split import Split, given_split, leave_out, with_candidates
from hanji.training.recommenders.data.user_groups import Attributes, attributes_of

MEMORY = DataConfig(name="data in memory", format="memory")
"""The default config for arrays and data frames."""


@dataclass(frozen=True)
class Dataset:
    """All the data that training and evaluation need."""

    name: str
    format: str
    """The format that was read, never "auto"."""

    synthetic: bool
    licence: str
    catalogue: Catalogue
    train: Interactions
    test: LeaveOneOut
    quality: QualityReport
    config: DataConfig
    """The ``[data]`` table it was loaded with, from which the same split can be rebuilt."""

    best_hr_at_10: float | None
    """The highest HR@10 that any model can expect on `test`; known only for the synthetic catalogue."""

    best_ndcg_at_10: float | None = None
    """Likewise the highest NDCG@10."""

    user_attributes: Attributes = field(default_factory=dict)
    """Values of each attribute in the users file, by user; for metrics by group alone."""

    task: ClassVar[str] = "recommendation"

    @cached_property
    def content(self) -> str:
        """Hash of the ids, titles, genres and interactions, by which results of other data are recognized."""
        catalogue = self.catalogue
        texts = [catalogue.user_ids, catalogue.item_ids, catalogue.titles, catalogue.genres]
        return content_hash(texts, self.train.content, self.test.content)

    def without_cold_items(self) -> Dataset:
        """The same without items that nobody interacted with: what models are trained and tested on."""
        if not self.catalogue.cold_items:
            return self
        return replace(self, catalogue=self.catalogue.without_cold_items())

    @classmethod
    def from_arrays(
        cls,
        users: Any,
        items: Any,
        *,
        ratings: Any = None,
        timestamps: Any = None,
        titles: Mapping[Any, str] | None = None,
        genres: Mapping[Any, Sequence[str]] | None = None,
        config: DataConfig = MEMORY,
    ) -> Dataset:
        """Clean and split in-memory interactions, in the same way as interactions from files.

        ``users`` and ``items`` [n] are your own ids, integers or text; ``ratings`` [n] are numbers;
        ``timestamps`` [n] are ``datetime64`` or numbers that grow with time; without them a random item is
        held out. ``titles`` and ``genres`` are by item id. Only the name, minimums, split, seed, licence
        and ``cold_items`` of ``config`` are used. DataError names the invalid argument.
        """
        raw = raw_from_arrays(users, items, ratings, timestamps, titles or {}, genres or {})
        return _from_memory(config, raw)

    @classmethod
    def from_dataframe(cls, frame: Any, *, items: Any = None, config: DataConfig = MEMORY) -> Dataset:
        """Clean and split the interactions of a data frame, one per row.

        ``frame`` is any object with ``__arrow_c_stream__`` or ``__dataframe__``: a pandas, Polars or Modin
        data frame, a PyArrow table, a DuckDB relation. ``config`` names the columns, by default ``user`` and
        ``item``; ``items`` is a second frame with a title and genres (text with a separator, or lists) for
        each item. DataError names the missing or invalid column.
        """
        return _from_memory(config, raw_from_dataframe(frame, items, config))


def _from_memory(config: DataConfig, raw: RawData) -> Dataset:
    in_memory = replace(config, format="memory")
    check_split(in_memory)
    return dataset_from(in_memory, raw)


def dataset_from(config: DataConfig, raw: RawData) -> Dataset:
    """Clean and split the data of a reader.

    DataError if too little remains, or if the data cannot be split as ``config`` asks for.
    """
    cleaned = clean(raw.interactions, config)
    item_ids = cleaned.item_ids
    if raw.test is None:
        holdout = holdout_of(config, raw.interactions.clock, cleaned.interactions.timestamps)
        split = leave_out(
            cleaned.interactions, cleaned.user_ids, len(item_ids), config.seed, holdout, in_place=True
        )
    else:
        item_ids, train = with_candidates(item_ids, cleaned.interactions, raw.test)
        split = given_split(train, cleaned.user_ids, item_ids, raw.test, config.seed)
    cold = cold_items_of(raw.items, item_ids, config)
    catalogue = catalogue_from(
        cleaned.user_ids,
        np.concatenate([item_ids, cold.ids]),
        raw.items,
        split.train,
        cold_items=len(cold.ids),
    )
    return Dataset(
        name=config.name,
        format=raw.format,
        synthetic=False,
        licence=config.licence or raw.licence or "not stated",
        catalogue=catalogue,
        train=split.train,
        test=split.test,
        quality=_quality(raw, cleaned, split, catalogue, cold),
        config=config,
        best_hr_at_10=None,
        user_attributes=attributes_of(raw.users, catalogue.user_ids),
    )


def _quality(
    raw: RawData, cleaned: Cleaned, split: Split, catalogue: Catalogue, cold: ColdItems
) -> QualityReport:
    return QualityReport(
        lines_read=raw.malformed.lines,
        malformed_lines=raw.malformed.count,
        malformed_examples=tuple(raw.malformed.examples),
        bad_timestamps=raw.malformed.bad_times,
        duplicates=cleaned.duplicates,
        below_minimum_rating=cleaned.below_minimum_rating,
        users_dropped=cleaned.users_dropped,
        items_dropped=cleaned.items_dropped,
        interactions_dropped=cleaned.interactions_dropped,
        users_training_only=split.users_training_only,
        users_untested=split.users_untested,
        users_after_training=split.users_after_training,
        negatives=split.test.negatives.shape[1],
        unseen_returned=split.unseen_returned,
        unseen_kept=split.unseen_kept,
        unseen_dropped=split.unseen_dropped,
        test_in_training=split.test_in_training,
        untitled_items=sum(str(item) not in raw.items for item in catalogue.item_ids),
        items_left_out=cold.left_out,
        cold_items=len(cold.ids),
        notes=(*raw.notes, *_title_notes(raw, catalogue), *cold.notes),
    )


def _title_notes(raw: RawData, catalogue: Catalogue) -> list[str]:
    """A note if the ids of the titles are written in another way than those of the interactions."""
    if not raw.items or any(str(item) in raw.items for item in catalogue.item_ids):
        return []
    return [
        f"none of the {len(raw.items):,} titles belongs to an item; ids of titles such as "
        f"{next(iter(raw.items))!r}, of items such as {str(catalogue.item_ids[0])!r}"
    ]


__all__ = ["MEMORY", "Dataset", "dataset_from"]
