"""Frames from a camera, a video file or a watched folder, for a Classifier.

    from hanji.runtime import Classifier
    from hanji.runtime.streams import camera, latest

    with Classifier.open("bundle") as classifier, latest(camera(0)) as frames:
        for frame in frames:
            print(frame.name, classifier.classify(frame.image).best.label, frames.dropped)

A source provides frames: ``camera``, ``video`` or ``folder``. A stream reads a source:

``latest``  A background thread reads continuously and keeps only the newest frame; older frames are dropped
            and counted. So results are never stale, and no queue builds up.
``every``   Reads a frame on demand and drops nothing. Not for cameras: the driver's buffer would return old
            frames.

A camera or folder that is lost is reported and reopened, with exponential backoff of up to a minute. OpenCV
and picamera2 are imported when a source is read.
"""

from __future__ import annotations

from hanji.runtime.streams.cameras import camera, video
from hanji.runtime.streams.folders import folder
from hanji.runtime.streams.frames import Clock, Event, Frame, Source, log_event
from hanji.runtime.streams.reading import Every, Latest, Stream, every, latest

__all__ = [
    "Clock",
    "Event",
    "Every",
    "Frame",
    "Latest",
    "Source",
    "Stream",
    "camera",
    "every",
    "folder",
    "latest",
    "log_event",
    "video",
]
