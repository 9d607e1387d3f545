"""A fuzzer on everything that reads files of others, for a few seconds; `make fuzz` takes longer."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

FUZZ = Path(__file__).parents[1] / "fuzz" / "fuzz.py"
READERS = (
    *("manifest", "items", "users", "labels", "golden", "image golden", "table", "onnx", "image"),
    *("recipe", "labels of a file", "preprocessing"),
)
"""Not the one that needs TensorFlow, whose import takes as long as the rest."""

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("atheris") is None, reason="atheris exists for Linux on x86-64 only"
)


FAILING = """\
from hanji.runtime import HanjiError
from readers import Reader, files_of

def read(content):
    if content[:1] == b"[" and len(content) > 3:
        raise IndexError("planted")

READERS = {"planted": Reader(read, given=(b"[0]",))}
"""


def fuzz(program: Path, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(FUZZ.parent), *sys.path])}
    return subprocess.run(
        [sys.executable, program, *arguments],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=120,
        check=False,
        env=environment,
    )


def test_readers_return_or_raise_their_own_errors(
    onnx_history_bundle: Path, onnx_image_bundle: Path, tmp_path: Path
) -> None:
    corpus = tmp_path / "corpus"
    options = ("--seconds", "4", "--seed", "1", "--corpus", corpus)
    done = fuzz(FUZZ, *READERS, *options, "--bundle", onnx_history_bundle, onnx_image_bundle)
    findings = [path.name for path in corpus.iterdir() if re.match("crash|timeout|oom|leak", path.name)]
    assert (done.returncode, findings) == (0, []), done.stderr[-3000:]
    executed = re.search(r"number_of_executed_units: (\d+)", done.stderr)
    assert executed is not None and int(executed[1]) > 500


def test_an_unforeseen_error_ends_the_run(tmp_path: Path) -> None:
    program, corpus = tmp_path / "fuzz_once.py", tmp_path / "corpus"
    text = FUZZ.read_text(encoding="utf-8").replace("from readers import", "from failing_readers import")
    program.write_text(text, encoding="utf-8")
    (tmp_path / "failing_readers.py").write_text(FAILING, encoding="utf-8")
    done = fuzz(program, "--seconds", "60", "--corpus", corpus, "--bundle", tmp_path)
    assert done.returncode == 77 and "IndexError: planted" in done.stdout, done.stderr[-3000:]
    (crash,) = corpus.glob("crash-*")
    assert "IndexError: planted" in fuzz(program, "--replay", crash).stderr
