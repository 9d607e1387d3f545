"""Prepared data: a cleaned and split dataset on disk, which is mapped into memory instead of being read.

The directory has the interactions and texts as Parquet, for people and other programs, and the indices as
NumPy arrays sorted by user and time, from which training starts at once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from hanji.training.errors import DataError
from hanji.training.files import FORMAT_VERSION, atomic_directory, read_about, stage_output
from hanji.training.recommenders.data.config import PREPARED, DataConfig
from hanji.training.recommenders.data.dataset import Dataset
from hanji.training.recommenders.data.interactions import Catalogue, Interactions, LeaveOneOut
from hanji.training.recommenders.data.quality import QualityReport
from hanji.training.recommenders.data.user_groups import Attributes
from hanji.training.regular_files import regular_file
from hanji.training.settings import table_from

_MADE_BY = "hanji data prepare"
_ATTRIBUTES = "user_attributes.parquet"
_ROWS = 1 << 20
_KEPT = ("name", "licence", "format")
"""The keys of a recipe that still apply to prepared data."""


def write_prepared(dataset: Dataset, directory: Path, *, replace: bool = False) -> None:
    """Write a dataset; nothing is left half-written. HanjiError if the directory cannot be written."""
    with atomic_directory(directory, replace=replace) as staging:
        for name, array in _arrays(dataset).items():
            np.save(staging / f"{name}.npy", array)
        catalogue = dataset.catalogue
        pq.write_table(pa.table({"id": _id_array(catalogue.user_ids)}), staging / "users.parquet")
        pq.write_table(pa.table(_texts(dataset.user_attributes)), staging / _ATTRIBUTES)
        pq.write_table(_items(catalogue), staging / "items.parquet")
        _write_interactions(dataset, staging / "interactions.parquet")
        (staging / PREPARED).write_text(
            json.dumps(_about(dataset), ensure_ascii=False, indent=1) + "\n", "utf-8"
        )


@stage_output(_MADE_BY)
def read_prepared(config: DataConfig, directory: Path) -> Dataset:
    """A dataset written by ``write_prepared``, its arrays mapped into memory.

    DataError if the directory is not complete, or if ``config`` asks for what was decided at preparation.
    """
    about = read_about(directory / PREPARED, _MADE_BY)
    _check_config(config, directory)
    times = directory / "train_times.npy"
    train = Interactions(
        _mapped(directory, "train_users"),
        _mapped(directory, "train_items"),
        _mapped(directory, "train_times") if times.exists() else None,
    )
    users, items, negatives = (_mapped(directory, f"test_{name}") for name in ("users", "items", "negatives"))
    test = LeaveOneOut(users, items, negatives, about["split"])
    if (len(train), len(test)) != (about["training_interactions"], about["test_rows"]):
        raise _incomplete(directory, "its files do not belong together")
    quality: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in about["quality"].items()
    }
    dataset = Dataset(
        name=config.name,
        format="prepared",
        synthetic=about["synthetic"],
        licence=config.licence or about["licence"],
        catalogue=_catalogue(directory, about.get("cold_items", 0)),
        train=train,
        test=test,
        quality=QualityReport(**quality),
        config=config,
        best_hr_at_10=about["best_hr_at_10"],
        best_ndcg_at_10=about.get("best_ndcg_at_10"),  # not recorded by earlier versions
        user_attributes=_attributes(directory),
    )
    vars(dataset)["content"] = about["content"]  # it would take reading everything to compute it again
    return dataset


def _about(dataset: Dataset) -> dict[str, Any]:
    return {
        "format_version": FORMAT_VERSION,
        "name": dataset.name,
        "read_as": dataset.format,
        "synthetic": dataset.synthetic,
        "licence": dataset.licence,
        "users": dataset.catalogue.users,
        "items": dataset.catalogue.items,
        "training_interactions": len(dataset.train),
        "test_rows": len(dataset.test),
        "split": dataset.test.split,
        "cold_items": dataset.catalogue.cold_items,
        "content": dataset.content,
        "best_hr_at_10": dataset.best_hr_at_10,
        "best_ndcg_at_10": dataset.best_ndcg_at_10,
        "config": table_from(dataset.config),
        "quality": dataset.quality.table(),
    }


def _arrays(dataset: Dataset) -> dict[str, NDArray[Any]]:
    train, test = dataset.train, dataset.test
    arrays: dict[str, NDArray[Any]] = {"train_users": train.users, "train_items": train.items}
    arrays |= {} if train.timestamps is None else {"train_times": train.timestamps}
    return arrays | {"test_users": test.users, "test_items": test.items, "test_negatives": test.negatives}


def _write_interactions(dataset: Dataset, path: Path) -> None:
    """The interactions with their own ids, in row groups of limited size."""
    writer = None
    for table in _interaction_tables(dataset):
        writer = writer or pq.ParquetWriter(path, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _interaction_tables(dataset: Dataset) -> Iterator[pa.Table]:
    users, items = _id_array(dataset.catalogue.user_ids), _id_array(dataset.catalogue.item_ids)
    parts = (("train", dataset.train), ("test", dataset.test))
    for part, rows in parts:
        for start in range(0, len(rows), _ROWS):
            chunk = slice(start, start + _ROWS)
            columns = {"user": users.take(rows.users[chunk]), "item": items.take(rows.items[chunk])}
            if dataset.train.timestamps is not None:
                known = rows.timestamps if isinstance(rows, Interactions) else None
                columns["time"] = pa.array(
                    [None] * len(columns["user"]) if known is None else known[chunk], pa.int64()
                )
            yield pa.table({**columns, "part": pa.array([part] * len(columns["user"])).dictionary_encode()})


def _texts(attributes: Attributes) -> dict[str, pa.Array]:
    return {name: pa.array(values, pa.string()) for name, values in attributes.items()}


def _attributes(directory: Path) -> Attributes:
    path = directory / _ATTRIBUTES
    if not path.exists():  # prepared by an earlier version
        return {}
    table = _table(path)
    return {name: tuple(table.column(name).to_pylist()) for name in table.column_names}


def _items(catalogue: Catalogue) -> pa.Table:
    return pa.table(
        {
            "id": _id_array(catalogue.item_ids),
            "title": list(catalogue.titles),
            "genres": pa.array(map(list, catalogue.genres), pa.list_(pa.string())),
            "popularity": pa.array(catalogue.popularity, pa.int64()),
        }
    )


def _catalogue(directory: Path, cold_items: int) -> Catalogue:
    users, items = (_table(directory / f"{name}.parquet") for name in ("users", "items"))
    return Catalogue(
        user_ids=tuple(users.column("id").to_pylist()),
        item_ids=tuple(items.column("id").to_pylist()),
        titles=tuple(items.column("title").to_pylist()),
        genres=tuple(map(tuple, items.column("genres").to_pylist())),
        popularity=tuple(items.column("popularity").to_pylist()),
        cold_items=cold_items,
    )


def _id_array(ids: tuple[str, ...] | tuple[int, ...]) -> pa.Array:
    return pa.array(ids, pa.int64() if isinstance(ids[0], int) else pa.string())


def _table(path: Path) -> pa.Table:
    try:
        return pq.read_table(regular_file(path))
    except (OSError, pa.ArrowInvalid) as error:
        raise _incomplete(path, error) from None


def _mapped(directory: Path, name: str) -> NDArray[Any]:
    path = directory / f"{name}.npy"
    try:
        array: NDArray[Any] = np.load(regular_file(path), mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise _incomplete(path, error) from None
    return array


def _incomplete(path: Path, error: object) -> DataError:
    return DataError(f"{path}: cannot be read ({error}); run `{_MADE_BY}` again")


def _check_config(config: DataConfig, directory: Path) -> None:
    default = table_from(DataConfig(name=config.name, format=config.format))
    changed = [
        key for key, value in table_from(config).items() if value != default.get(key) and key not in _KEPT
    ]
    if changed:
        raise DataError(
            f"data.{changed[0]}: the data in {directory} is prepared already, and this key would not apply; "
            f"remove it, or run `{_MADE_BY}` again with it"
        )


__all__ = ["read_prepared", "write_prepared"]
