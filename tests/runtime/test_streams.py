"""Sources and streams: retries after a loss, dropping of old frames, and detection of complete files."""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hanji.runtime import HanjiError, StreamError
from hanji.runtime.images.preparation import prepare
from hanji.runtime.streams import Clock, Event, Frame, camera, every, folder, latest, video
from hanji.runtime.streams.reading import LONGEST_PAUSE_S


class FakeClock(Clock):
    """Waiting returns immediately and advances the clock."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0

    def now(self) -> float:
        return self.time

    def wait(self, seconds: float) -> None:
        self.time += max(0.0, seconds)


class Script:
    """A scripted source: each opening runs the next list of frames, Nones, callables and errors."""

    name = "script"

    def __init__(self, *openings: list[Any], comes_back: bool = True) -> None:
        self.comes_back = comes_back
        self.openings = [list(steps) for steps in openings]
        self.opened_at: list[float] = []
        self.closed = 0

    def frames(self, clock: Clock) -> Iterator[Frame | None]:
        self.opened_at.append(clock.now())
        try:
            for step in self.openings.pop(0):
                if callable(step):
                    step()
                elif isinstance(step, Exception):
                    raise step
                else:
                    yield None if step is None else Frame(str(step), 0.0, b"")
        finally:
            self.closed += 1


LOST = StreamError("script: the cable is out")


def names(frames: Any) -> list[str]:
    return [frame.name for frame in frames]


def test_a_lost_source_is_reported_and_reopened_with_backoff() -> None:
    source, clock, events = Script([1, LOST], *[[LOST]] * 9, [2, 3]), FakeClock(), list[Event]()
    with every(source, on_event=events.append, clock=clock) as stream:
        assert names(stream) == ["1", "2", "3"]
        assert stream.ended
    assert [event.kind for event in events] == ["lost"] * 10 + ["back"]
    pauses = [event.again_in_s for event in events[:-1]]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    waited = np.diff(source.opened_at).tolist()
    assert waited == pytest.approx(pauses)
    assert events[0] == Event("lost", "script", "the cable is out", 0.5)
    assert source.closed == 11


def test_pauses_are_reset_after_a_long_success() -> None:
    clock, events = FakeClock(), list[Event]()

    def pass_time() -> None:
        clock.time += LONGEST_PAUSE_S + 1

    source = Script([1, LOST], [2, LOST], [3, pass_time, LOST], [4])
    with every(source, on_event=events.append, clock=clock) as stream:
        assert names(stream) == ["1", "2", "3", "4"]
    assert [event.again_in_s for event in events if event.kind == "lost"] == [0.5, 1, 0.5]


@pytest.mark.parametrize("read", [every, latest])
def test_a_source_that_cannot_be_opened_at_first_is_an_error(read: Any) -> None:
    source, events = Script([LOST], [1]), list[Event]()
    with pytest.raises(StreamError, match="the cable is out"), read(source, on_event=events.append) as stream:
        list(stream)
    assert not events
    assert source.closed == 1


@pytest.mark.parametrize("read", [every, latest])
def test_a_source_that_does_not_come_back_is_an_error(read: Any) -> None:
    with read(Script([1, LOST], comes_back=False)) as stream:
        assert names([stream.read(5)]) == ["1"]
        with pytest.raises(StreamError):
            list(stream)
        assert stream.ended


def test_events_are_logged_by_default(caplog: pytest.LogCaptureFixture) -> None:
    with every(Script([1, LOST], [2]), clock=FakeClock()) as stream:
        list(stream)
    assert caplog.record_tuples == [
        ("hanji.runtime.streams", logging.WARNING, "script: the cable is out; trying again in 0.5 s"),
        ("hanji.runtime.streams", logging.WARNING, "script: is back"),
    ]


def test_the_newest_frame_wins_and_the_others_are_counted() -> None:
    gate, read = threading.Event(), threading.Event()
    source = Script([*range(1000), read.set, gate.wait, "last"])
    with latest(source) as stream:
        assert read.wait(10)
        assert names([stream.read(10)]) == ["999"]
        assert stream.dropped == 999
        assert stream.read(0.01) is None
        assert not stream.ended
        gate.set()
        assert names(stream) == ["last"]
        assert stream.dropped == 999


def test_a_slow_reader_gets_few_frames_and_no_old_ones() -> None:
    created: list[float] = []

    def steps() -> Iterator[Any]:
        for number in range(60):
            time.sleep(0.005)
            created.append(time.monotonic())
            yield number

    source = Script()
    source.openings = [steps()]  # type: ignore[list-item]
    ages, seen = [], []
    with latest(source) as stream:
        for frame in stream:
            ages.append(time.monotonic() - created[int(frame.name)])
            seen.append(int(frame.name))
            time.sleep(0.03)
    assert seen == sorted(seen)
    assert seen[-1] == 59
    assert len(seen) + stream.dropped == 60
    assert len(seen) < 30
    assert np.median(ages) < 0.02


def test_a_lost_source_is_reported_where_frames_are_read() -> None:
    events: list[tuple[str, str]] = []

    def record(event: Event) -> None:
        events.append((event.kind, threading.current_thread().name))

    this_thread = threading.current_thread().name
    with latest(Script([1, None, LOST], [2]), on_event=record) as stream:
        assert names(stream)[-1] == "2"
    assert events == [("lost", this_thread), ("back", this_thread)]


def test_a_source_that_hangs_is_reported_once_and_does_not_block_closing() -> None:
    hang, events, clock = threading.Event(), list[Event](), FakeClock()
    with latest(Script([1, hang.wait, 2, hang.wait]), on_event=events.append, clock=clock) as stream:
        assert names([stream.read(10)]) == ["1"]
        assert stream.alive
        clock.time += 20
        assert not stream.alive
        for _ in range(3):
            assert stream.read(0.01) is None
        assert [event.kind for event in events] == ["silent"]
        start = time.monotonic()
    assert time.monotonic() - start < 5
    hang.set()


def test_an_error_of_the_reading_thread_is_raised_by_the_reader() -> None:
    with latest(Script([1, ZeroDivisionError("a bug")])) as stream:
        assert names([stream.read(10)]) == ["1"]
        with pytest.raises(ZeroDivisionError, match="a bug"):
            list(stream)


def test_stop_ends_both_threads() -> None:
    def forever() -> Iterator[int]:
        while True:
            time.sleep(0.001)
            yield 1

    source = Script()
    source.name = "endless"
    source.openings = [forever()]  # type: ignore[list-item]
    with latest(source) as stream:
        for _ in stream:
            stream.stop()
    assert "endless" not in {thread.name for thread in threading.enumerate()}
    assert source.closed == 1


def test_a_stream_that_was_never_read_closes() -> None:
    latest(Script([1])).close()
    every(Script([1])).close()


def test_stop_interrupts_waiting() -> None:
    clock = Clock()
    threading.Timer(0.05, clock.stop).start()
    start = time.monotonic()
    clock.wait(30)
    assert time.monotonic() - start < 5


# Folders


class ScanClock(FakeClock):
    """Runs an action before each scan of the folder."""

    def __init__(self, *actions: Callable[[], object]) -> None:
        super().__init__()
        self.actions = list(actions)

    def wait(self, seconds: float) -> None:
        super().wait(seconds)
        if not self.actions:
            self.stop()
        else:
            self.actions.pop(0)()


def watched(source: Any, *actions: Callable[[], object]) -> list[str]:
    """The names of the frames while ``actions`` run, one before each scan."""
    return names(frame for frame in source.frames(ScanClock(*actions)) if frame is not None)


def nothing() -> None:
    pass


def put(path: Path, content: bytes = b"image", at: float | None = None) -> Callable[[], object]:
    def write() -> None:
        path.write_bytes(content)
        if at is not None:
            os.utime(path, (at, at))

    return write


def test_a_folder_reports_new_images(tmp_path: Path) -> None:
    put(tmp_path / "old.png")()
    seen = watched(
        folder(tmp_path), put(tmp_path / "a.png"), nothing, nothing, put(tmp_path / "B.JPEG"), *[nothing] * 3
    )
    assert seen == ["a.png", "B.JPEG"]
    assert watched(folder(tmp_path, existing=True), *[nothing] * 3) == ["old.png", "a.png", "B.JPEG"]


def test_files_being_written_are_not_reported(tmp_path: Path) -> None:
    path = tmp_path / "big.jpg"
    grow = [put(path, b"x" * size) for size in (0, 0, 10, 20, 30)]
    assert watched(folder(tmp_path), *grow) == []
    assert watched(folder(tmp_path, existing=True), nothing, nothing) == ["big.jpg"]
    path.write_bytes(b"")
    assert watched(folder(tmp_path, existing=True), *[nothing] * 4) == []


def test_a_renamed_image_is_a_new_image(tmp_path: Path) -> None:
    partial, complete = tmp_path / "a.jpg.part", tmp_path / "a.jpg"
    renamed = tmp_path / "b.jpg"
    seen = watched(
        folder(tmp_path),
        put(partial),
        nothing,
        lambda: partial.rename(complete),
        nothing,
        lambda: complete.rename(renamed),
        *[nothing] * 3,
    )
    assert seen == ["a.jpg", "b.jpg"]


def test_only_changed_images_are_reported_again(tmp_path: Path) -> None:
    path = tmp_path / "snapshot.jpg"
    seen = watched(
        folder(tmp_path),
        put(path, b"one", 1000),
        *[nothing] * 5,
        put(path, b"two", 2000),
        *[nothing] * 5,
    )
    assert seen == ["snapshot.jpg", "snapshot.jpg"]


def test_several_images_are_reported_oldest_first(tmp_path: Path) -> None:
    for name, at in (("a.png", 3000), ("b.png", 1000), ("c.png", 2000)):
        put(tmp_path / name, b"x", at)()
    frames = [frame for frame in folder(tmp_path, existing=True).frames(ScanClock(nothing, nothing)) if frame]
    assert [(frame.name, frame.time_s) for frame in frames] == [
        ("b.png", 1000),
        ("c.png", 2000),
        ("a.png", 3000),
    ]
    assert frames[0].image == tmp_path / "b.png"


def test_other_files_are_ignored(tmp_path: Path) -> None:
    (tmp_path / "folder.png").mkdir()
    (tmp_path / "broken.png").symlink_to(tmp_path / "nowhere")
    os.mkfifo(tmp_path / "pipe.png")
    for name in (".hidden.png", "notes.txt", "a.png.tmp", "png"):
        put(tmp_path / name)()
    assert watched(folder(tmp_path, existing=True), *[nothing] * 3) == []


def test_removed_files_are_forgotten(tmp_path: Path) -> None:
    source: Any = folder(tmp_path)
    paths = [tmp_path / f"{number}.png" for number in range(5)]
    actions: list[Callable[[], object]] = []
    for path in paths:
        actions += [put(path), nothing, nothing, path.unlink, nothing]
    assert watched(source, *actions) == [path.name for path in paths]
    assert source._reported == {}
    assert source._pending == {}


def test_a_folder_that_comes_back_does_not_repeat_images(tmp_path: Path) -> None:
    watched_folder, moved, events = tmp_path / "in", tmp_path / "moved", list[Event]()
    watched_folder.mkdir()
    clock = ScanClock(
        put(watched_folder / "a.png"),
        nothing,
        lambda: watched_folder.rename(moved),
        nothing,
        lambda: moved.rename(watched_folder),
        put(watched_folder / "b.png"),
        *[nothing] * 3,
    )
    with every(folder(watched_folder), on_event=events.append, clock=clock) as stream:
        assert names(stream) == ["a.png", "b.png"]
    assert [event.kind for event in events] == ["lost", "lost", "back"]
    assert events[0].detail == "the folder cannot be read: No such file or directory"


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StreamError, match="nowhere: the folder cannot be read: No such file"):
        list(every(folder(tmp_path / "nowhere")))
    with pytest.raises(HanjiError, match="look_every_s above 0"):
        folder(tmp_path, look_every_s=0)


# Cameras and videos, with fakes of OpenCV and picamera2


class FakeCapture:
    """A fake cv2.VideoCapture with blue frames in BGR order."""

    def __init__(self, module: Any, device: object) -> None:
        self.module = module
        self.settings: dict[int, float] = {}
        module.captures.append((device, self))
        self.left = module.frames_of.get(device, 0)

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.left > 0

    def set(self, key: int, value: float) -> bool:
        self.settings[key] = value
        return True

    def get(self, key: int) -> float:
        return {5: self.module.rate, 7: self.module.declared}[key]

    def read(self) -> tuple[bool, Any]:
        if self.left == 0:
            return False, None
        self.left -= 1
        return True, np.full((4, 6, 3), (200, 20, 0), np.uint8)

    def release(self) -> None:
        self.module.released += 1


@pytest.fixture
def cv2(monkeypatch: pytest.MonkeyPatch) -> Any:
    module: Any = SimpleNamespace(
        CAP_PROP_FRAME_WIDTH=3,
        CAP_PROP_FRAME_HEIGHT=4,
        CAP_PROP_FPS=5,
        CAP_PROP_FRAME_COUNT=7,
        error=type("error", (Exception,), {}),
        frames_of={},
        captures=[],
        released=0,
        rate=10.0,
        declared=0.0,
    )
    module.VideoCapture = lambda device: FakeCapture(module, device)
    monkeypatch.setitem(sys.modules, "cv2", module)
    return module


def test_a_camera_delivers_rgb_and_is_reopened(cv2: Any) -> None:
    cv2.frames_of[2] = 3
    events: list[Event] = []
    seen = []
    with every(
        camera("2", size=(320, 240), library="opencv"), on_event=events.append, clock=FakeClock()
    ) as stream:
        for frame in stream:
            seen.append(frame)
            if len(seen) == 5:
                stream.stop()
    assert names(seen) == [f"camera 2 #{number}" for number in (1, 2, 3, 4, 5)]
    assert seen[0].image[0, 0].tolist() == [0, 20, 200]
    assert abs(seen[0].time_s - time.time()) < 60
    assert [event.kind for event in events] == ["lost", "back"]
    assert "delivers no more frames; check that it is plugged in" in events[0].detail
    assert cv2.captures[0][1].settings == {3: 320, 4: 240}
    assert cv2.released == 2


def test_a_frame_with_reversed_channels_is_prepared_correctly() -> None:
    from hanji.runtime.manifest import ImageInput

    rule = ImageInput(6, 5, 3, "crop", (0, 0, 0), (1, 1, 1), "graph")
    bgr = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    rgb = np.ascontiguousarray(bgr[..., ::-1])
    np.testing.assert_array_equal(prepare(bgr[..., ::-1], rule), prepare(rgb, rule))


def test_a_missing_camera(cv2: Any) -> None:
    with pytest.raises(
        StreamError, match=r"^camera /dev/video9: cannot be opened; check that it is plugged in"
    ):
        list(every(camera("/dev/video9")))
    assert cv2.captures[0][0] == "/dev/video9"

    def broken(device: object) -> None:
        raise cv2.error("no backend")

    cv2.VideoCapture = broken
    with pytest.raises(StreamError, match="camera 0: OpenCV failed: no backend"):
        list(every(camera(0, library="opencv")))


def test_without_opencv_or_picamera2(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    monkeypatch.setitem(sys.modules, "picamera2", None)
    (tmp_path / "film.mp4").write_bytes(b"film")
    for source in (camera(0, library="opencv"), video(tmp_path / "film.mp4")):
        with pytest.raises(HanjiError, match=r"^cv2 cannot be imported: .*; try: pip install opencv-python"):
            list(every(source))
    with pytest.raises(HanjiError, match=r"^picamera2 cannot be imported: .*; try: sudo apt install"):
        list(latest(camera(0, library="picamera2")))


def test_a_library_built_for_another_numpy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "picamera2.py").write_text("raise ValueError('numpy.dtype size changed')")
    monkeypatch.delitem(sys.modules, "picamera2", raising=False)
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(
        HanjiError, match=r"^picamera2 cannot be imported: numpy.dtype size.*pip uninstall numpy$"
    ):
        list(every(camera(0)))


def test_invalid_camera_arguments() -> None:
    with pytest.raises(HanjiError, match="picamera2 takes a camera number"):
        camera("/dev/video0", library="picamera2")
    with pytest.raises(HanjiError, match="library: expected"):
        camera(0, library="v4l")  # type: ignore[arg-type]
    with pytest.raises(HanjiError, match="size: expected"):
        camera(0, size=(0, 10))
    with pytest.raises(HanjiError, match="0 or more, found -1"):
        camera(-1)


class FakePicamera2:
    """Delivers two frames, then times out; the third instance fails to open."""

    opened: list[FakePicamera2] = []  # noqa: RUF012 - emptied by each test

    def __init__(self, number: int) -> None:
        self.number, self.left, self.closed = number, 2, False
        FakePicamera2.opened.append(self)
        if len(FakePicamera2.opened) == 3:
            raise RuntimeError("Failed to acquire camera")

    def create_video_configuration(self, main: dict[str, Any]) -> dict[str, Any]:
        return {"main": main}

    def configure(self, configuration: dict[str, Any]) -> None:
        self.configuration = configuration

    def start(self) -> None:
        pass

    def capture_array(self, name: str, wait: float) -> np.ndarray:
        assert (name, wait) == ("main", 5.0)
        if self.left == 0:
            raise TimeoutError
        self.left -= 1
        return np.full((4, 6, 3), (200, 20, 0), np.uint8)

    def close(self) -> None:
        self.closed = True


def test_a_raspberry_pi_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = type(sys)("picamera2")
    module.Picamera2, FakePicamera2.opened = FakePicamera2, []
    module.__spec__ = SimpleNamespace(name="picamera2")
    monkeypatch.setitem(sys.modules, "picamera2", module)
    events: list[Event] = []
    seen = []
    with every(camera(1, size=(64, 48)), on_event=events.append, clock=FakeClock()) as stream:
        for frame in stream:
            seen.append(frame)
            if len(seen) == 5:
                stream.stop()
    assert names(seen) == [f"camera 1 #{number}" for number in (1, 2, 3, 4, 5)]
    assert seen[0].image[0, 0].tolist() == [200, 20, 0]
    first = FakePicamera2.opened[0]
    assert first.configuration == {"main": {"size": (64, 48), "format": "BGR888"}}
    assert [fake.closed for fake in FakePicamera2.opened] == [True, True, False, True]
    details = [event.detail for event in events]
    assert details[0].startswith("delivered no frame for 5 s; check that")
    assert details[1] == "is back"
    assert "picamera2 failed: Failed to acquire camera" in details[3]


@pytest.fixture
def film(cv2: Any, tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(b"film")
    cv2.frames_of[str(path)], cv2.declared = 20, 20.0
    return path


def test_a_video_frame_by_frame(cv2: Any, film: Path) -> None:
    clock = FakeClock()
    frames = list(every(video(film, pace=False), clock=clock))
    assert names(frames) == [f"film.mp4 #{number}" for number in range(1, 21)]
    assert [frame.time_s for frame in frames] == pytest.approx([0.1 * number for number in range(20)])
    assert clock.time == 0
    assert cv2.released == 1


@pytest.mark.parametrize(("rate", "seconds"), [(10.0, 1.9), (0.0, 19 / 25), (float("nan"), 19 / 25)])
def test_a_video_at_its_frame_rate(cv2: Any, film: Path, rate: float, seconds: float) -> None:
    clock, cv2.rate = FakeClock(), rate
    assert len(list(every(video(film), clock=clock))) == 20
    assert clock.time == pytest.approx(seconds)


def test_a_truncated_video(cv2: Any, film: Path) -> None:
    cv2.declared = 100.0
    seen = []
    with pytest.raises(StreamError, match=r"film\.mp4: ended after 20 of 100 frames: it is truncated"):
        for frame in every(video(film, pace=False)):
            seen.append(frame)
    assert len(seen) == 20
    cv2.declared = 21.0  # small deviations are tolerated
    assert len(list(every(video(film, pace=False)))) == 20


def test_invalid_and_missing_videos(cv2: Any, film: Path, tmp_path: Path) -> None:
    cv2.frames_of.clear()
    with pytest.raises(StreamError, match="expected a video that OpenCV can read"):
        list(every(video(film)))
    with pytest.raises(StreamError, match=r"gone\.mp4: expected a video file, found none"):
        list(every(video(tmp_path / "gone.mp4")))
