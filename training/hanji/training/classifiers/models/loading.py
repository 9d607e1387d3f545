"""Loads Keras models from user-supplied files."""

from __future__ import annotations

import zipfile
from pathlib import Path

import tensorflow as tf
import tf_keras as keras
from tf_keras.src.saving.serialization_lib import SafeModeScope

from hanji.training.classifiers.untrusted.keras_file import (
    KERAS_SUFFIXES,
    archived_version,
    expect_known_keras_file,
)
from hanji.training.classifiers.untrusted.trust import trusts_code
from hanji.training.errors import DataError
from hanji.training.reasons import reason_of

_ERRORS = (
    *(OSError, ValueError, TypeError, KeyError, AttributeError, ImportError, MemoryError),
    tf.errors.OpError,
)


def load_network(path: Path) -> keras.Model:
    """Load a model saved by tf_keras, whose config is checked first: no code inside the file is executed.

    DataError if there is no such file, if it names classes or functions that are not built in (unless code is
    trusted, see ``trusting_code``), or if tf_keras cannot load it.
    """
    if not path.is_file():
        raise DataError(
            f"{path}: expected a file saved by tf_keras ({', '.join(KERAS_SUFFIXES)}), found none"
        )
    version = _keras_version(path)
    if not version.startswith("2"):
        raise DataError(
            f"{path}: saved by Keras {version}, but tf_keras reads only files of Keras 2; build the model "
            "with tf_keras, give it the weights with set_weights(), and save that one"
        )
    expect_known_keras_file(path)
    try:
        with SafeModeScope(safe_mode=not trusts_code()):
            return keras.models.load_model(path, compile=False)
    except _ERRORS as error:
        raise DataError(f"{path}: tf_keras cannot load this model: {reason_of(error)}") from error


def _keras_version(path: Path) -> str:
    """The version of Keras that wrote a .keras file; .h5 files are assumed to be from Keras 2."""
    if not zipfile.is_zipfile(path):
        return "2"
    try:
        with zipfile.ZipFile(path) as archive:
            return archived_version(archive, path)
    except (KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        raise DataError(
            f"{path}: not a Keras file ({error}); expected metadata.json with keras_version"
        ) from None


__all__ = ["load_network"]
