"""The banner of TensorFlow Lite: dropped, and nothing else with it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hanji.runtime.engines import banner

pytest.importorskip("ai_edge_litert")

PREPARE = """
import os, sys, threading
from ai_edge_litert.interpreter import Interpreter
from hanji.runtime.engines.banner import hold_back_banner
{before}
threads = [threading.Thread(target=hold_back_banner, args=[Interpreter]) for _ in range(8)]
for thread in threads: thread.start()
for thread in threads: thread.join()
interpreter = Interpreter(model_path=sys.argv[1])
interpreter.allocate_tensors()
{after}
"""


def run(model: Path, *, before: str = "", after: str = "") -> subprocess.CompletedProcess[str]:
    code = PREPARE.format(before=before, after=after)
    return subprocess.run([sys.executable, "-c", code, model], capture_output=True, text=True, check=False)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "one.tflite"
    path.write_bytes(bytes.fromhex(banner._ONE_OPERATOR))
    return path


def test_without_it_the_banner_appears(model: Path) -> None:
    done = run(model, before="hold_back_banner = lambda interpreter: None")
    assert done.stderr.startswith("INFO: Created TensorFlow Lite XNNPACK delegate")


def test_no_banner_in_any_thread_and_stderr_works_afterwards(model: Path) -> None:
    done = run(model, after="print('still here', file=sys.stderr)")
    assert (done.returncode, done.stderr) == (0, "still here\n")


def test_other_lines_are_passed_on(model: Path) -> None:
    wrapped = (
        "real = Interpreter\n"
        "def Interpreter(**options):\n"
        "    os.write(2, b'WARNING: a line of its own\\n')\n"
        "    return real(**options)"
    )
    done = run(model, before=wrapped)
    assert done.stderr.count("WARNING: a line of its own\n") == 2
    assert "INFO" not in done.stderr


def test_a_closed_stderr_is_no_error(model: Path) -> None:
    done = run(model, before="os.close(2)", after="print('done')")
    assert (done.returncode, done.stdout) == (0, "done\n")


def test_a_model_that_is_rejected_is_no_error() -> None:
    def reject(**options: object) -> None:
        raise ValueError("an old engine")

    banner.hold_back_banner(reject)
