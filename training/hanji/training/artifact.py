"""Common parts of the directories that stages write: a versioned JSON file and plain weight arrays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hanji.training.errors import DataError

if TYPE_CHECKING:
    import tf_keras as keras

FORMAT_VERSION = 1


def read_about(path: Path, made_by: str) -> dict[str, Any]:
    """Read the JSON file of a stage's output directory; DataError names the command that writes it."""
    try:
        about: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: no such file; expected a directory written by `{made_by}`") from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not readable ({error}); run `{made_by}` again") from None
    if about.get("format_version") != FORMAT_VERSION:
        raise DataError(
            f"{path}: expected format version {FORMAT_VERSION}, found {about.get('format_version')!r}; "
            f"run `{made_by}` again with this version of hanji"
        )
    return about


def save_weights(model: keras.Model, path: Path) -> None:
    """Save all weights in the model's order, as plain arrays."""
    np.savez(path, **{f"weight_{index}": array for index, array in enumerate(model.get_weights())})


def load_weights(model: keras.Model, path: Path) -> None:
    """Load weights written by ``save_weights`` into a model built from the same config."""
    try:
        with np.load(path, allow_pickle=False) as file:
            model.set_weights([file[f"weight_{index}"] for index in range(len(file.files))])
    except (OSError, ValueError, KeyError) as error:
        raise DataError(f"{path}: not the weights of this model ({error}); run the stage again") from None


__all__ = ["FORMAT_VERSION", "load_weights", "read_about", "save_weights"]
