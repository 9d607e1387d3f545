"""Checkpoints for resuming a killed fit: one file, replaced after each completed epoch."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hanji.runtime.json_table import json_value
from hanji.training.archives import open_arrays
from hanji.training.content import obstacle_to_reuse
from hanji.training.errors import DataError
from hanji.training.files import atomic_file
from hanji.training.progress import logger

Arrays = list[NDArray[Any]]


@dataclass(frozen=True)
class FitState:
    """The state of a fit after a completed epoch."""

    history: tuple[dict[str, float], ...]
    best_epoch: int
    weights: Arrays
    average: Arrays
    optimizer: Arrays
    best: Arrays

    def finished(self, *, epochs: int, patience: int) -> bool:
        """Whether all epochs are done, or the last ``patience`` of them brought no improvement."""
        done = len(self.history)
        return done >= epochs or done - 1 - self.best_epoch >= patience


class Checkpoint:
    """The checkpoint file of one fit; a file saved with other ``settings`` or other data is ignored.

    ``content`` is the hash of the data that the fit depends on.
    """

    def __init__(self, path: Path, settings: object, *, content: str) -> None:
        self._path, self._content = path, content
        text = json.dumps(settings, sort_keys=True, default=repr)
        self._fingerprint = hashlib.sha256(text.encode()).hexdigest()

    def load(self) -> FitState | None:
        """The last saved state, or None if there is none for these settings and this data."""
        if not self._path.exists():
            return None
        try:
            with open_arrays(self._path, "starting from the beginning") as arrays:
                return self._state(arrays)
        except (DataError, TypeError) as error:
            logger.warning(f"unreadable checkpoint: {error}")
            return None

    def save(self, state: FitState) -> None:
        """Replace the file atomically, so that a kill leaves the previous one."""
        self._path.parent.mkdir(parents=True, exist_ok=True)
        about = {
            "settings": self._fingerprint,
            "content": self._content,
            "history": state.history,
            "best_epoch": state.best_epoch,
        }
        arrays: dict[str, Any] = {"about": np.array(json.dumps(about)), **_named(state)}
        with atomic_file(self._path) as temporary, temporary.open("wb") as file:
            np.savez(file, **arrays)

    def _state(self, file: Any) -> FitState | None:
        about = json_value(str(file["about"]).encode())
        if about["settings"] != self._fingerprint:
            logger.warning(f"{self._path}: belongs to other settings; starting from the beginning")
            return None
        reason = obstacle_to_reuse(about.get("content", ""), self._content)
        if reason is not None:
            logger.warning(f"{self._path}: {reason}; starting from the beginning")
            return None
        logger.info(f"{self._path}: resuming after epoch {len(about['history'])}")
        groups = {name: _group(file, name) for name in ("weights", "average", "optimizer", "best")}
        return FitState(tuple(about["history"]), about["best_epoch"], **groups)


def _named(state: FitState) -> dict[str, NDArray[Any]]:
    groups = {
        "weights": state.weights,
        "average": state.average,
        "optimizer": state.optimizer,
        "best": state.best,
    }
    return {f"{name}_{i}": array for name, arrays in groups.items() for i, array in enumerate(arrays)}


def _group(file: Any, name: str) -> Arrays:
    count = sum(key.startswith(f"{name}_") for key in file.files)
    return [file[f"{name}_{i}"] for i in range(count)]
