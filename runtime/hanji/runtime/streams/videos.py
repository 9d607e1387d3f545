"""Video files, by OpenCV."""

from __future__ import annotations

import math
import os
from pathlib import Path

from hanji.runtime.errors import StreamError
from hanji.runtime.streams.cameras import INSTALL_OPENCV
from hanji.runtime.streams.frames import Clock, Frame, Frames, Source, imported

_USUAL_RATE = 25.0
"""Frames a second of a film that does not say."""


def video(path: str | os.PathLike[str], *, pace: bool = True) -> Source:
    """A video file. With ``pace`` it runs as fast as it was filmed, as a camera would, else as it is read.

    StreamError, when it is read, for a file that is missing or no video, and at the end of one that is cut
    off or damaged: it holds far fewer frames than it says.
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
                rate = rate if math.isfinite(rate) and rate > 0 else _USUAL_RATE
                announced = capture.get(cv2.CAP_PROP_FRAME_COUNT)
                began, count = clock.now(), 0
                while not clock.stopped:
                    given, image = capture.read()
                    if not given:
                        break
                    at_s, count = count / rate, count + 1
                    if self._pace:
                        clock.wait(began + at_s - clock.now())
                    yield Frame(f"{self.name} #{count}", at_s, image[..., ::-1])
            finally:
                capture.release()
        except cv2.error as error:
            raise StreamError(f"{self._path}: OpenCV failed: {error}") from error
        if not clock.stopped:
            self._check_end(count, announced)

    def _check_end(self, count: int, announced: float) -> None:
        """What a file says of its length may be off by a little, so only a tenth counts."""
        if count == 0 or count < 0.9 * announced - 1:
            said = f" of {announced:.0f}" if announced >= 1 else ""
            raise StreamError(f"{self._path}: ended after {count}{said} frames: it is cut off or damaged")


__all__ = ["Video", "video"]
