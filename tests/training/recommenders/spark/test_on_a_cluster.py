"""Spark on a standalone cluster: the bytes of DuckDB or a refusal, and ALS that ranks as well as ours."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from hanji.runtime.cli import main
from hanji.training.errors import DataError
from hanji.training.recommenders.baselines import baselines as module
from hanji.training.recommenders.baselines.als import Als
from hanji.training.recommenders.baselines.baselines import baselines
from hanji.training.recommenders.baselines.ensemble import fit_ensemble
from hanji.training.recommenders.baselines.histories import evaluate_scores, histories_of
from hanji.training.recommenders.baselines.spark_als import fit_spark_als
from hanji.training.recommenders.data import DataConfig, Dataset, load_dataset
from hanji.training.recommenders.data.prepared import write_prepared
from hanji.training.recommenders.data.validation import train_validation_split
from hanji.training.spark import Spark

from .files import REFUSED, SOURCES, Write, rows, text


def bytes_in(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_the_command_writes_the_bytes_of_duckdb_and_nothing_else(
    master: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It runs before the session of the other tests, which takes all cores of the cluster."""
    source, out, found = tmp_path / "source", tmp_path / "out", {}
    source.mkdir()
    (source / "plays.csv").write_text(text(rows()))
    for engine, options in (("duckdb", ()), ("spark", ("--master", master))):
        command = ["data", "prepare", str(source), "--out", str(out), "--engine", engine, *options]
        assert main(command) == 0
        found[engine] = bytes_in(out), *capfd.readouterr()
        out.rename(tmp_path / engine)
    assert found["spark"] == found["duckdb"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["duckdb", "source", "spark"]


@pytest.mark.parametrize("write", SOURCES)
def test_the_same_bytes(write: Write, spark: Spark, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.mkdir()
    config = DataConfig(**{"name": "toy", "format": "auto", **write(source)})  # type: ignore[arg-type]
    for name, engine in (("duckdb", None), ("spark", spark)):
        write_prepared(load_dataset(config, source, engine), tmp_path / name)
    files, found = bytes_in(tmp_path / "duckdb"), bytes_in(tmp_path / "spark")
    assert found["prepared.json"].decode() == files["prepared.json"].decode()
    assert found == files


@pytest.mark.parametrize("write", REFUSED)
def test_what_would_differ_is_refused(write: Callable[[Path], str], spark: Spark, tmp_path: Path) -> None:
    expected = write(tmp_path)
    with pytest.raises(DataError, match=expected):
        load_dataset(DataConfig(name="toy", format="auto"), tmp_path, spark)


@pytest.mark.parametrize(
    "body",
    [
        text([*rows(20), *[("1", "2", "3", "x")] * 12]),
        text([("1", "2", "3", "-4")] * 3),
        text(rows(20)).replace("\n", "\n\n") + "é,1,2,3\n\xff",
    ],
    ids=["more than the limit", "none is valid", "not UTF-8"],
)
def test_errors_in_the_data_are_those_of_duckdb(body: str, spark: Spark, tmp_path: Path) -> None:
    (tmp_path / "plays.csv").write_bytes(body.encode("latin-1"))
    config = DataConfig(name="toy", format="auto", malformed_limit=10)
    messages = []
    for engine in (None, spark):
        with pytest.raises(DataError) as error:
            load_dataset(config, tmp_path, engine)
        messages.append(str(error.value))
    assert messages[0] == messages[1]


def test_it_ranks_as_well_as_ours(spark: Spark, small_dataset: Dataset) -> None:
    train = histories_of(small_dataset.train, users=200, items=200)
    train = sparse.csr_matrix(train.multiply(np.arange(200) != 7))
    ours = evaluate_scores(Als.fit(train, factors=16).scores, small_dataset)
    model = fit_spark_als(spark, train, factors=16, epochs=11)
    found = evaluate_scores(model.scores, small_dataset)
    assert found["ndcg_at_10"] == pytest.approx(ours["ndcg_at_10"], abs=0.03)
    assert found["hr_at_10"] == pytest.approx(ours["hr_at_10"], abs=0.05)
    assert model.items.shape == (200, 16)
    assert model.items.dtype == np.float32
    assert not model.items[7].any()  # it has no interactions
    assert model.items[8].any()
    assert any(path.is_dir() for path in spark.shared.rglob("rdd-*")), "checkpoints are written"


def test_it_is_a_baseline_and_a_member_of_the_ensemble(
    spark: Spark, small_dataset: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ALS_REGULARIZATIONS", (0.007,))
    fit = partial(fit_spark_als, spark, epochs=2)
    found = {row.name: row for row in baselines(small_dataset, factors=8, spark_als=fit)}
    assert found["spark-als"].settings == found["als"].settings == "8 factors, regularization 0.007"
    assert found["spark-als"].metrics["ndcg_at_10"] > 1.5 * found["popularity"].metrics["ndcg_at_10"]
    ensemble = fit_ensemble(train_validation_split(small_dataset, 0), seed=0, factors=8, fit_als=fit)
    assert ensemble.weights["ALS"] > 0.0
