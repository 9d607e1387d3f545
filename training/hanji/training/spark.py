"""Spark: a session on this machine or on a cluster, quiet, with errors in one line.

PySpark is the extra ``spark``. What the environment configures applies (SPARK_HOME, SPARK_CONF_DIR,
PYSPARK_SUBMIT_ARGS); a master on this machine is bound to loopback, and the web interface is off.
"""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hanji.training.errors import DataError, HanjiError, RecipeError
from hanji.training.memory import available_memory
from hanji.training.unfinished import remove_leftovers, unfinished_directory

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

LOCAL = "local[*]"
_MEMORY = "SPARK_DRIVER_MEMORY"  # the environment's, which configuration files and arguments override
_MEMORY_SHARE = 4  # of what may be used: arrays need the rest
_LEAST_MEMORY = 1 << 29
_CONNECT_SECONDS = 10.0
_EXECUTOR_SECONDS = 60.0
_SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.sql.caseSensitive": "true",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.parquet.compression.codec": "zstd",
    "spark.driver.maxResultSize": "0",
}


@dataclass(frozen=True)
class Spark:
    """A session, and a directory for tables between stages, which driver and workers share."""

    session: SparkSession
    shared: Path


@contextmanager
def open_spark(master: str | None, shared: Path) -> Iterator[Spark]:
    """A session at ``master``, which ends with the block; None for the environment's, or all cores here.

    ``shared`` is an existing directory that all workers see under this path, and in which they may write; a
    temporary one is made in it.
    RecipeError if PySpark or Java is missing or the master cannot be reached; DataError for what fails on
    Spark later.
    """
    _expect_installed()
    _expect_reachable(master)
    remove_leftovers(shared)
    with unfinished_directory(shared / "spark", mode=0o700) as directory, _no_advice():
        session = _session(master)
        try:
            with _in_one_line():
                _expect_executors(session)
                yield Spark(session, directory.resolve())
        finally:
            session.stop()


@contextmanager
def _no_advice() -> Iterator[None]:
    """Drop PySpark's warning about versions of pandas, which is not used."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
        yield


def _expect_installed() -> None:
    try:
        import pyspark  # noqa: F401
    except ImportError:
        raise RecipeError(
            'Spark needs the extra "spark" of hanji, which is not installed; '
            "install it with: pip install 'hanji[spark]'"
        ) from None
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else shutil.which("java")
    if java is None or not Path(java).is_file():
        where = f"JAVA_HOME, {home}" if home else "the PATH"
        raise RecipeError(
            f"Spark needs Java 17 or newer, and there is none in {where}; install it (Debian: "
            "apt install openjdk-17-jre-headless), or set JAVA_HOME"
        )


def _expect_reachable(master: str | None) -> None:
    """RecipeError if no host of a standalone ``master`` accepts a connection; Spark would try for minutes."""
    if master is None or not master.startswith("spark://"):
        return
    reasons = []
    for address in master.removeprefix("spark://").split(","):
        host, _, port = address.rpartition(":")
        if not host or not port.isdigit():
            raise RecipeError(f"--master: expected spark://HOST:PORT, found {master!r}")
        try:
            socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            reasons.append(f"{address}: {error}")
        else:
            return
    raise RecipeError(
        f"--master {master}: expected a Spark master, found none ({'; '.join(reasons)}); check the address, "
        "and that the master is running"
    )


def _session(master: str | None) -> SparkSession:
    from py4j.protocol import Py4JError
    from pyspark import SparkConf, SparkContext
    from pyspark.errors import PySparkException
    from pyspark.sql import SparkSession

    _start_java(SparkContext)
    if SparkContext._active_spark_context is not None:
        raise RecipeError("a Spark session is active in this process; stop it before")
    # Later configuration goes on top of that of the environment, which Java has read by now.
    configured = SparkConf()
    used = master or configured.get("spark.master") or LOCAL
    builder = SparkSession.builder.appName("hanji").master(used)
    addresses = {} if configured.contains("spark.driver.host") else _addresses(used)
    for key, value in (_SETTINGS | addresses).items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except (Py4JError, PySparkException) as error:
        raise RecipeError(f"--master {used}: Spark does not start: {reason_of(error)}") from None


def _start_java(context: Any) -> None:
    """Start Java once in this process; what it prints is kept for the message if it does not start."""
    from pyspark.errors import PySparkRuntimeError
    from pyspark.java_gateway import launch_gateway

    if context._gateway is not None:
        return
    with tempfile.TemporaryFile() as printed, _default_memory():
        try:
            gateway = launch_gateway(popen_kwargs={"stderr": printed, "stdout": printed})
        except PySparkRuntimeError:
            printed.seek(0)
            lines = printed.read().decode(errors="replace").strip().splitlines() or ["no output"]
            reason = next((line for line in reversed(lines) if "Error" in line), lines[-1]).strip()
            raise RecipeError(
                f"Java does not start Spark, which needs Java 17 or newer: {reason[:200]}; check JAVA_HOME"
            ) from None
    context._ensure_initialized(gateway=gateway)


@contextmanager
def _default_memory() -> Iterator[None]:
    """Give Spark's driver a share of the memory, unless the environment says how much."""
    if _MEMORY in os.environ:
        yield
        return
    os.environ[_MEMORY] = f"{max(available_memory() // _MEMORY_SHARE, _LEAST_MEMORY) >> 20}m"
    try:
        yield
    finally:
        del os.environ[_MEMORY]


def _addresses(master: str) -> dict[str, str]:
    """Bind to loopback where every process of Spark is on this machine."""
    if not re.match(r"local\b|spark://(localhost|127\.\d+\.\d+\.\d+)[:,]", master):
        return {}
    return {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}


def _expect_executors(session: SparkSession) -> None:
    """RecipeError if a cluster gives no executor within a minute; Spark would wait forever."""
    context: Any = session.sparkContext
    if context.master.startswith("local"):
        return
    end = time.monotonic() + _EXECUTOR_SECONDS
    while context._jsc.sc().getExecutorMemoryStatus().size() < 2:  # the driver is one of them
        if time.monotonic() > end:
            raise RecipeError(
                f"--master {context.master}: no worker started an executor within {_EXECUTOR_SECONDS:.0f} s; "
                "check that workers are running and have the memory and cores that spark.executor.memory and "
                "spark.executor.cores ask for"
            )
        time.sleep(0.2)


@contextmanager
def _in_one_line() -> Iterator[None]:
    """Turn errors of Spark into a DataError with the innermost reason."""
    from py4j.protocol import Py4JError
    from pyspark.errors import PySparkException

    try:
        yield
    except (Py4JError, PySparkException) as error:
        raise DataError(
            f"Spark: {reason_of(error)}; check memory and disk space of its workers, and that all of them "
            "see the data and the output under the same paths"
        ) from None


def reason_of(error: BaseException) -> str:
    """The innermost reason of an error of Spark, in one line."""
    if isinstance(error, HanjiError):
        return str(error)
    text = str(error)
    causes = re.findall(r"Caused by: ([^\n]+)", text)
    lines = [line for line in text.splitlines() if line.strip() and not line.endswith(": ")]
    reason = causes[-1] if causes else lines[0] if lines else type(error).__name__
    return re.sub(r"^(?:[a-z]\w*\.)+([A-Z]\w*: )", r"\1", reason.strip())[:300]


__all__ = ["LOCAL", "Spark", "open_spark", "reason_of"]
