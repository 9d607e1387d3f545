"""Video file sources, read with OpenCV."""

from __future__ import annotations

import math
import os
from pathlib import Path

from hanji.runtime.errors import StreamError
from hanji.runtime.streams.cameras import INSTALL_OPENCV
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source, imported

_DEFAULT_RATE = 25.0
"""Frames per second of a video that does not specify a frame rate."""


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
        cv2 = imported("cv2", INSTALL_OPENCV)
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


__all__ = ["Video", "video"]
