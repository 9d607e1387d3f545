"""What the Python runtime answers from bundles: the loader of web_demo has to answer the same."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np

from hanji.runtime import Classifier, HanjiError, Recommender

from ..image_answers import base64_of, prepared_images


def write_answers(root: Path) -> None:
    """What this runtime answers, in ``root``/answers.json: web_demo/tests/places.ts says how it is read."""
    answers: dict[str, Any] = {
        engine: [*_answers_of(root, "history", engine), *_answers_of(root, "users", engine)]
        for engine in ("onnxruntime", "litert")
    }
    answers["litert_scores"] = [*_scores_of(root, "history"), *_scores_of(root, "users")]
    answers["digits_litert"] = _digits(root / "digits" / "bundle")
    answers["pictures"] = prepared_images()
    (root / "answers.json").write_text(json.dumps(answers, ensure_ascii=False), encoding="utf-8")


def _answers_of(root: Path, name: str, engine: str) -> list[dict[str, Any]]:
    with Recommender.open(root / name / "bundle", engine=engine) as recommender:
        ids = recommender.items.ids.values
        asks = _histories(ids) if name == "history" else _users(recommender, ids)
        return [{"bundle": name, **ask, **_answer(recommender, ask)} for ask in asks]


def _histories(ids: tuple[Any, ...]) -> list[dict[str, Any]]:
    history = [ids[place] for place in (3, 50, 7, 120, 3, 199)]
    options: list[dict[str, Any]] = [
        {},
        {"excludeSeen": False},
        {"exclude": [ids[0], ids[1], "nobody knows it"]},
        {"genre": "Drama"},
        {"genre": "there is none of it"},
        {"diversity": 0.3},
        {"diversity": 0.9, "genre": "Comedy"},
        {"explain": 3},
    ]
    asks = [{"ask": {"history": history}, "k": 10, "options": option} for option in options]
    asks += [
        {"ask": {"history": [*history[:2], "it's new"]}, "k": k, "options": {}} for k in (1, 200, 201, 0)
    ]
    asks += [{"ask": {"history": list(ids[:150])}, "k": 60, "options": {"exclude": list(ids[140:160])}}]
    asks += [{"ask": {"history": []}, "k": 5, "options": {}}]
    asks += [{"ask": {"history": ["unknown", "too"]}, "k": 5, "options": {"diversity": 1}}]
    asks += [{"ask": {"history": ["unknown", "too"]}, "k": 5, "options": {}}]
    return asks


def _users(recommender: Recommender, ids: tuple[Any, ...]) -> list[dict[str, Any]]:
    assert recommender.users is not None
    users = recommender.users.values
    asks = [{"ask": {"user": user}, "k": 10, "options": {}} for user in users[:5]]
    asks += [{"ask": {"user": users[0]}, "k": 10, "options": {"exclude": list(ids[:20]), "diversity": 0.5}}]
    asks += [{"ask": {"user": str(users[1])}, "k": 3, "options": {}}]
    asks += [{"ask": {"user": "it's nobody"}, "k": 10, "options": {}}]
    asks += [{"ask": {"user": users[0]}, "k": 10, "options": {"explain": 2}}]
    return asks


def _answer(recommender: Recommender, ask: dict[str, Any]) -> dict[str, Any]:
    options, genre = dict(ask["options"]), ask["options"].get("genre")
    options.pop("genre", None)
    names = {"excludeSeen": "exclude_seen"}
    keywords = {names.get(name, name): value for name, value in options.items()}
    if genre is not None:
        keywords["filter"] = lambda item: genre in item.genres
    try:
        found = recommender.recommend(k=ask["k"], **ask["ask"], **keywords)
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
    """Scores of all items by LiteRT, float32 as bytes in base64."""
    with Recommender.open(root / name / "bundle", engine="litert") as recommender:
        ids = recommender.items.ids.values
        if recommender.users is None:
            asks: list[dict[str, Any]] = [{"history": ids[start : 2 * start + 1]} for start in range(20)]
        else:
            asks = [{"user": user} for user in recommender.users.values[:20]]
        return [
            {"bundle": name, "ask": ask, "scores": base64_of(recommender.scores(**ask).astype("<f4"))}
            for ask in asks
        ]


def _digits(bundle: Path) -> list[str]:
    """Float32 probabilities of each golden picture of LiteRT's, as bytes in base64."""
    golden = json.loads((bundle / "golden.json").read_text(encoding="utf-8"))
    with Classifier.open(bundle, engine="litert") as classifier:
        shape = classifier.image_input.shape
        samples = [base64.b64decode(case["image"]) for case in golden["artifacts"]["tflite"]["cases"]]
        found = [classifier.probabilities(np.frombuffer(each, np.uint8).reshape(shape)) for each in samples]
    return [base64_of(each.astype("<f4")) for each in found]
