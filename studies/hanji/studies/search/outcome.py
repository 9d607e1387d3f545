"""The outcome of a search: a table for the terminal, search.json and recipe.toml."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hanji.export.bundle.build_report import surroundings
from hanji.runtime.bundle import MANIFEST
from hanji.studies.budget import Budget
from hanji.studies.search.candidate import Candidate
from hanji.studies.search.search import SearchResult
from hanji.studies.search.space import Space
from hanji.studies.search.toml_text import recipe_text
from hanji.studies.study import file_of
from hanji.studies.variant import Variant
from hanji.training.files import write_text_atomic

SCHEMA_VERSION = 1
RECIPE, BUNDLE = "recipe.toml", "bundle"
HEADINGS = ("recipe", "", "bytes", "ms", "metric", "reason")


@dataclass(frozen=True)
class Outcome:
    """The result of a search and its inputs."""

    space: Space
    budget: Budget
    result: SearchResult
    command: str
    seed: int
    seconds: float

    def table(self) -> dict[str, Any]:
        """The content of search.json."""
        space, result = self.space, self.result
        return {
            "schema_version": SCHEMA_VERSION,
            "name": space.name,
            "task": space.base.task,
            "command": self.command,
            "seed": self.seed,
            "training_seed": space.base.seed,
            "metric": space.metric,
            "format": space.formats[0],
            "engine": space.engine,
            "budget": {key: value for key, value in asdict(self.budget).items() if key != "name"},
            "axes": {axis: list(labels) for axis, labels in space.axes.items()},
            "recipes": len(space.points),
            "trained": result.trials,
            "stopped": result.stopped,
            "seconds": round(self.seconds, 1),
            "candidates": [_candidate_table(candidate) for candidate in result.candidates],
            "winner": result.winner and result.winner.point.variant.name,
            "test": result.finished and {"winner": result.finished.winner, "full": result.finished.full},
            "binds": self.violations,
            **surroundings(),
        }

    @property
    def violations(self) -> str:
        """If nothing fits: the limits that the closest candidate exceeds, and by how much."""
        closest = self.result.closest
        if closest is None:
            return "" if self.result.winner else "no recipe of the space could be measured"
        violations = self.budget.violations(
            bytes=closest.bytes or 0, latency_ms=closest.latency_ms or 0.0, drop=closest.drop or 0.0
        )
        return f"the closest is {closest.point.variant.name!r}: {'; '.join(violations)}"

    def lines(self) -> list[str]:
        """The lines for the terminal: all candidates, why the search stopped, and the winner."""
        result = self.result
        rows = [list(HEADINGS), *(_cells(candidate) for candidate in _by_rank(result.candidates))]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        untried = sum(candidate.status == "not tried" for candidate in result.candidates)
        lines.append(
            f"{result.trials} of {len(self.space.points)} recipes were trained, {untried} were not tried. "
            f"Stopped: {result.stopped}."
        )
        return lines + self._winner_lines()

    def _winner_lines(self) -> list[str]:
        winner, finished, metric = self.result.winner, self.result.finished, self.space.metric
        if winner is None or finished is None:
            return []
        return [
            f"Winner: {winner.point.variant.name}, {finished.bytes:,} bytes. On the test set, evaluated only "
            f"now: {metric} {finished.winner[metric]:.4f}, full model {finished.full[metric]:.4f}."
        ]

    def write(self, out: Path) -> None:
        """Write OUT/search.json, and OUT/recipe.toml if there is a winner; else remove an earlier winner."""
        text = json.dumps(self.table(), indent=1, ensure_ascii=False)
        write_text_atomic(out / "search.json", text + "\n")
        winner = self.result.winner
        if winner is None:
            (out / RECIPE).unlink(missing_ok=True)
            if (out / BUNDLE / MANIFEST).is_file():
                shutil.rmtree(out / BUNDLE)
            return
        variant = Variant(self.space.name, winner.point.variant.tables)
        file = file_of(self.space.base, variant, self.space.base.seed)
        write_text_atomic(out / RECIPE, recipe_text(file, self._comments(winner)))

    def _comments(self, winner: Candidate) -> list[str]:
        built, finished = winner.built, self.result.finished
        lines = [
            f"{winner.point.variant.name}: found by",
            f"    {self.command}",
            f"which trained {self.result.trials} of {len(self.space.points)} recipes.",
        ]
        if built and finished:
            metric = self.space.metric
            on_test = f"{finished.winner[metric]:.4f} on test (full model: {finished.full[metric]:.4f})"
            measured = f"{built.bytes:,} bytes, {built.latency_ms:.3g} ms"
            lines.append(f"{measured}, {metric} {built.metric:.4f} on validation, {on_test}.")
        return lines


def _candidate_table(candidate: Candidate) -> dict[str, Any]:
    built, shape = candidate.built, candidate.shape
    return {
        "name": candidate.point.variant.name,
        "steps": list(candidate.point.variant.tables),
        "choice": dict(candidate.point.choice),
        "status": candidate.status,
        "reason": candidate.reason,
        "parameters": shape and shape.parameters,
        "weights_bytes": shape and shape.min_bytes,
        "untrained_bytes": candidate.untrained_bytes,
        "untrained_engine_ms": candidate.untrained_ms,
        "bytes": built and built.bytes,
        "latency_ms": built and built.latency_ms,
        "validation": built and built.metric,
        "drop": candidate.drop,
    }


def _by_rank(candidates: tuple[Candidate, ...]) -> list[Candidate]:
    """Those that fit, best first, then those over a limit, failed, left out and not tried."""
    order = ("fits", "over", "failed", "left out", "not tried")

    def rank(candidate: Candidate) -> tuple[int, float]:
        return order.index(candidate.status), -candidate.built.metric if candidate.built else 0.0

    return sorted(candidates, key=rank)


def _cells(candidate: Candidate) -> list[str]:
    built, size = candidate.built, candidate.bytes
    sign = "" if built or size is None else ("~" if candidate.untrained_bytes is not None else ">")
    return [
        candidate.point.variant.name,
        candidate.status,
        "" if size is None else f"{sign}{size:,}",
        "" if candidate.latency_ms is None else f"{'' if built else '~'}{candidate.latency_ms:.3g}",
        f"{built.metric:.4f}" if built else "",
        " ".join(candidate.reason.split()),
    ]


__all__ = ["Outcome"]
