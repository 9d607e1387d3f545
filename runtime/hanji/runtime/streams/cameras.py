"""Cameras: the Pi's own by picamera2, others by OpenCV. Neither is needed before a camera is read."""

from __future__ import annotations

import importlib.util
import time
from concurrent.futures import TimeoutError as NoFrameInTime
from typing import Literal

from hanji.runtime.errors import HanjiError, StreamError
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source, imported

INSTALL_OPENCV = "pip install opencv-python-headless (on a Raspberry Pi: sudo apt install python3-opencv)"
_INSTALL_PICAMERA2 = (
    "sudo apt install python3-picamera2, in a virtual environment made with --system-site-packages and with "
    "the numpy of the system, which picamera2 was built for: pip uninstall numpy"
)
_LOOK_AT_IT = "see that it is plugged in, that no other program uses it and that this user may read it"
_PATIENCE_S = 5.0
"""After so long without a frame a Pi's camera counts as lost."""

Library = Literal["auto", "picamera2", "opencv"]


def camera(device: int | str = 0, *, size: tuple[int, int] = (640, 480), library: Library = "auto") -> Source:
    """A camera: its number, or for OpenCV the path of its device, such as "/dev/video0".

    ``size``, (width, height) in pixels, is asked for; a camera that cannot do it gives what is nearest.
    ``library`` "auto" is picamera2 where it is installed, which knows USB cameras, too, and OpenCV otherwise;
    a path always goes to OpenCV. HanjiError, when it is read, if neither is installed.
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
            raise HanjiError(f"camera {device}: picamera2 takes the number of a camera, not a path")
        return OpenCvCamera(device, size)
    if library == "auto":
        library = "picamera2" if importlib.util.find_spec("picamera2") is not None else "opencv"
    return PiCamera(device, size) if library == "picamera2" else OpenCvCamera(device, size)


class OpenCvCamera:
    """Any camera that the system shows as a video device."""

    comes_back = True

    def __init__(self, device: int | str, size: tuple[int, int]) -> None:
        self.name = f"camera {device}"
        self._device = device
        self._size = size
        self._count = 0

    def frames(self, clock: Clock) -> Frames:
        cv2 = imported("cv2", INSTALL_OPENCV)
        try:
            capture = cv2.VideoCapture(self._device)
            try:
                if not capture.isOpened():
                    raise StreamError(f"{self.name}: cannot be opened; {_LOOK_AT_IT}")
                capture.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
                capture.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
                while not clock.stopped:
                    given, image = capture.read()
                    if not given:
                        raise StreamError(f"{self.name}: gives no more frames; {_LOOK_AT_IT}")
                    self._count += 1
                    # OpenCV's order is blue, green, red; turned round it is a view and costs nothing.
                    yield Frame(f"{self.name} #{self._count}", time.time(), image[..., ::-1])
            finally:
                capture.release()
        except cv2.error as error:
            raise StreamError(f"{self.name}: OpenCV failed: {error}") from error


class PiCamera:
    """A Raspberry Pi's camera, by libcamera."""

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
                # What libcamera calls BGR888 lies in memory as red, green, blue.
                wanted = {"size": self._size, "format": "BGR888"}
                device.configure(device.create_video_configuration(main=wanted))
                device.start()
                while not clock.stopped:
                    image = device.capture_array("main", wait=_PATIENCE_S)
                    self._count += 1
                    yield Frame(f"{self.name} #{self._count}", time.time(), image)
            finally:
                device.close()  # which stops it, too
        except (NoFrameInTime, TimeoutError) as error:
            message = f"{self.name}: has given no frame for {_PATIENCE_S:g} s; {_LOOK_AT_IT}"
            raise StreamError(message) from error
        except (RuntimeError, IndexError, OSError, ValueError) as error:
            reason = str(error) or type(error).__name__
            raise StreamError(f"{self.name}: picamera2 failed: {reason}; {_LOOK_AT_IT}") from error


__all__ = ["INSTALL_OPENCV", "OpenCvCamera", "PiCamera", "camera"]
