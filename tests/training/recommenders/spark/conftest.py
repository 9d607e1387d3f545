"""A standalone cluster of Spark on loopback: a master and two workers, each a process of its own."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hanji.training.spark import Spark, open_spark

from ....left_out import install_in_ci, missing

WORKERS = 2
MASTER_CLASS, WORKER_CLASS = (
    "org.apache.spark.deploy.master.Master",
    "org.apache.spark.deploy.worker.Worker",
)
QUICK = "-XX:TieredStopAtLevel=1"
SMALL = {
    "spark.executor.memory": "512m",
    "spark.driver.memory": "512m",
    "spark.sql.shuffle.partitions": "2",
    "spark.default.parallelism": "2",
    "spark.sql.files.maxPartitionBytes": "20000",  # several parts of each file, though files are small
    "spark.sql.files.openCostInBytes": "0",
    "spark.driver.extraJavaOptions": QUICK,
    "spark.executor.extraJavaOptions": QUICK,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",  # for so few rows, compiling takes longer than they do
    "spark.sql.codegen.wholeStage": "false",
}


@pytest.fixture(scope="session")
def java() -> None:
    """Skip the test where there is no Java."""
    install_in_ci({"java": "openjdk-17-jre-headless"})
    if shutil.which("java") is None:
        missing("Java, in which Spark runs; install openjdk-17-jre-headless")


@pytest.fixture(scope="session")
def master(java: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a running cluster with two workers."""
    with pytest.MonkeyPatch.context() as patch:
        settings = " ".join(f"--conf {key}={value}" for key, value in SMALL.items())
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"{settings} pyspark-shell")
        yield from cluster(tmp_path_factory.mktemp("cluster"))


def cluster(home: Path) -> Iterator[str]:
    """Start a cluster whose processes write below ``home``; yield its URL, and stop it."""
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    started = [start(home / "master", MASTER_CLASS, "--port", str(port))]
    try:
        wait_for(home / "master" / "log", "I have been elected leader")
        for number in range(WORKERS):
            at = home / f"worker-{number}"
            options = ("--cores", "1", "--memory", "600m", "--work-dir", str(at / "work"), url)
            started.append(start(at, WORKER_CLASS, *options))
        for number in range(WORKERS):
            wait_for(home / f"worker-{number}" / "log", "Successfully registered with master")
        yield url
    finally:
        for process in reversed(started):
            process.terminate()
        for process in started:
            process.wait(20)


def start(at: Path, name: str, *options: str) -> subprocess.Popen[bytes]:
    """A process of the cluster, which writes to ``at / "log"``."""
    import pyspark

    at.mkdir()
    env = {
        **os.environ,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "SPARK_DAEMON_MEMORY": "256m",
        "SPARK_DAEMON_JAVA_OPTS": QUICK,
        "SPARK_CONF_DIR": str(at),
    }
    (at / "log4j2.properties").write_text(
        "rootLogger.level = info\nrootLogger.appenderRef.out.ref = out\nappender.out.type = Console\n"
        "appender.out.name = out\nappender.out.layout.type = PatternLayout\n"
    )
    command = [str(Path(pyspark.__file__).parent / "bin" / "spark-class"), name, "--host", "127.0.0.1"]
    with (at / "log").open("wb") as log:
        return subprocess.Popen(
            [*command, "--webui-port", "0", *options], stdout=log, stderr=subprocess.STDOUT, env=env, cwd=at
        )


def wait_for(log: Path, text: str, seconds: float = 60.0) -> None:
    """Wait until a log has a text."""
    end = time.monotonic() + seconds
    while text not in log.read_text(errors="replace"):
        assert time.monotonic() < end, log.read_text(errors="replace")[-2000:]
        time.sleep(0.1)


def free_port() -> int:
    """A port of loopback that nothing listens at."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="module")
def spark(master: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spark]:
    """A session on the cluster."""
    with open_spark(master, tmp_path_factory.mktemp("shared")) as session:
        yield session
