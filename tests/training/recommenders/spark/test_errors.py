"""What a user can get wrong with Spark: one line, exit code 1 or 2, and nothing is left behind."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hanji.training.errors import DataError
from hanji.training.recommenders.data import DataConfig, load_dataset
from hanji.training.spark import Spark, reason_of

from .conftest import free_port


def prepare(source: Path, *options: str, **env: str) -> subprocess.CompletedProcess[str]:
    """`hanji data prepare` of a small table."""
    source.mkdir(exist_ok=True)
    (source / "plays.csv").write_text("user,item\n" + "".join(f"{n % 7},{n % 50}\n" for n in range(200)))
    command = [sys.executable, "-m", "hanji.runtime.cli", "data", "prepare", str(source)]
    return subprocess.run(
        [*command, "--out", str(source.parent / "out"), *options],
        capture_output=True,
        text=True,
        env=os.environ | env,
        timeout=60,
    )


def expect_error(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 1, done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    for word in words:
        assert word in done.stderr


def test_java_is_missing(tmp_path: Path) -> None:
    for env in ({"JAVA_HOME": str(tmp_path / "no")}, {"JAVA_HOME": "", "PATH": str(tmp_path)}):
        done = prepare(tmp_path / "source", "--engine", "spark", **env)
        expect_error(done, "Spark needs Java 17 or newer", "openjdk-17-jre-headless", "JAVA_HOME")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def test_java_does_not_start(tmp_path: Path) -> None:
    java = tmp_path / "jdk" / "bin" / "java"
    java.parent.mkdir(parents=True)
    java.write_text("#!/bin/sh\necho UnsupportedClassVersionError: too old >&2\nexit 1\n")
    java.chmod(0o755)
    done = prepare(tmp_path / "source", "--engine", "spark", JAVA_HOME=str(tmp_path / "jdk"))
    expect_error(done, "Java 17 or newer", "too old", "JAVA_HOME")


def test_pyspark_is_missing(tmp_path: Path) -> None:
    (tmp_path / "pyspark.py").write_text("raise ModuleNotFoundError('no pyspark')\n")
    path = os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])
    done = prepare(tmp_path / "source", "--engine", "spark", PYTHONPATH=path)
    expect_error(done, "pip install 'hanji[spark]'")


def test_no_master_answers(java: None, tmp_path: Path) -> None:
    master = f"spark://127.0.0.1:{free_port()}"
    done = prepare(tmp_path / "source", "--engine", "spark", "--master", master)
    expect_error(done, master, "expected a Spark master, found none", "refused")
    done = prepare(tmp_path / "source", "--engine", "spark", "--master", "spark://nowhere")
    expect_error(done, "expected spark://HOST:PORT")


def test_a_master_needs_the_engine(tmp_path: Path) -> None:
    done = prepare(tmp_path / "source", "--master", "local[2]")
    expect_error(done, "--master is for --engine spark")


def test_an_unknown_kind_of_master(java: None, tmp_path: Path) -> None:
    done = prepare(tmp_path / "source", "--engine", "spark", "--master", "what://ever")
    expect_error(done, "--master what://ever: Spark does not start")
    assert [path.name for path in tmp_path.iterdir()] == ["source"]


def pairs(at: Path) -> dict[str, object]:
    (at / "plays.txt").write_text("1 2\n1 3\n")
    return {"format": "pairs"}


def zstandard(at: Path) -> dict[str, object]:
    with pa.CompressedOutputStream(str(at / "plays.csv.zst"), "zstd") as stream:
        stream.write(b"user,item\n1,2\n")
    return {}


def another_encoding(at: Path) -> dict[str, object]:
    (at / "plays.csv").write_bytes("user,item\n책,2\n".encode("cp949"))
    return {"encoding": "cp949"}


def hidden_name(at: Path) -> dict[str, object]:
    (at / "_plays.csv").write_text("user,item\n1,2\n")
    return {}


def nanoseconds(at: Path) -> dict[str, object]:
    times = pa.array([1, 2], pa.timestamp("ns"))
    pq.write_table(pa.table({"user": [1, 2], "item": [3, 4], "time": times}), at / "plays.parquet")
    return {}


def address(at: Path) -> dict[str, object]:
    return {"format": "table", "ratings": "s3://bucket/folder"}


@pytest.mark.parametrize("write", [pairs, zstandard, another_encoding, hidden_name, nanoseconds, address])
def test_what_spark_does_not_serve_is_refused(
    write: Callable[[Path], dict[str, object]], tmp_path: Path
) -> None:
    config = DataConfig(**{"name": "toy", "format": "auto", **write(tmp_path)})  # type: ignore[arg-type]
    session: object = None  # is not used before
    with pytest.raises(DataError, match=r"Spark does not read|Spark does not read as DuckDB does"):
        load_dataset(config, tmp_path, Spark(session, tmp_path))  # type: ignore[arg-type]


def test_the_innermost_reason_is_shown() -> None:
    error = RuntimeError("An error occurred.\n: a.B: x\n\tat y\nCaused by: org.c.SparkException: no space\n")
    assert reason_of(error) == "SparkException: no space"
