"""Cameras and video files: Raspberry Pi cameras with picamera2, the rest with OpenCV, imported when read."""

from __future__ import annotations

import importlib.util
import math
import os
import time
from concurrent.futures import TimeoutError as NoFrameInTime
from pathlib import Path
from typing import Literal

from hanji.runtime.errors import HanjiError, StreamError
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source, imported

_INSTALL_OPENCV = "pip install opencv-python-headless (on a Raspberry Pi: sudo apt install python3-opencv)"
_INSTALL_PICAMERA2 = (
    "sudo apt install python3-picamera2, in a virtual environment created with --system-site-packages and "
    "with the system's numpy, which picamera2 was built for: pip uninstall numpy"
)
_CHECK_CAMERA = (
    "check that it is plugged in, that no other program uses it and that this user has permission to read it"
)
_FRAME_TIMEOUT_S = 5.0
"""Time without a frame after which a Raspberry Pi camera is considered lost."""

_DEFAULT_RATE = 25.0
"""Frames per second of a video that does not specify a frame rate."""

Library = Literal["auto", "picamera2", "opencv"]


def camera(device: int | str = 0, *, size: tuple[int, int] = (640, 480), library: Library = "auto") -> Source:
    """A camera source: ``device`` is a camera number or, for OpenCV, a device path such as "/dev/video0".

    ``size``, (width, height) in pixels, is requested; a camera that does not support it uses the closest
    size. ``library`` "auto" is picamera2 if installed, which also supports USB cameras, and OpenCV otherwise;
    a device path always uses OpenCV. Reading raises HanjiError if neither is installed.
    """
    if library not in ("auto", "picamera2", "opencv"):
        raise HanjiError(f"library: expected auto, picamera2 or opencv, found {library!r}")
    if min(size) < 1:
        raise HanjiError(f"size: expected a width and a height of 1 pixel or more, found {size}")
    if isinstance(device, str) and device.isdecimal():
        device = int(device)
    if isinstance(device, int) and device < 0:
        raise HanjiError(f"camera: expected a number of 0 or more, found {device}")
    if isinstance(device, str):
        if library == "picamera2":
            raise HanjiError(f"camera {device}: picamera2 takes a camera number, not a path")
        return OpenCvCamera(device, size)
    if library == "auto":
        library = "picamera2" if importlib.util.find_spec("picamera2") is not None else "opencv"
    return PiCamera(device, size) if library == "picamera2" else OpenCvCamera(device, size)


class OpenCvCamera:
    """Any camera that the system exposes as a video device."""

    comes_back = True

    def __init__(self, device: int | str, size: tuple[int, int]) -> None:
        self.name = f"camera {device}"
        self._device = device
        self._size = size
        self._count = 0

    def frames(self, clock: Clock) -> Frames:
        cv2 = imported("cv2", _INSTALL_OPENCV)
        try:
            capture = cv2.VideoCapture(self._device)
            try:
                if not capture.isOpened():
                    raise StreamError(f"{self.name}: cannot be opened; {_CHECK_CAMERA}")
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
                while not clock.stopped:
                    ok, image = capture.read()
                    if not ok:
                        raise StreamError(f"{self.name}: delivers no more frames; {_CHECK_CAMERA}")
                    self._count += 1
                    # OpenCV delivers BGR; reversing the channels creates a view, without a copy.
                    yield Frame(f"{self.name} #{self._count}", time.time(), image[..., ::-1])
            finally:
                capture.release()
        except cv2.error as error:
            raise StreamError(f"{self.name}: OpenCV failed: {error}") from error


class PiCamera:
    """A Raspberry Pi camera, with libcamera."""

    comes_back = True

    def __init__(self, number: int, size: tuple[int, int]) -> None:
        self.name = f"camera {number}"
        self._number = number
        self._size = size
        self._count = 0

    def frames(self, clock: Clock) -> Frames:
        library = imported("picamera2", _INSTALL_PICAMERA2).Picamera2
        try:
            device = library(self._number)
            try:
                # libcamera's BGR888 is RGB byte order in memory.
                stream = {"size": self._size, "format": "BGR888"}
                device.configure(device.create_video_configuration(main=stream))
                device.start()
                while not clock.stopped:
                    image = device.capture_array("main", wait=_FRAME_TIMEOUT_S)
                    self._count += 1
                    yield Frame(f"{self.name} #{self._count}", time.time(), image)
            finally:
                device.close()  # stops it as well
        except (NoFrameInTime, TimeoutError) as error:
            message = f"{self.name}: delivered no frame for {_FRAME_TIMEOUT_S:g} s; {_CHECK_CAMERA}"
            raise StreamError(message) from error
        except (RuntimeError, IndexError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise StreamError(f"{self.name}: picamera2 failed: {reason}; {_CHECK_CAMERA}") from error


def video(path: str | os.PathLike[str], *, pace: bool = True) -> Source:
    """A video file source. With ``pace`` it plays at its own frame rate, otherwise as fast as it is read.

    Reading raises StreamError if the file is missing or not a video, and at the end if it is truncated or
    damaged, that is, has far fewer frames than it declares.
    """
    return Video(Path(path), pace)


class Video:
    comes_back = False

    def __init__(self, path: Path, pace: bool) -> None:
        self.name = path.name
        self._path = path
        self._pace = pace

    def frames(self, clock: Clock) -> Frames:
        cv2 = imported("cv2", _INSTALL_OPENCV)
        if not self._path.is_file():
            raise StreamError(f"{self._path}: expected a video file, found none")
        try:
            capture = cv2.VideoCapture(str(self._path))
            try:
                if not capture.isOpened():
                    raise StreamError(f"{self._path}: expected a video that OpenCV can read, found none")
                rate = capture.get(cv2.CAP_PROP_FPS)
                rate = rate if math.isfinite(rate) and rate > 0 else _DEFAULT_RATE
                declared = capture.get(cv2.CAP_PROP_FRAME_COUNT)
                start, count = clock.now(), 0
                while not clock.stopped:
                    ok, image = capture.read()
                    if not ok:
                        break
                    at_s, count = count / rate, count + 1
                    if self._pace:
                        clock.wait(start + at_s - clock.now())
                    yield Frame(f"{self.name} #{count}", at_s, image[..., ::-1])
            finally:
                capture.release()
        except cv2.error as error:
            raise StreamError(f"{self._path}: OpenCV failed: {error}") from error
        if not clock.stopped:
            self._check_end(count, declared)

    def _check_end(self, count: int, declared: float) -> None:
        """The declared length may be slightly off, so up to a tenth of the frames may be missing."""
        if count == 0 or count < 0.9 * declared - 1:
            total = f" of {declared:.0f}" if declared >= 1 else ""
            raise StreamError(f"{self._path}: ended after {count}{total} frames: it is truncated or damaged")
