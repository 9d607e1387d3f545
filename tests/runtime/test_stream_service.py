"""The systemd unit and the example program in examples/."""

from __future__ import annotations

import argparse
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from hanji.runtime.commands import watch

EXAMPLES = Path(__file__).parents[2] / "examples"
UNIT = EXAMPLES / "hanji-watch.service"


def settings() -> dict[str, str]:
    lines = UNIT.read_text(encoding="utf-8").splitlines()
    return dict(line.split("=", 1) for line in lines if "=" in line and not line.startswith("#"))


def test_the_unit_starts_a_valid_command() -> None:
    program, command, *arguments = shlex.split(settings()["ExecStart"])
    assert (program, command) == ("/opt/hanji/venv/bin/hanji", "watch")
    parser = argparse.ArgumentParser(exit_on_error=False)
    watch.add_arguments(parser)
    assert parser.parse_args(arguments).camera == "0"


def test_the_unit_uses_notifications_and_hardening() -> None:
    found = settings()
    # tests/runtime/test_stream_watch.py checks that READY, WATCHDOG and STOPPING are sent.
    assert found["Type"] == "notify"
    assert int(found["WatchdogSec"]) >= 60
    assert found["Restart"] == "on-failure"
    for hardening in ("DynamicUser", "NoNewPrivileges", "ProtectHome", "RestrictSUIDSGID"):
        assert found[hardening] == "yes"
    assert found["ProtectSystem"] == "strict"
    assert "AF_UNIX" in found["RestrictAddressFamilies"]


def test_systemd_accepts_the_unit(tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is not installed")
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace("/opt/hanji/venv/bin/hanji", sys.executable))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_example_sorts_images(onnx_image_bundle: Path, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    inbox, target = tmp_path / "inbox", tmp_path / "sorted"
    inbox.mkdir()
    pillow.fromarray(np.zeros((9, 9, 3), np.uint8)).save(inbox / "dark.png")
    (inbox / "broken.png").write_bytes(b"not an image")
    command = [sys.executable, EXAMPLES / "watch_folder.py", onnx_image_bundle, inbox, target]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE) as process:
        deadline = time.monotonic() + 30
        while len(list(target.glob("*/*.png"))) < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
    assert (target / "unreadable" / "broken.png").exists()
    assert [path.parent.name in ("cat", "dog", "owl") for path in target.glob("*/dark.png")] == [True]
    assert not list(inbox.iterdir())
