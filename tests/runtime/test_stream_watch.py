"""`hanji watch`: one line per frame, skipped errors, clean shutdown, and systemd notifications."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import Classifier, HanjiError, StreamError, cli
from hanji.runtime.commands import watch
from hanji.runtime.streams import Clock, Frame
from hanji.runtime.streams.service_manager import ServiceManager

pytestmark = pytest.mark.usefixtures("commands")
Capture = pytest.CaptureFixture[str]
pillow = pytest.importorskip("PIL.Image")


def hanji(*arguments: object) -> int:
    return cli.main([str(argument) for argument in arguments])


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """A folder with three images, of which the second, b.png, is truncated."""
    place = tmp_path / "in"
    place.mkdir()
    for seed, name in enumerate(("a.png", "b.png", "c.png")):
        pixels = np.random.default_rng(seed).integers(0, 256, (20, 30, 3), np.uint8)
        pillow.fromarray(pixels).save(place / name)
        os.utime(place / name, (1000 + seed, 1000 + seed))
    (place / "b.png").write_bytes((place / "b.png").read_bytes()[:200])
    os.utime(place / "b.png", (1001, 1001))
    return place


def test_watch_a_folder(capsys: Capture, onnx_image_bundle: Path, samples: Path) -> None:
    options = ("--folder", samples, "--existing", "--all", "--max-frames", 3, "-k", 2, "--language", "ko")
    assert hanji("watch", onnx_image_bundle, *options) == 0
    output = capsys.readouterr()
    lines = output.out.splitlines()
    with Classifier.open(onnx_image_bundle) as classifier:
        best = classifier.classify(samples / "a.png", language="ko").best
    assert lines[0].startswith(f"a.png  {best.name} {best.probability:.4f}, ")
    assert lines[0].endswith(" ms")
    assert lines[1].startswith(
        f"b.png  not classified: {samples / 'b.png'}: the image is truncated or damaged"
    )
    assert lines[2].startswith("c.png  ")
    assert "ignored" not in output.err
    assert len(lines) == 3
    assert output.err.splitlines()[0].startswith("hanji: test (onnxruntime ")
    assert output.err.splitlines()[-1] == "hanji: stopped after 3 frames, 1 not classified, 0 dropped"


def test_watch_says_which_files_are_no_images(
    capsys: Capture, onnx_image_bundle: Path, samples: Path
) -> None:
    for name in ("photo.heic", "photo.HEIC", "notes.txt", ".hidden"):
        (samples / name).write_bytes(b"")
    options = ("--folder", samples, "--existing", "--max-frames", 1)
    assert hanji("watch", onnx_image_bundle, *options) == 0
    assert "ignored, not image formats that are read: 2 × .heic, 1 × .txt\n" in capsys.readouterr().err
    assert hanji("watch", onnx_image_bundle, *options, "--json") == 0
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {"event": "ignored", "files": "2 × .heic, 1 × .txt"} in events


@pytest.mark.parametrize("option", ["--json", "--json-lines"])
def test_watch_as_json_lines(capsys: Capture, onnx_image_bundle: Path, samples: Path, option: str) -> None:
    options = ("--folder", samples, "--existing", "--all", "--max-frames", 3, option)
    assert hanji("watch", onnx_image_bundle, *options) == 0
    output = capsys.readouterr()
    started, first, second, third, stopped = map(json.loads, output.out.splitlines())
    assert output.err == ""
    assert started["event"] == "started"
    assert (started["bundle"], started["source"]) == ("test", str(samples))
    assert started["engine"]["name"] == started["placement"]["engine"] == "onnxruntime"
    with Classifier.open(onnx_image_bundle) as classifier:
        expected = [row._asdict() for row in classifier.classify(samples / "a.png", 3)]
    assert first["ms"] > 0
    assert {**first, "ms": 1} == {
        "frame": "a.png",
        "time_s": 1000.0,
        "classes": expected,
        "ms": 1,
        "dropped": 0,
    }
    assert second["frame"] == "b.png"
    assert "truncated" in second["error"]
    assert third["classes"]
    assert stopped == {"event": "stopped", "frames": 3, "not_classified": 1, "dropped": 0}


def test_the_newest_image_wins(capsys: Capture, onnx_image_bundle: Path, samples: Path) -> None:
    assert hanji("watch", onnx_image_bundle, "--folder", samples, "--existing", "--max-frames", 1) == 0
    (line,) = capsys.readouterr().out.splitlines()
    frame, dropped = line.split()[0], line.partition(" ms")[2]
    # The source yields all three in one scan; the loop may be fast enough to get an earlier one.
    assert (frame, dropped) in [
        ("c.png", "  2 dropped"),
        ("a.png", ""),
        ("b.png", "  1 dropped"),
        ("b.png", ""),
    ]


class Scripted:
    """A camera that is lost once."""

    name = "camera 0"
    comes_back = True

    def __init__(self) -> None:
        self.openings = 0

    def frames(self, clock: Clock) -> Iterator[Frame | None]:
        self.openings += 1
        for number in range(2):
            yield Frame(f"camera 0 #{2 * self.openings + number}", 5.5, np.zeros((8, 8, 3), np.uint8))
        if self.openings == 1:
            raise StreamError("camera 0: the cable is out")


@pytest.mark.parametrize("as_json", [False, True])
def test_a_lost_camera_is_reported(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, onnx_image_bundle: Path, as_json: bool
) -> None:
    monkeypatch.setattr(watch, "camera", lambda device, size, library: Scripted())
    assert hanji("watch", onnx_image_bundle, "--camera", 0, *["--json"] * as_json) == 0
    output = capsys.readouterr()
    if as_json:
        events = [line for line in map(json.loads, output.out.splitlines()) if "event" in line]
        assert events[1] == {
            "event": "lost",
            "source": "camera 0",
            "detail": "the cable is out",
            "again_in_s": 0.5,
        }
        assert [event["event"] for event in events] == ["started", "lost", "back", "stopped"]
    else:
        assert output.err.splitlines()[1:3] == [
            "hanji: camera 0: the cable is out; trying again in 0.5 s",
            "hanji: camera 0: is back",
        ]


def test_a_folder_needs_pillow_and_a_camera_does_not(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, onnx_image_bundle: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    monkeypatch.setattr(watch, "camera", lambda device, size, library: Scripted())
    assert hanji("watch", onnx_image_bundle, "--camera", 0, "--max-frames", 1) == 0
    capsys.readouterr()
    assert hanji("watch", onnx_image_bundle, "--folder", tmp_path) == 1
    assert "try: pip install 'hanji-runtime[image]'" in capsys.readouterr().err


def test_every_limits_the_frame_rate(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, onnx_image_bundle: Path
) -> None:
    monkeypatch.setattr(watch, "camera", lambda device, size, library: Scripted())
    start = time.monotonic()
    assert hanji("watch", onnx_image_bundle, "--camera", 0, "--every", 0.3, "--max-frames", 2) == 0
    assert time.monotonic() - start > 0.3
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_errors_are_one_line(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch, bundle: Path, onnx_image_bundle: Path, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    for arguments, message in (
        ((bundle, "--folder", tmp_path), "a bundle for recommendation"),
        (
            (onnx_image_bundle, "--folder", tmp_path / "gone"),
            "gone: the folder cannot be read: No such file",
        ),
        (
            (onnx_image_bundle, "--folder", tmp_path, "--language", "xx"),
            "language: expected a language of the bundle",
        ),
        ((onnx_image_bundle, "--camera", 0, "--all"), "--all requires --video or --folder"),
        ((onnx_image_bundle, "--camera", 0, "--existing"), "--existing requires --folder"),
        ((onnx_image_bundle, "--video", tmp_path / "gone.mp4"), "cv2 cannot be imported"),
    ):
        assert hanji("watch", *arguments) == 1
        output = capsys.readouterr()
        assert output.out == ""
        assert output.err.startswith("hanji: error: ")
        assert message in output.err
        assert output.err.count("\n") == 1


@pytest.mark.parametrize(
    "wrong",
    [
        (),
        ("--folder", "x", "--camera", "0"),
        ("--folder", "x", "-k", "0"),
        ("--folder", "x", "--every", "-1"),
        ("--folder", "x", "--every", "nan"),
        ("--folder", "x", "--max-frames", "0"),
        ("--camera", "0", "--size", "640"),
    ],
)
def test_usage_errors(capsys: Capture, wrong: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as error:
        hanji("watch", "bundle", *wrong)
    assert error.value.code == 2
    assert "hanji watch: error: " in capsys.readouterr().err


def started(*arguments: object, **environment: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "hanji.runtime.cli", "watch", *map(str, arguments), "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), **environment},
    )


def next_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    line: dict[str, Any] = json.loads(process.stdout.readline())
    return line


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_clean_shutdown(onnx_image_bundle: Path, samples: Path, tmp_path: Path, number: int) -> None:
    watching = tmp_path / "watched"
    watching.mkdir()
    with started(onnx_image_bundle, "--folder", watching) as process:
        assert next_line(process)["event"] == "started"
        for name in ("b.png", "a.png"):  # a damaged image does not stop the loop
            shutil.copy(samples / name, watching / name)
            assert next_line(process)["frame"] == name
        process.send_signal(number)
        assert next_line(process) == {"event": "stopped", "frames": 2, "not_classified": 1, "dropped": 0}
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_systemd_is_notified(onnx_image_bundle: Path, samples: Path, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(30)
        environment = {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "400000"}
        with started(onnx_image_bundle, "--folder", samples, **environment) as process:
            received: list[str] = []
            while not {"READY=1", "WATCHDOG=1"} <= set(received):
                received += manager.recv(4096).decode().split("\n")
            assert f"STATUS=test: {samples}" in received
            count = len(received)
            while len(received) < count + 2:
                received += manager.recv(4096).decode().split("\n")
            process.terminate()
            while "STOPPING=1" not in received:
                received += manager.recv(4096).decode().split("\n")
            process.communicate(timeout=20)
            assert process.returncode == 0


def test_without_systemd_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    manager = ServiceManager()
    manager.ready("here")
    manager.beat()
    manager.stopping()
    manager.close()


def test_a_watchdog_of_another_process_is_ignored(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "notify"))
        systemd.settimeout(10)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "1000000")
        monkeypatch.setenv("WATCHDOG_PID", "1")
        manager = ServiceManager()
        manager.beat()
        manager.ready("two\nlines")
        assert systemd.recv(100) == b"READY=1\nSTATUS=two lines"
        manager.close()
        monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
        manager = ServiceManager()
        manager.beat()
        manager.beat()  # too early to be sent again
        manager.stopping()
        assert [systemd.recv(100), systemd.recv(100)] == [b"WATCHDOG=1", b"STOPPING=1"]
        manager.close()


def test_a_notify_socket_without_a_listener(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    with pytest.raises(HanjiError, match=r"NOTIFY_SOCKET=.*gone: cannot be reached: No such file"):
        ServiceManager()


def test_streams_import_no_camera_library() -> None:
    program = "import sys; import hanji.runtime.streams; print(*sys.modules)"
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    shown = subprocess.check_output([sys.executable, "-c", program], env=environment, text=True)
    assert not {"cv2", "picamera2", "PIL"} & set(shown.split())


def test_links_that_lead_nowhere(capsys: Capture, onnx_image_bundle: Path, samples: Path) -> None:
    """Each is reported once, and the images beside it are classified."""
    for name, target in (("loop.png", "loop.png"), ("long.png", "x" * 300), ("gone.png", "nothing")):
        (samples / name).symlink_to(target)
    os.mkfifo(samples / "pipe.png")
    options = ("--folder", samples, "--existing", "--all", "--max-frames", 5)
    assert hanji("watch", onnx_image_bundle, *options) == 0
    output = capsys.readouterr()
    lines = {line.split()[0]: line for line in output.out.splitlines()}
    assert sorted(lines) == ["a.png", "b.png", "c.png", "long.png", "loop.png"]
    assert "not classified: " in lines["loop.png"]
    assert "cannot be read: Too many levels of symbolic links" in lines["loop.png"]
    assert "cannot be read: File name too long" in lines["long.png"]
    assert output.err.splitlines()[-1] == "hanji: stopped after 5 frames, 3 not classified, 0 dropped"


def test_a_service_manager_that_does_not_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    address = str(tmp_path / "notify")
    monkeypatch.setenv("NOTIFY_SOCKET", address)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        silent = ServiceManager()
        for _ in range(1000):  # more than the system keeps for a reader
            silent.ready("folder \x1b[31m \ud800\n")
        silent.close()
        assert manager.recv(4096) == "READY=1\nSTATUS=folder \ufffd[31m \ufffd".encode()
    assert "cannot send READY=1 to systemd: Resource temporarily unavailable" in caplog.text


def test_an_address_that_is_too_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "/" + "x" * 200)
    with pytest.raises(HanjiError, match="cannot be reached: AF_UNIX path too long"):
        ServiceManager()


def test_a_loop_that_does_not_end_is_ended(onnx_image_bundle: Path, samples: Path) -> None:
    """The reader of the output has stopped to read: the loop waits in print, and sees no request to stop."""
    program = (
        "import sys; from hanji.runtime.commands import watch; from hanji.runtime import cli\n"
        "watch._GRACE_S = 0.5\n"
        "original = watch._Watching._classify\n"
        "def stuck(self, frame):\n"
        "    original(self, frame)\n"
        "    print('x' * 10_000_000)\n"
        "watch._Watching._classify = stuck\n"
        "sys.exit(cli.main(sys.argv[1:]))"
    )
    options = ["watch", onnx_image_bundle, "--folder", samples, "--existing", "--all", "--json"]
    command = [sys.executable, "-c", program, *map(str, options)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        assert next_line(process)["event"] == "started"
        assert next_line(process)["frame"] == "a.png"
        process.terminate()
        assert process.wait(20) == 128 + signal.SIGTERM
