"""`hanji watch`: classifies frames from a camera, a video or a folder as they arrive."""

from __future__ import annotations

import argparse
import math
import os
import re
import signal
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import closing, contextmanager
from types import FrameType

import numpy as np

from hanji.runtime.classifier import Classifier
from hanji.runtime.commands._shared import add_bundle, add_engine, open_options, synthetic_note
from hanji.runtime.commands._watch_lines import Lines
from hanji.runtime.errors import HanjiError, ImageError
from hanji.runtime.streams import Event, Frame, Source, Stream, camera, every, folder, latest, video
from hanji.runtime.streams.folders import other_files
from hanji.runtime.streams.service_manager import ServiceManager

HELP = "classify frames from a camera, a video or a watched folder as they arrive"
EXAMPLE = "hanji watch out/bundle --camera 0 -k 1 --every 0.5"

_WAIT_S = 1.0
"""Longest wait for a frame, so that the watchdog of systemd is notified regularly."""
_SLICE_S = 0.1
"""Polling interval for the source to become ready, and for a stop request during ``--every``."""
_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 5.0
"""How long the loop may take to end after a signal."""
_BLACK_PIXEL = b"P5 1 1 255\n\x00"
"""A complete PGM file with one black pixel."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_bundle(parser)
    add_engine(parser)
    parser.add_argument(
        "--json-lines", dest="json", action="store_true", help="the same as --json: one object per line"
    )
    sources = parser.add_mutually_exclusive_group(required=True)
    sources.add_argument("--camera", metavar="DEVICE", help="camera number, or a device such as /dev/video0")
    sources.add_argument("--video", metavar="FILE", help="video file, played at its own frame rate")
    sources.add_argument("--folder", metavar="DIR", help="folder to watch for new images")
    parser.add_argument("-k", type=_count, default=3, help="number of classes per frame (default: 3)")
    parser.add_argument("--language", metavar="TAG", help="language of the class names, such as ko")
    parser.add_argument(
        "--every",
        type=_seconds,
        default=0.0,
        metavar="SECONDS",
        help="classify at most one frame per SECONDS",
    )
    parser.add_argument("--max-frames", type=_count, metavar="N", help="stop after N frames")
    parser.add_argument(
        "--all", action="store_true", help="video and folder: classify every frame instead of the newest"
    )
    parser.add_argument("--existing", action="store_true", help="also classify images already in the folder")
    parser.add_argument(
        "--size",
        type=_size,
        default=(640, 480),
        metavar="WxH",
        help="camera resolution (default: 640x480)",
    )
    parser.add_argument(
        "--camera-library",
        choices=("auto", "picamera2", "opencv"),
        default="auto",
        help="default: auto, which is picamera2 if installed, else OpenCV",
    )


def run(args: argparse.Namespace) -> int:
    # Pillow warns about files that it then rejects, or reads anyway; OpenCV about files and cameras whose
    # failures hanji reports itself.
    warnings.filterwarnings("ignore", module=r"PIL\.")
    os.environ.setdefault("OPENCV_LOG_LEVEL", "OFF")
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    source = _source(args)
    with closing(ServiceManager()) as manager, _opened(args) as classifier:
        watching = _Watching(classifier, source, args, manager)
        with watching.stream as stream, _stopped_by_signals(stream):
            watching.run()
            manager.stopping()
        watching.lines.end(stream.dropped)
    return 0


def _source(args: argparse.Namespace) -> Source:
    if args.existing and args.folder is None:
        raise HanjiError("--existing requires --folder")
    if args.camera is not None:
        if args.all:
            raise HanjiError("--all requires --video or --folder: a camera does not wait for the reader")
        return camera(args.camera, size=args.size, library=args.camera_library)
    if args.video is not None:
        return video(args.video, pace=not args.all)
    return folder(args.folder, existing=args.existing)


@contextmanager
def _opened(args: argparse.Namespace) -> Iterator[Classifier]:
    """Open and warm up the classifier; wrong options raise here, before the first frame."""
    with Classifier.open(args.bundle, **open_options(args)) as classifier:
        # Decoding a file imports Pillow, which only a folder needs; camera and video frames are arrays.
        pixel = np.zeros((1, 1), np.uint8) if args.folder is None else _BLACK_PIXEL
        classifier.answer(pixel, args.k, language=args.language)
        classifier.warm_up()
        yield classifier


class _Watching:
    """The main loop: reads frames, classifies them, prints lines."""

    def __init__(
        self, classifier: Classifier, source: Source, args: argparse.Namespace, manager: ServiceManager
    ) -> None:
        self.lines = Lines(args.json)
        self.stream: Stream = (every if args.all else latest)(source, on_event=self._event)
        self._classifier = classifier
        self._args = args
        self._manager = manager
        self._ready = False
        self._dropped = 0

    def run(self) -> None:
        """Run until the stream ends or ``--max-frames`` is reached."""
        stream, count, due = self.stream, 0, -math.inf
        while not stream.ended and count != self._args.max_frames:
            if stream.alive:
                self._manager.beat()
            wait_s = due - time.monotonic()
            if wait_s > 0:
                time.sleep(min(wait_s, _SLICE_S))
                continue
            frame = stream.read(_WAIT_S if self._ready else _SLICE_S)
            self._report_ready()
            if frame is not None:
                due = time.monotonic() + self._args.every
                count += 1
                self._classify(frame)

    def _classify(self, frame: Frame) -> None:
        dropped = self.stream.dropped - self._dropped
        self._dropped += dropped
        start = time.perf_counter()
        try:
            result = self._classifier.answer(frame.image, self._args.k, language=self._args.language)
        except ImageError as error:
            self.lines.skipped(frame, error, dropped)
            return
        self.lines.classified(frame, result, 1e3 * (time.perf_counter() - start), dropped)

    def _event(self, event: Event) -> None:
        self._report_ready()
        self.lines.event(event)

    def _report_ready(self) -> None:
        if self._ready or not self.stream.answered:
            return
        self._ready = True
        source, manifest = self.stream.source.name, self._classifier.manifest
        self.lines.begin(self._classifier, source, synthetic_note(manifest))
        if self._args.folder is not None and (others := other_files(self._args.folder)):
            self.lines.ignored(others)
        self._manager.ready(f"{manifest.name}: {source}")


@contextmanager
def _stopped_by_signals(stream: Stream) -> Iterator[None]:
    """Ctrl-C and SIGTERM end the stream, and with it the loop, after the current frame.

    If the loop does not end, because an engine computes forever or nobody reads the output, the process ends.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        stream.stop()

    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    ended = threading.Event()
    threading.Thread(target=_end_process, args=(reader, ended), daemon=True).start()
    before = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    previous = {number: signal.signal(number, stop) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(before)
        ended.set()
        os.close(writer)


def _end_process(reader: int, ended: threading.Event) -> None:
    """End the process ``_GRACE_S`` after a signal, which ``reader`` reports at once, unless the loop ends."""
    while number := os.read(reader, 1):
        if number[0] in _SIGNALS and not ended.wait(_GRACE_S):
            os._exit(128 + number[0])
    os.close(reader)


def _count(text: str) -> int:
    if not re.fullmatch(r"[1-9]\d{0,17}", text):
        raise argparse.ArgumentTypeError(f"expected 1 or more, found {text!r}")
    return int(text)


def _seconds(text: str) -> float:
    if not re.fullmatch(r"\d{1,9}(\.\d*)?|\.\d+", text):
        raise argparse.ArgumentTypeError(f"expected seconds such as 0.5 or 60, found {text!r}")
    return float(text)


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"expected WIDTHxHEIGHT such as 640x480, found {text!r}")
    return int(found[1]), int(found[2])
