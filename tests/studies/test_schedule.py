"""Jobs in separate processes: in parallel, in order, and with independent failures."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from hanji.studies import schedule
from hanji.studies.job import Job, share_checkpoints
from hanji.studies.schedule import PlannedJob, run_all
from hanji.studies.variant import Variant
from hanji.training.commands.interruption import resumable
from hanji.training.errors import HanjiError

SCRIPT = """\
import json, os, signal, sys, time
request = json.load(open(sys.argv[1]))
open(request["out"] + "/order", "a").write(request["variant"]["name"] + "\\n")
name = request["variant"]["name"]
if name == "failed": sys.exit("quantize: unsupported operator")
if name == "killed": os.kill(os.getpid(), signal.SIGKILL)
if name == "raised": raise RuntimeError("internal error")
if name == "long": open(request["out"] + "/pid", "w").write(str(os.getpid())); time.sleep(60)
time.sleep(0.3)
"""


@pytest.fixture(autouse=True)
def fake_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "PROGRAM", (sys.executable, "-c", SCRIPT))


def planned(name: str, folder: Path, **more) -> PlannedJob:
    job = Job(folder / "base.toml", Variant(name, ()), 0, ("tflite",), None, folder, folder)
    return PlannedJob(name, job, folder / "logs" / f"{name}.log", **more)


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().split()


def test_a_failed_job_does_not_stop_the_others(tmp_path: Path) -> None:
    names = ("failed", "killed", "raised", "fine")
    failures = run_all([planned(name, tmp_path) for name in names], jobs=2, what="Jobs")
    assert failures == {
        "failed": "quantize: unsupported operator",
        "killed": "terminated by signal 9 (SIGKILL), possibly out of memory",
        "raised": "RuntimeError: internal error",
    }
    assert sorted(order(tmp_path)) == sorted(names)


def test_running_jobs_are_logged_from_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run_all([planned(name, tmp_path) for name in ("one", "two", "three")], jobs=2, what="Jobs")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Jobs: 0/3 steps, 0 s; running: one, two"
    assert "three" in lines[-1] and "s left" in lines[-1]


def test_a_waiting_job_starts_after_the_other_even_if_that_failed(tmp_path: Path) -> None:
    started: list[str] = []
    jobs = [
        planned("second", tmp_path, after="failed", before_start=lambda: started.append("second")),
        planned("failed", tmp_path),
    ]
    run_all(jobs, jobs=2, what="Jobs")
    assert order(tmp_path) == ["failed", "second"]
    assert started == ["second"]


def test_terminating_a_study_terminates_its_jobs(tmp_path: Path) -> None:
    def terminate() -> None:
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=terminate, daemon=True).start()
    with pytest.raises(HanjiError, match="run the same command again"), resumable():
        run_all([planned("long", tmp_path)], jobs=1, what="Jobs")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_job_ends_with_the_process_that_started_it() -> None:
    script = "from hanji.studies.run_job import _end_with_stdin; _end_with_stdin()"
    job = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE)
    with pytest.raises(subprocess.TimeoutExpired):
        job.wait(2)
    job.communicate()  # closes its stdin, as the system does when the study is killed
    assert job.returncode == 1


def test_a_job_can_be_written_and_read_as_json(tmp_path: Path) -> None:
    variant = Variant("a · b", ({"type": "quantize", "scheme": "int8"},))
    job = Job(tmp_path / "base.toml", variant, 3, ("tflite", "onnx"), tmp_path, tmp_path, tmp_path, True)
    assert Job.from_json(json.loads(json.dumps(job.as_json()))) == job


def test_students_are_shared(tmp_path: Path) -> None:
    done, other = Variant("done", ()), Variant("other", ())
    source = tmp_path / "checkpoints" / done.slug
    (source / "teacher").mkdir(parents=True)
    (source / "teacher" / "logits.npy").write_bytes(b"1")
    (source / "distilling.npz").write_bytes(b"2")
    (source / "quantization-aware-training.npz").write_bytes(b"3")
    share_checkpoints(tmp_path, done, other)
    target = tmp_path / "checkpoints" / other.slug
    assert sorted(path.name for path in target.iterdir()) == ["distilling.npz", "teacher"]
    (target / "distilling.npz").write_bytes(b"own")
    share_checkpoints(tmp_path, done, other)
    assert (target / "distilling.npz").read_bytes() == b"own"


def test_a_lack_of_memory_is_one_line_that_states_how_to_resume() -> None:
    with (
        pytest.raises(HanjiError, match=r"^not enough memory \(14 GiB\); run the same command .* to resume"),
        resumable(),
    ):
        raise MemoryError("14 GiB")
