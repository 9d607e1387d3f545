"""Results of the Python runtime for the test bundles, which the core of android_demo must reproduce.

One JSON file per bundle and format, with calls, their arguments as named in the core's API, and the result or
the name of the error; ``pictures.json`` with images and their preprocessed forms; ``texts.json`` with numbers
and ids as formatted in messages; ``manifests.json`` with mutated manifests and the errors that they cause;
``table_files.json`` with table files, their columns, and malformed ones; ``hostile.json`` with model files
that every loader refuses; ``operators.json`` and ``unsigned.json`` with model files for TensorFlow Lite.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hanji.runtime import Classifier, HanjiError, Recommender
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ClassifierManifest

from ..hostile_files import write_hostile
from ..image_answers import prepared_images, source_of
from .manifests import mutated_manifests
from .tflite_files import operator_files, without_signatures

PYTHON_NAMES = {"excludeSeen": "exclude_seen"}
ENGINES = {"onnx": "onnxruntime", "tflite": "litert"}
TABLE_FILES = Path(__file__).parents[1] / "table_files.json"


def write_results(bundles: Path, target: Path) -> None:
    """Run all calls on every bundle in ``bundles`` and write the results to the new directory ``target``."""
    target.mkdir()
    for path in sorted(bundles.iterdir()):
        is_classifier = isinstance(open_bundle(path).manifest, ClassifierManifest)
        for name, engine in ENGINES.items():
            results = _classifier(path, engine) if is_classifier else _recommender(path, engine)
            _write(target / f"{path.name}.{name}.json", results)
    _write(target / "pictures.json", prepared_images())
    _write(target / "texts.json", _texts())
    _write(target / "manifests.json", mutated_manifests(bundles))
    write_hostile(bundles / "history", target / "hostile.json")
    _write(target / "operators.json", operator_files())
    _write(target / "unsigned.json", without_signatures(bundles / "digits" / "model.tflite", "classify"))
    shutil.copyfile(TABLE_FILES, target / "table_files.json")


def _write(path: Path, content: object) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def _recommender(path: Path, engine: str) -> list[dict[str, Any]]:
    with Recommender.open(path, engine=engine) as recommender:
        ids = recommender.items.ids.values
        if recommender.users is None:
            calls = [*_history_calls(ids), *_why_calls(ids)]
        else:
            calls = _user_calls(recommender.users.values, ids)
        return [{**call, **_result(recommender, call)} for call in calls]


def _history_calls(ids: Sequence[Any]) -> list[dict[str, Any]]:
    rng = np.random.default_rng(7)
    short = [ids[index] for index in (3, 50, 7, 120, 3)]
    options: list[dict[str, Any]] = [
        {},
        {"excludeSeen": False},
        {"exclude": [ids[0], ids[1], "unknown item"]},
        {"genre": "Drama"},
        {"genre": "no such genre", "k": 3},
        {"diversity": 0.3},
        {"diversity": 0.9, "k": 25},
        {"diversity": 0.5, "genre": "Comedy", "k": 4},
        {"explain": 3},
        {"k": len(ids)},
        {"k": len(ids) + 1},
        {"k": 0},
        {"diversity": 1.0},
        {"explain": -1},
        {"user": 1},
    ]
    arguments = [{"history": short, "k": 10, **option} for option in options]
    arguments += [{"history": short[::-1], "k": 10, "explain": 3}]
    arguments += [{"history": history, "k": 5} for history in ([], ["unknown", "too"], ["it's new", ids[9]])]
    for length in (1, 2, 5, 20, 60, 120):
        history = [ids[index] for index in rng.choice(len(ids), length, replace=False)]
        arguments += [{"history": history, "k": 10}, {"history": history, "k": 10, "excludeSeen": False}]
    arguments += [{"k": 10}]
    return [{"call": "recommend", "arguments": each} for each in arguments]


def _why_calls(ids: Sequence[Any]) -> list[dict[str, Any]]:
    history = [ids[index] for index in (3, 50, 7, 120, 9)]
    arguments = [{"history": history, "item": ids[index], "k": k} for index, k in ((0, 3), (11, 1), (50, 10))]
    arguments += [{"history": history, "item": "unknown item", "k": 3}]
    arguments += [{"history": [], "item": ids[0], "k": 3}, {"history": history, "item": ids[0], "k": 0}]
    return [{"call": "why", "arguments": each} for each in arguments]


def _user_calls(users: Sequence[Any], ids: Sequence[Any]) -> list[dict[str, Any]]:
    arguments: list[dict[str, Any]] = [{"user": user, "k": 10} for user in users[:10]]
    arguments += [{"user": users[0], "k": 10, "exclude": list(ids[:20]), "diversity": 0.5}]
    arguments += [{"user": str(users[1]), "k": 3}, {"user": "it's unknown", "k": 10}]
    arguments += [{"user": users[0], "k": 10, "explain": 2}, {"history": [ids[0]], "k": 10}]
    return [{"call": "recommend", "arguments": each} for each in arguments] + [
        {"call": "why", "arguments": {"history": [ids[0]], "item": ids[1], "k": 1}}
    ]


def _result(recommender: Recommender, call: dict[str, Any]) -> dict[str, Any]:
    arguments = {PYTHON_NAMES.get(name, name): value for name, value in call["arguments"].items()}
    genre = arguments.pop("genre", None)
    if genre is not None:
        arguments["filter"] = lambda item: genre in item.genres
    try:
        if call["call"] == "why":
            return {"answer": [reason._asdict() for reason in recommender.why(**arguments)]}
        found = recommender.recommend(**arguments)
    except HanjiError as error:
        return {"error": type(error).__name__, "message": str(error)}
    rows = [{**row._asdict(), "why": [reason._asdict() for reason in row.why]} for row in found]
    return {"answer": {"items": rows, "source": found.source, "note": found.note, "skipped": found.skipped}}


def _classifier(path: Path, engine: str) -> list[dict[str, Any]]:
    rng = np.random.default_rng(3)
    shapes = [(8, 8, 1), (28, 28, 1), (31, 17, 3), (16, 40, 4), (1, 1, 1), (120, 90, 3)]
    with Classifier.open(path, engine=engine) as classifier:
        return [_classified(classifier, rng.integers(0, 256, shape, np.uint8)) for shape in shapes * 3]


def _classified(classifier: Classifier, pixels: Any) -> dict[str, Any]:
    predictions = [prediction._asdict() for prediction in classifier.classify(pixels, 3)]
    probabilities = classifier.probabilities(pixels).tolist()
    return {"source": source_of(pixels), "predictions": predictions, "probabilities": probabilities}


def _texts() -> dict[str, Any]:
    numbers = [0.0, 1.0, 0.1, 3.86e-05, 0.000123456, 0.0114, 999.4, 999.5, 1000.0, 12345.678, 2.5e-9, 0.5]
    numbers += [1.005, 9.995, 0.00010005, 1e300, 5e-324, 100.0, 10.0, 0.6]
    ids = [196, -3, "item-3", "it's", 'a "b"', "both ' and \"", "back\\slash", "new\nline\t", "아이템 ½"]
    return {
        "numbers": [[number, f"{number:.3g}"] for number in numbers],
        "ids": [[each, repr(each)] for each in ids],
    }


__all__ = ["write_results"]
