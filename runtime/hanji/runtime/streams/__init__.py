"""Frames from a camera, a video file or a watched folder, for a Classifier.

    from hanji.runtime import Classifier
    from hanji.runtime.streams import camera, latest

    with Classifier.open("bundle") as classifier, latest(camera(0)) as frames:
        for frame in frames:
            print(frame.name, classifier.classify(frame.picture).best.label, frames.dropped)

A source says where frames come from: ``camera``, ``video`` or ``folder``. A stream reads it:

``latest``  a thread reads all the time and keeps the newest frame alone; older ones are dropped and counted.
            So an answer is never about what was long ago, and nothing piles up.
``every``   reads a frame when it is asked for one. Nothing is dropped; not for a camera, whose own
            driver would then hand out what it saw a while ago.

A camera or a folder that is lost while it is read is reported and tried again, after pauses that grow up to a
minute. Importing this imports neither OpenCV nor picamera2: a source does when it is read.
"""

from __future__ import annotations

from hanji.runtime.streams.cameras import camera
from hanji.runtime.streams.folders import folder
from hanji.runtime.streams.frames import Clock, Event, Frame, Source, log_event
from hanji.runtime.streams.reading import Every, Latest, Stream, every, latest
from hanji.runtime.streams.videos import video

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
