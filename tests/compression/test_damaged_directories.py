"""What stages write is JSON that anybody can edit: whatever it contains is one line that says what to run."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from hanji.compression.classifiers.compressed import load_compressed_classifier
from hanji.compression.classifiers.files.compressed_file import load_compressed_file
from hanji.compression.classifiers.foreign.keras_classifier import load_keras_classifier
from hanji.compression.recommenders.compressed import load_compressed
from hanji.training.classifiers.trained import load_classifier
from hanji.training.errors import DataError
from hanji.training.files import FORMAT_VERSION
from hanji.training.recommenders.trained import load_trained

LOADERS: dict[Callable[[Path], object], str] = {
    load_trained: "trained.json",
    load_classifier: "classifier.json",
    load_compressed: "compressed.json",
    load_compressed_classifier: "compressed-classifier.json",
    load_compressed_file: "compressed-file.json",
    load_keras_classifier: "keras-classifier.json",
}
WRONG = (
    *({}, {"catalogue": 5}, {"catalogue": {"user_ids": None}}, {"labels": 5}, {"labels": [], "picture": []}),
    *(
        {"picture": {"height": "\0"}, "labels": ["a"]},
        {"scheme": ["int8"]},
        {"format": "../../x"},
        {"head": 5},
    ),
    *({"scheme": "int8", "float_layers": 7}, {"format": "onnx", "name": "x"}),
)


@pytest.mark.parametrize("load", LOADERS)
def test_wrong_values(load: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / LOADERS[load]
    for values in WRONG:
        path.write_text(json.dumps({"format_version": FORMAT_VERSION, **values}))
        with pytest.raises(DataError, match=r"`hanji (train|compress)`"):
            load(tmp_path)


@pytest.mark.parametrize("load", LOADERS)
def test_what_is_no_json(load: Callable[[Path], object], tmp_path: Path) -> None:
    path = tmp_path / LOADERS[load]
    for content in (
        b"",
        b"\xff",
        b"[" * 100_000,
        b'{"a": 1, "a": 1}',
        b"5",
        b'{"seed": ' + b"9" * 5000 + b"}",
    ):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"`hanji (train|compress)`"):
            load(tmp_path)
