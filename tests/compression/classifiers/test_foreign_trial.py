"""Keras files and SavedModels that crash or occupy TensorFlow: converted in another process first."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import tensorflow as tf

from hanji.compression.classifiers.foreign import trial
from hanji.compression.classifiers.foreign.preprocessing import Preprocessing
from hanji.training.child import call_in_child
from hanji.training.classifiers.untrusted.trust import trusting_code
from hanji.training.errors import ConversionError, DataError, RecipeError

UNIT = Preprocessing(scale=1 / 255)


@pytest.fixture(autouse=True)
def _trials(_no_trials: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "call_in_child", call_in_child)


@pytest.mark.parametrize(
    ("program", "message"),
    [
        (f"import os; os.kill(os.getpid(), {int(signal.SIGABRT)})", "TensorFlow died of signal 6"),
        ("import time; time.sleep(60)", "TensorFlow did not end within 1 s; it is damaged, made to harm"),
        ("raise MemoryError('no space')", "TensorFlow ended with exit code 1: MemoryError: no space"),
    ],
)
def test_a_file_that_ends_the_process_is_refused(
    program: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tensorflow.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(trial, "SECONDS", 1)
    with pytest.raises(ConversionError, match=rf"^model\.keras: {message}"):
        trial.expect_survivable(Path("model.keras"), UNIT)


def test_a_trusted_file_is_not_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "call_in_child", lambda *_, **__: pytest.fail("tried"))
    with trusting_code():
        trial.expect_survivable(Path("model.keras"), UNIT)


def test_what_fails_in_an_ordinary_way_is_left_to_the_real_run(tmp_path: Path) -> None:
    (tmp_path / "model.keras").write_bytes(b"no zip")
    trial.attempt(str(tmp_path / "model.keras"), "model.keras", {"scale": 1.0})


def test_a_model_that_no_memory_holds_is_named_as_the_user_did(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(tmp_path / "model.keras")

    def open_model(*_: object) -> None:
        try:
            raise DataError(f"{path}: too large") from tf.errors.ResourceExhaustedError(None, None, "OOM")
        except DataError as error:
            raise RecipeError(f"{error}; make it smaller") from error

    monkeypatch.setattr(trial, "open_model", open_model)
    with pytest.raises(ConversionError, match=r"^model\.keras: more than the free memory: OOM$"):
        trial.attempt(path, "model.keras", {})
