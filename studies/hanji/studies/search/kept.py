"""A bench that asks nothing twice: answers lie in files, and a search that goes on finds them there."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from hanji.studies.search.bench import LASTING, Bench, Built, Finished, Shape
from hanji.studies.search.setup import Setup
from hanji.studies.variant import Variant
from hanji.training.errors import RecipeError
from hanji.training.files import write_text_atomic


class KeptBench:
    """``bench`` with a memory in ``folder``.

    Errors that a recipe gives rise to each time are kept as well; others, such as a process that died for
    want of memory, may be gone the next time.
    """

    def __init__(self, bench: Bench, setup: Setup) -> None:
        self._bench, self._setup = bench, setup
        self._folder = setup.out / "work" / "measured"
        self.seconds = 0.0
        """That the answers took, in this run or an earlier one."""

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """Quick enough to be asked each time."""
        start = time.monotonic()
        found = self._bench.shapes(variants)
        self.seconds += time.monotonic() - start
        return found

    def untrained_bytes(self, twin: Variant) -> int:
        """See Bench."""
        return int(self._kept("bytes", twin, lambda: self._bench.untrained_bytes(twin)))

    def untrained_ms(self, twin: Variant) -> float:
        """See Bench."""
        return float(self._kept("ms", twin, lambda: self._bench.untrained_ms(twin)))

    def built(self, variant: Variant, kin: Variant | None) -> Built:
        """See Bench."""
        return Built(**self._kept("built", variant, lambda: asdict(self._bench.built(variant, kin))))

    def finished(self, winner: Variant) -> Finished:
        """Never from memory: it writes the bundle."""
        start = time.monotonic()
        found = self._bench.finished(winner)
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
        except LASTING as error:
            answer = {"error": str(error)}
        kept = {"recipe": variant.name, **answer, "seconds": round(time.monotonic() - start, 3)}
        self._folder.mkdir(parents=True, exist_ok=True)
        write_text_atomic(path, json.dumps(kept, ensure_ascii=False) + "\n")
        return kept


__all__ = ["KeptBench"]
