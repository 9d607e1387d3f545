"""Synthetic contents of study.json with plausible numbers, for tests of the page.

    python tests/studies/page/made_studies.py FOLDER

writes study.json and study.html of each, for inspection.
"""

from __future__ import annotations

import hashlib
import json
import random
import sys
from pathlib import Path
from typing import Any

SEEDS = (0, 1, 2)
DIGITS = tuple(str(digit) for digit in range(10))
LAYERS = (
    "stem",
    "depthwise_1",
    "pointwise_1",
    "depthwise_2",
    "pointwise_2",
    "depthwise_3",
    "pointwise_3",
    "head",
)

# name, steps, bytes of the first format, metric, median latency in ms
Made = tuple[str, list[dict[str, Any]], int, float, float]

_NET = {"type": "mobilenet-v1", "stem_channels": 16, "channels": [24, 48], "residual": True}
_HALF = {"type": "distil", "temperature": 3.0, "epochs": 30, "model": _NET}
_QUARTER = {"type": "distil", "temperature": 3.0, "epochs": 30, "model": {**_NET, "channels": [12, 24]}}
_SPARSE = {"type": "prune", "sparsity": 0.5, "epochs": 6}
_INT8 = {"type": "quantize", "scheme": "int8"}
_QAT = {"type": "quantize", "scheme": "int8-qat", "epochs": 8, "learning_rate": 0.001}
_FLOAT16 = {"type": "quantize", "scheme": "float16"}

IMAGES: tuple[Made, ...] = (
    ("full", [], 152_344, 0.9841, 0.1510),
    ("float16", [_FLOAT16], 78_120, 0.9841, 0.1522),
    ("int8", [_INT8], 45_872, 0.9814, 0.0620),
    ("int8-qat", [_QAT], 45_904, 0.9833, 0.0622),
    ("half", [_HALF], 41_216, 0.9805, 0.0581),
    ("half · float16", [_HALF, _FLOAT16], 22_344, 0.9805, 0.0590),
    ("half · int8", [_HALF, _INT8], 15_608, 0.9777, 0.0290),
    ("half · int8-qat", [_HALF, _QAT], 15_616, 0.9796, 0.0291),
    ("half · 50 % sparse", [_HALF, _SPARSE], 41_230, 0.9768, 0.0583),
    ("half · 50 % sparse · int8", [_HALF, _SPARSE, _INT8], 15_640, 0.9731, 0.0293),
    ("quarter", [_QUARTER], 16_704, 0.9684, 0.0312),
    ("quarter · float16", [_QUARTER, _FLOAT16], 10_480, 0.9684, 0.0315),
    ("quarter · int8", [_QUARTER, _INT8], 8_344, 0.9610, 0.0171),
    ("quarter · int8-qat", [_QUARTER, _QAT], 8_352, 0.9656, 0.0172),
    ("quarter · 50 % sparse · int8-qat", [_QUARTER, _SPARSE, _QAT], 8_360, 0.9573, 0.0173),
    ("smallest", [{**_QUARTER, "epochs": 60}, _SPARSE, _INT8], 4_912, 0.7214, 0.0120),
)

RATINGS: tuple[Made, ...] = (
    ("full", [], 1_318_400, 0.4252, 0.412),
    ("int8", [_INT8], 342_016, 0.4247, 0.298),
    ("float16", [_FLOAT16], 664_300, 0.4252, 0.405),
    ("history student", [{"type": "distil", "epochs": 20}], 402_112, 0.4301, 0.118),
    ("history student · int8", [{"type": "distil", "epochs": 20}, _INT8], 104_912, 0.4288, 0.094),
    ("int4", [{"type": "quantize", "scheme": "int4"}], 180_224, 0.4109, 0.301),
)


def image_study(*, seed: int = 0) -> dict[str, Any]:
    """16 recipes on digits: one failed, one was partly measured; three budgets, one without a winner."""
    rng = random.Random(seed)  # noqa: S311
    rows = [_image_row(rng, *made) for made in IMAGES]
    rows[10] = failed_row(
        "quarter", IMAGES[10][1], "terminated by signal 9 (SIGKILL), possibly out of memory"
    )
    for name in ("macs", "peak_bytes", "cold_start_ms", "likeness", "layers", "confusion"):
        rows[8][name] = None
    rows[8]["latency"]["litert"] = None
    rows[8]["formats"]["onnx"] = None
    budgets = [
        _budget("10 KB", 10_000, None, None, "quarter · int8-qat"),
        _budget("drop of at most 0.5 %", None, None, 0.005, "half · int8-qat"),
        _budget(
            "coin cell",
            3_000,
            0.01,
            0.01,
            None,
            "the closest is 'smallest': size 4,912 bytes, 1,912 above the limit of 3,000",
        ),
    ]
    return {
        **_frame("digits", "image-classification", rows, budgets),
        "data": {
            "name": "digits",
            "synthetic": False,
            "samples": 359,
            "classes": 10,
            "sha256": _sha("digits"),
        },
        "metric": {"name": "top1", "label": "top-1", "higher_is_better": True},
    }


def rating_study(*, seed: int = 0) -> dict[str, Any]:
    """6 recipes on synthetic ratings, two of which are the best within a budget."""
    rng = random.Random(seed)  # noqa: S311
    rows = [_rating_row(rng, *made) for made in RATINGS]
    budgets = [
        _budget("150 KB", 150_000, None, None, "history student · int8"),
        _budget("fast", None, 0.2, 0.01, "history student"),
    ]
    return {
        **_frame("movielens-like", "recommendation", rows, budgets),
        "data": {"name": "synthetic", "synthetic": True, "samples": 6040, "users": 6040, "items": 3706},
        "metric": {"name": "ndcg_at_10", "label": "NDCG@10", "higher_is_better": True},
    }


def bare_study() -> dict[str, Any]:
    """One seed, two rows without measurements, no budgets."""
    study = image_study()
    keys = {"name", "is_full", "steps", "status", "reason"}
    rows = [{key: value if key in keys else None for key, value in row.items()} for row in study["rows"][:2]]
    return {**study, "seeds": [0], "rows": rows, "budgets": [], "machine": {}, "engines": {}}


def hostile_study() -> dict[str, Any]:
    """All texts try to inject markup into the page."""
    study = image_study()
    hostile: dict[str, Any] = _hostile(study)
    hostile["metric"]["name"] = study["metric"]["name"]  # a key of the rows' metrics
    return hostile


EVIL = """</script></style></title><script>alert('x')</script>"<b onload='y'>&amp;\x00"""


PARTS = (
    "metrics", "against_full", "formats", "parameters", "non_zeros", "macs", "latency", "peak_bytes",
    "cold_start_ms", "likeness", "slices", "confusion", "layers", "seconds", "runs",
)  # fmt: skip


def failed_row(name: str, steps: list[dict[str, Any]], reason: str) -> dict[str, Any]:
    """The row of a recipe whose job failed."""
    empty = dict.fromkeys(PARTS)
    return {"name": name, "is_full": False, "steps": steps, "status": "failed", "reason": reason, **empty}


def _hostile(value: Any, key: str = "") -> Any:
    if isinstance(value, dict):
        return {name: _hostile(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_hostile(item, key) for item in value]
    unchanged = ("status", "task", "first_format")
    return value + EVIL if isinstance(value, str) and key not in unchanged else value


def _frame(name: str, task: str, rows: list[dict[str, Any]], budgets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "name": name,
        "task": task,
        "command": f"hanji compare study-{name}.toml --out results/{name}",
        "study_sha256": _sha(name),
        "when": "2025-03-02T10:14:07+00:00",
        "seconds": 431.6,
        "versions": {"hanji": "0.1.0", "tensorflow": "2.21.0", "ai-edge-litert": "2.3.0", "numpy": "2.2.1"},
        "machine": {"processor": "x86_64", "cores": 2, "memory_bytes": 8_200_000_000, "python": "3.11.7"},
        "seeds": list(SEEDS),
        "engines": {"tflite": "litert 2.3.0", "onnx": "onnxruntime 1.23.0"},
        "first_format": "tflite",
        "budgets": budgets,
        "left_out": ["float16 · int8: expected one quantize step, found 2"],
        "rows": rows,
    }


def _budget(
    name: str,
    size: int | None,
    latency: float | None,
    drop: float | None,
    winner: str | None,
    binds: str = "",
) -> dict[str, Any]:
    return {
        "name": name,
        "max_bytes": size,
        "max_latency_ms": latency,
        "max_drop": drop,
        "winner": winner,
        "binds": binds,
    }


def _image_row(
    rng: random.Random, name: str, steps: list[dict[str, Any]], size: int, top1: float, latency: float
) -> dict[str, Any]:
    row = _row(rng, name, steps, size, latency, "top1", "top-1", top1, IMAGES[0][3])
    row["metrics"] |= {
        "macro_top1": _spread(rng, top1 - 0.001, 0.002, "macro top-1"),
        "nll": _spread(rng, 2.2 * (1 - top1) + 0.02, 0.004, "NLL"),
        "ece": _spread(rng, 0.5 * (1 - top1) + 0.004, 0.002, "ECE"),
    }
    if not row["is_full"]:
        row["likeness"] = {"same_class": top1, "rank_correlation": top1 - 0.01}
        row["against_full"]["ece"] = _difference(rng, 0.5 * (IMAGES[0][3] - top1), 0.002, 359)
    row["slices"] = [
        {
            "group": "classes",
            "name": digit,
            "samples": 36,
            "mean": top1 - rng.uniform(-0.01, 0.04),
            "sd": 0.008,
        }
        for digit in DIGITS
    ]
    row["confusion"] = {"labels": list(DIGITS), "counts": _counts(rng, top1)}
    if any(step.get("scheme", "").startswith("int8") for step in steps):
        row["layers"] = [
            {"layer": layer, "error": 0.08 * rng.random() ** 3, "weights": rng.randrange(90, 5000)}
            for layer in LAYERS
        ]
    return row


def _rating_row(
    rng: random.Random, name: str, steps: list[dict[str, Any]], size: int, ndcg: float, latency: float
) -> dict[str, Any]:
    row = _row(rng, name, steps, size, latency, "ndcg_at_10", "NDCG@10", ndcg, RATINGS[0][3])
    row["metrics"]["hr_at_10"] = _spread(rng, ndcg + 0.28, 0.003, "HR@10")
    if not row["is_full"]:
        row["likeness"] = {"overlap_at_10": 0.91, "rank_correlation": 0.983}
    row["slices"] = [
        {"group": group, "name": part, "samples": 1208, "mean": ndcg * scale, "sd": 0.006}
        for group, parts in (
            ("items", (("20 % most popular", 1.32), ("middle", 0.9), ("20 % least popular", 0.31))),
            ("users", (("short histories", 0.93), ("long histories", 1.08))),
        )
        for part, scale in parts
    ]
    return row


def _row(
    rng: random.Random,
    name: str,
    steps: list[dict[str, Any]],
    size: int,
    latency: float,
    metric: str,
    label: str,
    value: float,
    full: float,
) -> dict[str, Any]:
    is_full = not steps
    weights = round(size / 4.2) if not any("scheme" in step for step in steps) else round(size / 1.4)
    sparse = any(step["type"] == "prune" for step in steps)
    return {
        "name": name,
        "is_full": is_full,
        "steps": steps,
        "status": "done",
        "reason": "",
        "metrics": {metric: _spread(rng, value, 0.0016, label)},
        "against_full": None if is_full else {metric: _difference(rng, value - full, 0.0021, 359)},
        "formats": {
            "tflite": _format(rng, size, value),
            "onnx": _format(rng, round(size * 1.08), value),
        },
        "parameters": weights,
        "non_zeros": weights // 2 if sparse else weights,
        "macs": weights * 37,
        "latency": {
            "litert": {"p50_ms": latency, "p90_ms": latency * 1.14, "engine_p50_ms": latency * 0.7},
            "onnxruntime": {"p50_ms": latency * 1.3, "p90_ms": latency * 1.6, "engine_p50_ms": latency},
        },
        "peak_bytes": 61_000_000 + size,
        "cold_start_ms": 48.0 + size / 50_000,
        "likeness": None,
        "slices": None,
        "confusion": None,
        "layers": None,
        "seconds": {"export": 4.2} if is_full else {"compress": 31.0 * len(steps), "export": 4.2},
        "runs": [
            {
                "seed": seed,
                "manifest_sha256": _sha(f"{name}{seed}"),
                "bundle_sha256": _sha(f"all files of {name}{seed}"),
            }
            for seed in SEEDS
        ],
    }


def _format(rng: random.Random, size: int, value: float) -> dict[str, Any]:
    return {
        "bytes": _spread(rng, size, 0),
        "gzip_bytes": _spread(rng, round(size * 0.86), 9),
        "metric": _spread(rng, value, 0.0016),
    }


def _spread(rng: random.Random, mean: float, sd: float, label: str | None = None) -> dict[str, Any]:
    values = [mean + sd * shift for shift in (-1.0, 0.0, 1.0)] if sd else [mean] * 3
    rng.shuffle(values)
    spread = {"mean": mean, "sd": float(sd), "min": min(values), "max": max(values), "values": values}
    return spread if label is None else {**spread, "label": label}


def _difference(rng: random.Random, difference: float, half: float, samples: int) -> dict[str, Any]:
    significant = abs(difference) > half
    return {
        "difference": difference,
        "low": difference - half,
        "high": difference + half * 1.1,
        "p_value": 0.0005
        if abs(difference) > 3 * half
        else 0.013
        if significant
        else round(rng.uniform(0.1, 0.9), 3),
        "samples": samples,
    }


def _counts(rng: random.Random, top1: float) -> list[list[int]]:
    counts = [[0] * 10 for _ in range(10)]
    for label in range(10):
        for _ in range(108):
            predicted = label if rng.random() < top1 else rng.choice([3, 8, 9, (label + 1) % 10])
            counts[label][predicted] += 1
    return counts


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


if __name__ == "__main__":
    from hanji.studies.page import write_page

    for made in (image_study, rating_study, bare_study, hostile_study):
        folder = Path(sys.argv[1]) / made.__name__
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "study.json").write_text(json.dumps(made(), indent=2))
        write_page(made(), folder / "study.html")
        print(folder / "study.html")
