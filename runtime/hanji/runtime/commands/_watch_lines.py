"""Output of `hanji watch`: one line per frame or other event, flushed immediately."""

from __future__ import annotations

from dataclasses import asdict

from hanji.runtime.classification import Answer, Classification, answer_table
from hanji.runtime.classifier import Classifier
from hanji.runtime.errors import ImageError
from hanji.runtime.streams import Event, Frame
from hanji.runtime.terminal import print_json, print_lines


class Lines:
    """Writes frames to stdout and other events to stderr; in JSON mode all are objects on stdout."""

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._frames = 0
        self._skipped = 0

    def begin(self, classifier: Classifier, source: str, note: str) -> None:
        engine, name = classifier.engine, classifier.manifest.name
        if self._json:
            synthetic = classifier.manifest.training_data.synthetic
            started = {"event": "started", "source": source, "bundle": name, "synthetic": synthetic}
            placement = classifier.placement.as_json()
            self._print_json({**started, "engine": asdict(engine), "placement": placement})
            return
        self._log(f"{name} ({engine.name} {engine.version}) is watching {source}")
        if note:
            self._log(note)

    def ignored(self, others: str) -> None:
        """Report files in the watched folder that are not images, counted by extension."""
        if self._json:
            self._print_json({"event": "ignored", "files": others})
            return
        self._log(f"ignored, not image formats that are read: {others}")

    def classified(self, frame: Frame, result: Answer, ms: float, dropped: int) -> None:
        self._frames += 1
        if self._json:
            fields = {**_frame_fields(frame), **answer_table(result), "ms": round(ms, 3)}
            self._print_json({**fields, "dropped": dropped})
            return
        if isinstance(result, Classification):
            rows = [f"{row.name} {row.probability:.4f}" for row in result] or ["no label"]
        else:
            rows = [f"{row.name} {row.value:.6g} {row.unit}".rstrip() for row in result]
        drops = f"  {dropped} dropped" if dropped else ""
        print_lines(f"{frame.name}  {', '.join(rows)}  {ms:.1f} ms{drops}")

    def skipped(self, frame: Frame, error: ImageError, dropped: int) -> None:
        self._frames += 1
        self._skipped += 1
        if self._json:
            self._print_json({**_frame_fields(frame), "error": str(error), "dropped": dropped})
            return
        drops = f"  {dropped} dropped" if dropped else ""
        print_lines(f"{frame.name}  not classified: {error}{drops}")

    def event(self, event: Event) -> None:
        if self._json:
            fields = {"event": event.kind, "source": event.source, "detail": event.detail}
            self._print_json({**fields, "again_in_s": event.again_in_s})
            return
        retry = "" if event.again_in_s is None else f"; trying again in {event.again_in_s:g} s"
        self._log(f"{event.source}: {event.detail}{retry}")

    def end(self, dropped: int) -> None:
        counts = {"frames": self._frames, "not_classified": self._skipped, "dropped": dropped}
        if self._json:
            self._print_json({"event": "stopped", **counts})
            return
        self._log(f"stopped after {self._frames} frames, {self._skipped} not classified, {dropped} dropped")

    def _print_json(self, value: dict[str, object]) -> None:
        print_json(value, None)

    def _log(self, text: str) -> None:
        print_lines(f"hanji: {text}", to_stderr=True)


def _frame_fields(frame: Frame) -> dict[str, object]:
    return {"frame": frame.name, "time_s": round(frame.time_s, 6)}
