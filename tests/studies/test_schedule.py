"""Jobs in processes of their own: at once, in order, and failing alone."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

import pytest

from hanji.studies import schedule
from hanji.studies.job import Job, share_checkpoints
from hanji.studies.schedule import Planned, run_all
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError
from hanji.training.interruption import resumable

SCRIPT = """\
import json, os, signal, sys, time
asked = json.load(open(sys.argv[1]))
open(asked["out"] + "/order", "a").write(asked["variant"]["name"] + "\\n")
name = asked["variant"]["name"]
if name == "refused": sys.exit("quantize: the converter does not know this operator")
if name == "killed": os.kill(os.getpid(), signal.SIGKILL)
if name == "raised": raise RuntimeError("deep inside")
if name == "long": open(asked["out"] + "/pid", "w").write(str(os.getpid())); time.sleep(60)
time.sleep(0.3)
"""


@pytest.fixture(autouse=True)
def fake_jobs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "PROGRAM", (sys.executable, "-c", SCRIPT))


def planned(name: str, folder: Path, **more) -> Planned:
    job = Job(folder / "base.toml", Variant(name, ()), 0, ("tflite",), None, folder, folder)
    return Planned(name, job, folder / "logs" / f"{name}.log", **more)


def order(folder: Path) -> list[str]:
    return (folder / "order").read_text().split()


def test_a_job_that_fails_stops_no_other(tmp_path: Path) -> None:
    names = ("refused", "killed", "raised", "fine")
    failures = run_all([planned(name, tmp_path) for name in names], jobs=2, what="Jobs")
    assert failures == {
        "refused": "quantize: the converter does not know this operator",
        "killed": "ended by signal 9 (SIGKILL): was there not enough memory?",
        "raised": "RuntimeError: deep inside",
    }
    assert sorted(order(tmp_path)) == sorted(names)


def test_what_is_under_way_is_said_from_the_start(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    run_all([planned(name, tmp_path) for name in ("one", "two", "three")], jobs=2, what="Jobs")
    lines = [record.getMessage() for record in caplog.records]
    assert lines[0] == "Jobs: 0/3 steps, 0 s; under way: one, two"
    assert "three" in lines[-1] and "s left" in lines[-1]


def test_one_that_waits_comes_after_its_leader_even_if_that_failed(tmp_path: Path) -> None:
    begun: list[str] = []
    jobs = [
        planned("second", tmp_path, after="refused", before_start=lambda: begun.append("second")),
        planned("refused", tmp_path),
    ]
    run_all(jobs, jobs=2, what="Jobs")
    assert order(tmp_path) == ["refused", "second"]
    assert begun == ["second"]


def test_a_study_that_is_told_to_end_takes_its_jobs_with_it(tmp_path: Path) -> None:
    def end_it() -> None:
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=end_it, daemon=True).start()
    with pytest.raises(HanjiError, match="run the same command again"), resumable():
        run_all([planned("long", tmp_path)], jobs=1, what="Jobs")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_a_request_says_all_of_the_job(tmp_path: Path) -> None:
    variant = Variant("a · b", ({"type": "quantize", "scheme": "int8"},))
    job = Job(tmp_path / "base.toml", variant, 3, ("tflite", "onnx"), tmp_path, tmp_path, tmp_path, True)
    assert Job.of_json(json.loads(json.dumps(job.as_json()))) == job


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
