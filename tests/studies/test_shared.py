"""A study that several processes share: every job runs once, and whoever stops is replaced."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hanji.runtime.errors import HanjiError
from hanji.studies import claims as claims_module
from hanji.studies.claims import Claims
from hanji.studies.sharing import FOLDER, Work, alone, together

from .tiny import RATINGS

STUDY = """
name = "tiny"
base = "base.toml"
seeds = [0, 1]
formats = ["tflite"]
[[recipes]]
name = "low rank"
compression = [{ type = "low-rank", embedding_size = 4 }]
[[recipes]]
name = "fails"
compression = [{ type = "low-rank", embedding_size = 8 }]
"""
# Jobs that only note that they ran and how: real ones take seconds each.
JOB = """\
import json, os, sys, time
from pathlib import Path
request = json.load(open(sys.argv[1]))
name = (request["variant"] or {"name": "training"})["name"]
folder = Path(request["base"]).parent
with open(folder / "ran", "a") as file: file.write(f"{name} {request['seed']}\\n")
if name == "fails": sys.exit("quantize: unsupported operator")
if (folder / "slow").exists() and name == "low rank":
    (folder / "pid").write_text(str(os.getpid()))
    sys.stdin.read()
    sys.exit(1)
time.sleep(0.2)
out = Path(request["out"])
out.mkdir(parents=True, exist_ok=True)
(out / ("trained" if name == "training" else "row.json")).write_text("{}")
"""
# The command with fast jobs and heartbeats, and with results that show which jobs are done.
COMMAND = f"""\
import sys
from hanji.studies import claims, schedule, board, shared_comparison, comparison, study_layout, files
from hanji.studies.page import page
claims.HEARTBEAT_S, claims.STALE_S, board.POLL_S, shared_comparison.POLL_S = 0.1, 1.0, 0.1, 0.1
schedule.PROGRAM = (sys.executable, "-c", {JOB!r})
study_layout.is_trained = lambda base, content, work: (work / "trained").exists()
class Table:
    def __init__(self, run, reasons):
        rows = [run.layout.run_dir(v, seed) / "row.json" for v in run.layout.variants for seed in (0, 1)]
        self.table = {{"done": sum(row.exists() for row in rows), "reasons": reasons}}
comparison.StudyRun.comparison = lambda self, reasons, timed_on="": Table(self, reasons)
files.study_table = lambda table, command: table.table
files.write_study = lambda table, out: open(out / "written", "a").write("once\\n")
page.write_page = lambda table, path: None
from hanji.runtime.cli import main
sys.exit(main(sys.argv[1:]))
"""


def start(folder: Path, *more: str, study: str = "study.toml") -> subprocess.Popen[str]:
    arguments = ["compare", str(folder / study), "--out", str(folder / "out"), "--jobs", "1", "--json", *more]
    command = [sys.executable, "-c", COMMAND, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err[-3000:]
    table: dict[str, Any] = json.loads(out)
    return table


def ran(folder: Path) -> list[str]:
    return (folder / "ran").read_text().splitlines()


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "base.toml").write_text(RATINGS)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(claims_module, "HEARTBEAT_S", 0.05)
    monkeypatch.setattr(claims_module, "STALE_S", 0.3)


def test_every_job_is_run_once_and_all_get_the_same_table(folder: Path) -> None:
    tables = [result(process) for process in [start(folder, "--shared") for _ in range(2)]]
    names = ("training", "full", "low rank", "fails")
    assert sorted(ran(folder)) == sorted(f"{name} {seed}" for name in names for seed in (0, 1))
    reason = "quantize: unsupported operator"
    expected = {"done": 4, "reasons": {f"fails (seed {seed})": reason for seed in (0, 1)}}
    assert tables == [expected, expected]
    assert (folder / "out" / "written").read_text() == "once\n"
    again = result(start(folder, "--shared"))  # a new run tries what failed, and nothing else
    assert again == expected
    assert sorted(ran(folder)[8:]) == ["fails 0", "fails 1"]


def test_the_jobs_of_a_killed_process_are_taken_over(folder: Path) -> None:
    (folder / "slow").touch()
    killed = start(folder, "--shared")
    wait_until(lambda: (folder / "pid").exists() and (folder / "pid").read_text() != "")
    other = start(folder, "--shared")
    wait_until(lambda: any("low rank 1" in line for line in ran(folder)) or len(ran(folder)) > 4)
    (folder / "slow").unlink()
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert result(other)["done"] == 4
    assert ran(folder).count("low rank 0") == 2 and ran(folder).count("training 0") == 1


def test_a_second_command_on_the_directory_is_refused(folder: Path) -> None:
    (folder / "slow").touch()
    first = start(folder)
    wait_until((folder / "pid").exists)
    for more in ((), ("--shared",)):
        second = start(folder, *more)
        _, err = second.communicate(timeout=60)
        assert second.returncode == 1
        assert f"another command works in this directory: {os.uname().nodename} (process {first.pid})" in err
        assert "give all of them --shared" in err and "Traceback" not in err
    first.kill()
    first.communicate()
    (folder / "slow").unlink()
    assert result(start(folder))["done"] == 4  # at once: the process is known to be gone
    assert not (folder / "out" / FOLDER).exists()


def test_other_work_is_refused(tmp_path: Path) -> None:
    work = Work("1234", {"0": "abcd"}, {"hanji": "0.1.0"})
    others = {
        "another version of hanji: 0.1.0 there, 0.2.0 here": Work("1234", {"0": "abcd"}, {"hanji": "0.2.0"}),
        "another study file or another base recipe": Work("1235", {"0": "abcd"}, {"hanji": "0.1.0"}),
        "other data": Work("1234", {"0": "abce"}, {"hanji": "0.1.0"}),
    }
    with together(tmp_path, work):
        for message, other in others.items():
            with pytest.raises(HanjiError, match=message), together(tmp_path, other):
                pass
        with pytest.raises(HanjiError, match="works in this directory"), alone(tmp_path, "hanji compare"):
            pass
        with pytest.raises(HanjiError, match=r"choose another --out$"), alone(tmp_path, "hanji search"):
            pass
        with together(tmp_path, work):
            pass
    with together(tmp_path, others["other data"]):  # the first is gone
        pass


def test_a_claim_has_one_holder(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    first = claims.claim("job")
    assert first is not None
    assert claims.claim("job") is None and Claims(tmp_path).claim("job") is None
    assert str(claims.holder("job")) == f"{os.uname().nodename} (process {os.getpid()})"
    first.release()
    assert claims.holder("job") is None and not claims.files()
    again = claims.claim("job")
    assert again is not None
    again.release()


@pytest.mark.usefixtures("quick")
def test_a_stale_claim_is_taken_over_and_its_holder_knows(tmp_path: Path) -> None:
    claims = Claims(tmp_path)
    first = claims.claim("job")
    assert first is not None
    time.sleep(0.5)
    assert claims.claim("job") is None  # its heartbeat keeps it
    first._released.set()  # as if the process were suspended
    first._thread.join()
    wait_until(lambda: claims.holder("job") is None)
    second = claims.claim("job")
    assert second is not None and claims.files() == {"job.2.claim"}
    first._released.clear()
    first._beat()
    assert first.lost
    second.release()


def test_the_claim_of_a_process_that_is_gone_is_free(tmp_path: Path) -> None:
    script = (
        "import sys, os; from pathlib import Path; from hanji.studies.claims import Claims\n"
        "Claims(Path(sys.argv[1])).claim('job'); os._exit(1)"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], check=False)
    claims = Claims(tmp_path)
    assert claims.files() == {"job.1.claim"}
    if not Path("/proc/self/ns/pid").exists():
        pytest.skip("without /proc, a process on the same machine is not known to be gone")
    assert claims.holder("job") is None


def test_of_several_that_take_over_one_wins(tmp_path: Path) -> None:
    (tmp_path / "job.1.claim").write_text('{"host": "gone", "pid": 1, "system": ""}')
    os.utime(tmp_path / "job.1.claim", (0, 0))
    first = Claims(tmp_path).claim("job")
    assert first is not None
    assert Claims(tmp_path).claim("job") is None
    (tmp_path / "other.3.claim").write_text("")  # just made, and not yet filled in
    assert str(Claims(tmp_path).holder("other")) == "another process (process 0)"
    first.release()
