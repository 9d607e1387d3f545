"""A evaluator that asks nothing twice: answers lie in files, and a search that goes on finds them there."""

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


class CachedEvaluator:
    """``evaluator`` with a memory in ``folder``.

    Errors that a recipe gives rise to each time are kept as well; others, such as a process that died for
    want of memory, may be gone the next time.
    """

    def __init__(self, evaluator: Evaluator, setup: Setup) -> None:
        self._evaluator, self._setup = evaluator, setup
        self._folder = setup.out / "work" / "measured"
        self.seconds = 0.0
        """That the answers took, in this run or an earlier one."""

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """Quick enough to be asked each time."""
        start = time.monotonic()
        found = self._evaluator.shapes(variants)
        self.seconds += time.monotonic() - start
        return found

    def untrained_bytes(self, shape: Variant) -> int:
        """See Evaluator."""
        return int(self._kept("bytes", shape, lambda: self._evaluator.untrained_bytes(shape)))

    def untrained_ms(self, shape: Variant) -> float:
        """See Evaluator."""
        return float(self._kept("ms", shape, lambda: self._evaluator.untrained_ms(shape)))

    def built(self, variant: Variant, resume_from: Variant | None) -> Built:
        """See Evaluator."""
        return Built(
            **self._kept("built", variant, lambda: asdict(self._evaluator.built(variant, resume_from)))
        )

    def finished(self, winner: Variant) -> Finished:
        """Never from memory: it writes the bundle."""
        start = time.monotonic()
        found = self._evaluator.finished(winner)
        self.seconds += time.monotonic() - start
        return found

    def _kept(self, what: str, variant: Variant, ask: Callable[[], Any]) -> Any:
        path = self._folder / f"{what}-{self._setup.identity(variant)}.json"
        kept = self._read(path) or self._asked(path, variant, ask)
        self.seconds += kept["seconds"]
        if "error" in kept:
            raise RecipeError(kept["error"])
        return kept["found"]

    def _read(self, path: Path) -> dict[str, Any] | None:
        if not path.exists():
            return None
        kept: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return kept

    def _asked(self, path: Path, variant: Variant, ask: Callable[[], Any]) -> dict[str, Any]:
        start = time.monotonic()
        try:
            answer: dict[str, Any] = {"found": ask()}
        except DETERMINISTIC_ERRORS as error:
            answer = {"error": str(error)}
        kept = {"recipe": variant.name, **answer, "seconds": round(time.monotonic() - start, 3)}
        self._folder.mkdir(parents=True, exist_ok=True)
        write_text_atomic(path, json.dumps(kept, ensure_ascii=False) + "\n")
        return kept


__all__ = ["CachedEvaluator"]
