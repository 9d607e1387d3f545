"""An evaluator that caches measurements in files, from which an interrupted search resumes."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hanji.studies.search.evaluator import DETERMINISTIC_ERRORS, Built, Evaluator, Finished, Shape
from hanji.studies.search.setup import Setup
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.files import write_text_atomic
from hanji.training.json_files import read_own_json


class CachedEvaluator:
    """``evaluator`` with a cache in OUT/work/measured.

    Deterministic errors of a recipe are cached as well; others, such as running out of memory, are not.
    """

    def __init__(self, evaluator: Evaluator, setup: Setup) -> None:
        self._evaluator, self._setup = evaluator, setup
        self._folder = setup.out / "work" / "measured"
        self.seconds = 0.0
        """Duration of all measurements, of this run or an earlier one."""

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """See Evaluator; not cached, since it is fast."""
        start = time.monotonic()
        shapes = self._evaluator.shapes(variants)
        self.seconds += time.monotonic() - start
        return shapes

    def untrained_bytes(self, shape: Variant) -> int:
        """See Evaluator."""
        return int(self._cached("bytes", shape, lambda: self._evaluator.untrained_bytes(shape)))

    def untrained_ms(self, shape: Variant) -> float:
        """See Evaluator."""
        return float(self._cached("ms", shape, lambda: self._evaluator.untrained_ms(shape)))

    def build(self, variant: Variant, resume_from: Variant | None) -> Built:
        """See Evaluator."""
        return Built(
            **self._cached("built", variant, lambda: asdict(self._evaluator.build(variant, resume_from)))
        )

    def finish(self, winner: Variant) -> Finished:
        """See Evaluator; not cached, since it writes the bundle."""
        start = time.monotonic()
        finished = self._evaluator.finish(winner)
        self.seconds += time.monotonic() - start
        return finished

    def _cached(self, what: str, variant: Variant, measure: Callable[[], Any]) -> Any:
        path = self._folder / f"{what}-{self._setup.identity(variant)}.json"
        entry = self._read(path) or self._measured(path, variant, measure)
        self.seconds += entry["seconds"]
        if "error" in entry:
            raise RecipeError(entry["error"])
        return entry["found"]

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        return read_own_json(path)

    def _measured(self, path: Path, variant: Variant, measure: Callable[[], Any]) -> dict[str, Any]:
        start = time.monotonic()
        try:
            result: dict[str, Any] = {"found": measure()}
        except DETERMINISTIC_ERRORS as error:
            result = {"error": str(error)}
        entry = {"recipe": variant.name, **result, "seconds": round(time.monotonic() - start, 3)}
        self._folder.mkdir(parents=True, exist_ok=True)
        write_text_atomic(path, json.dumps(entry, ensure_ascii=False) + "\n")
        return entry


__all__ = ["CachedEvaluator"]
