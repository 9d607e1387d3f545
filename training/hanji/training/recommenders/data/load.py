"""From a config and a directory to a Dataset."""

from __future__ import annotations

from pathlib import Path

from hanji.training.errors import DataError
from hanji.training.recommenders.data.clean import Cleaned, clean
from hanji.training.recommenders.data.config import DataConfig
from hanji.training.recommenders.data.dataset import Catalogue, Dataset, catalogue_from
from hanji.training.recommenders.data.delimited import read_delimited
from hanji.training.recommenders.data.detect import detect_format
from hanji.training.recommenders.data.movielens import (
    read_movielens_1m,
    read_movielens_100k,
    read_movielens_csv,
)
from hanji.training.recommenders.data.ncf import read_ncf
from hanji.training.recommenders.data.quality import QualityReport
from hanji.training.recommenders.data.raw import RawData
from hanji.training.recommenders.data.split import Split, given_split, leave_one_out, with_candidates
from hanji.training.recommenders.data.synthetic import make_synthetic


def load_dataset(config: DataConfig, directory: Path | None) -> Dataset:
    """Read, check, clean and split the data; the same config and files give the same dataset.

    `directory` holds the files; None for the synthetic catalogue, which has none.
    Raises DataError if the data cannot be used, with the file, the line and what to try.
    """
    if config.format == "synthetic":
        if directory is not None:
            raise DataError(
                f'data.format is "synthetic", which reads no files, yet the directory {directory} was given; '
                'set data.format = "auto" and data.name to use it, or leave it out'
            )
        return make_synthetic(config)
    if directory is None:
        raise DataError(
            f'data.format is "{config.format}", which needs a directory with the files; give it as --data'
        )
    return _dataset(config, _read(config, directory))


def _read(config: DataConfig, directory: Path) -> RawData:
    chosen = detect_format(config, directory) if config.format == "auto" else config.format
    if chosen == "ncf":
        return read_ncf(config, directory)
    if chosen == "movielens-1m":
        return read_movielens_1m(config, directory)
    if chosen == "movielens-100k":
        return read_movielens_100k(config, directory)
    if chosen == "movielens-csv":
        return read_movielens_csv(config, directory)
    return read_delimited(config, directory)


def _dataset(config: DataConfig, raw: RawData) -> Dataset:
    cleaned = clean(raw.ratings, config)
    item_ids = cleaned.item_ids
    if raw.test is None:
        split = leave_one_out(cleaned.interactions, cleaned.user_ids, len(item_ids), config.seed)
    else:
        item_ids, train = with_candidates(item_ids, cleaned.interactions, raw.test)
        split = given_split(train, cleaned.user_ids, item_ids, raw.test)
    catalogue = catalogue_from(cleaned.user_ids, item_ids, raw.items, split.train)
    return Dataset(
        name=config.name,
        format=raw.format,
        synthetic=False,
        licence=config.licence or raw.licence or "not stated",
        catalogue=catalogue,
        train=split.train,
        test=split.test,
        quality=_quality(raw, cleaned, split, catalogue),
        config=config,
        best_hr_at_10=None,
    )


def _quality(raw: RawData, cleaned: Cleaned, split: Split, catalogue: Catalogue) -> QualityReport:
    return QualityReport(
        lines_read=raw.faults.lines,
        malformed_lines=raw.faults.malformed,
        malformed_examples=tuple(raw.faults.examples),
        bad_timestamps=raw.faults.bad_times,
        duplicates=cleaned.duplicates,
        below_minimum_rating=cleaned.below_minimum_rating,
        users_dropped=cleaned.users_dropped,
        items_dropped=cleaned.items_dropped,
        interactions_dropped=cleaned.interactions_dropped,
        users_training_only=split.users_training_only,
        unseen_returned=split.unseen_returned,
        unseen_kept=split.unseen_kept,
        unseen_dropped=split.unseen_dropped,
        test_in_training=split.test_in_training,
        untitled_items=sum(str(item) not in raw.items for item in catalogue.item_ids),
    )
