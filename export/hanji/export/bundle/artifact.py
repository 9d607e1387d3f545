"""One model in one format: its files and their paths in a bundle."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from hanji.runtime.manifest import Artifact, FileEntry, Parity

TFLITE_PATH = "model.tflite"
ONNX_PATH = "model.onnx"
TFJS_DIRECTORY = "tfjs/"
TFJS_PATH = TFJS_DIRECTORY + "model.json"
MODEL_FILES = {"tflite": TFLITE_PATH, "onnx": ONNX_PATH}
"""The model file that a device loads, by format; TF.js has several files."""

UNMEASURED = Parity(checked=False, reason="not measured yet")


@dataclass(frozen=True)
class Converted:
    """An artifact and the contents of its files, by path in the bundle."""

    artifact: Artifact
    contents: Mapping[str, bytes]


def file_entry(path: str, content: bytes) -> FileEntry:
    """The manifest entry of a file."""
    return FileEntry(path, len(content), hashlib.sha256(content).hexdigest())


__all__ = [
    "MODEL_FILES",
    "ONNX_PATH",
    "TFJS_DIRECTORY",
    "TFJS_PATH",
    "TFLITE_PATH",
    "UNMEASURED",
    "Converted",
    "file_entry",
]
