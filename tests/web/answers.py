"""Results of the Python runtime for the test bundles, which the loader of web_demo must reproduce."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hanji.runtime import Classifier, HanjiError, Recommender

from ..image_answers import base64_of, prepared_images

RECOMMENDERS = {
    "onnxruntime": ("history", "users", "history-tables", "users-tables"),
    "litert": ("history", "users"),
}


def write_results(root: Path) -> None:
    """Write ``root``/answers.json; web_demo/tests/bundles.ts reads it and describes its format."""
    results: dict[str, Any] = {
        engine: [result for name in names for result in _results_of(root, name, engine)]
        for engine, names in RECOMMENDERS.items()
    }
    results["litert_scores"] = [*_scores_of(root, "history"), *_scores_of(root, "users")]
    results["digits_litert"] = _digits(root / "digits" / "bundle")
    results["pictures"] = prepared_images()
    (root / "answers.json").write_text(json.dumps(results, ensure_ascii=False), encoding="utf-8")


def _results_of(root: Path, name: str, engine: str) -> list[dict[str, Any]]:
    with Recommender.open(root / name / "bundle", engine=engine) as recommender:
        ids = recommender.items.ids.values
        calls = _history_calls(ids) if recommender.users is None else _user_calls(recommender, ids)
        return [{"bundle": name, **call, **_result(recommender, call)} for call in calls]


def _history_calls(ids: Sequence[Any]) -> list[dict[str, Any]]:
    history = [ids[index] for index in (3, 50, 7, 120, 3, 199)]
    options: list[dict[str, Any]] = [
        {},
        {"excludeSeen": False},
        {"exclude": [ids[0], ids[1], "unknown item"]},
        {"genre": "Drama"},
        {"genre": "no such genre"},
        {"diversity": 0.3},
        {"diversity": 0.9, "genre": "Comedy"},
        {"explain": 3},
    ]
    calls = [{"ask": {"history": history}, "k": 10, "options": option} for option in options]
    calls += [
        {"ask": {"history": [*history[:2], "it's new"]}, "k": k, "options": {}} for k in (1, 200, 201, 0)
    ]
    calls += [{"ask": {"history": list(ids[:150])}, "k": 60, "options": {"exclude": list(ids[140:160])}}]
    calls += [{"ask": {"history": history[::-1]}, "k": 10, "options": {"explain": 3}}]
    calls += [{"ask": {"history": []}, "k": 5, "options": {}}]
    calls += [{"ask": {"history": ["unknown", "too"]}, "k": 5, "options": {"diversity": 1}}]
    calls += [{"ask": {"history": ["unknown", "too"]}, "k": 5, "options": {}}]
    return calls


def _user_calls(recommender: Recommender, ids: Sequence[Any]) -> list[dict[str, Any]]:
    assert recommender.users is not None
    users = recommender.users.values
    calls = [{"ask": {"user": user}, "k": 10, "options": {}} for user in users[:5]]
    calls += [{"ask": {"user": users[0]}, "k": 10, "options": {"exclude": list(ids[:20]), "diversity": 0.5}}]
    calls += [{"ask": {"user": str(users[1])}, "k": 3, "options": {}}]
    calls += [{"ask": {"user": "it's unknown"}, "k": 10, "options": {}}]
    calls += [{"ask": {"user": users[0]}, "k": 10, "options": {"explain": 2}}]
    return calls


def _result(recommender: Recommender, call: dict[str, Any]) -> dict[str, Any]:
    options, genre = dict(call["options"]), call["options"].get("genre")
    options.pop("genre", None)
    names = {"excludeSeen": "exclude_seen"}
    keywords = {names.get(name, name): value for name, value in options.items()}
    if genre is not None:
        keywords["filter"] = lambda item: genre in item.genres
    try:
        found = recommender.recommend(k=call["k"], **call["ask"], **keywords)
    except HanjiError as error:
        return {"error": {"name": type(error).__name__, "message": str(error)}}
    items = [
        {
            "item": row.item,
            "title": row.title,
            "score": row.score,
            "why": [reason._asdict() for reason in row.why],
        }
        for row in found
    ]
    return {"answer": {"items": items, "source": found.source, "note": found.note, "skipped": found.skipped}}


def _scores_of(root: Path, name: str) -> list[dict[str, Any]]:
    """Scores of all items computed by LiteRT, float32 in base64."""
    with Recommender.open(root / name / "bundle", engine="litert") as recommender:
        ids = recommender.items.ids.values
        if recommender.users is None:
            queries: list[dict[str, Any]] = [{"history": ids[start : 2 * start + 1]} for start in range(20)]
        else:
            queries = [{"user": user} for user in recommender.users.values[:20]]
        return [
            {"bundle": name, "ask": query, "scores": base64_of(recommender.scores(**query).astype("<f4"))}
            for query in queries
        ]


def _digits(bundle: Path) -> list[str]:
    """Probabilities of each golden image of the TFLite artifact, computed by LiteRT, float32 in base64."""
    golden = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))
    with Classifier.open(bundle, engine="litert") as classifier:
        shape = classifier.image_input.shape
        samples = [base64.b64decode(case["image"]) for case in golden["artifacts"]["tflite"]["cases"]]
        found = [classifier.probabilities(np.frombuffer(each, np.uint8).reshape(shape)) for each in samples]
    return [base64_of(each.astype("<f4")) for each in found]
