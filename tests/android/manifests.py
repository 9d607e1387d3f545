"""Manifests with invalid or unusual values, and the error that the Python runtime raises for each."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

from hanji.runtime.errors import HanjiError
from hanji.runtime.manifest.reader import parse_manifest

MANIFESTS_PER_BUNDLE = 300
"""The core of android_demo parses all of them in about a second."""
EDGE_CASES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 255, 256, 4096, 4097, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 10**25),
    *(0.5, 1.0, 5.0, -0.0, 1e308, 1.1e308, 5e-324, "", "x", "..", "../x", "a//b", "items.json", "ITEMS.json"),
    *("history", "classify", "why", "catalogue", "float32", "int8", "int64", "softmax", "pad", "runtime"),
    *("a" * 64, "A" * 64, "x" * 1000, "x" * 1001, "한" * 1000, "1", "1.2.3.4", "1.2.3.4.5", "1.", "v1"),
    *([], {}, [None], [1, 2, 3], [255, 255, 255.0], [255, 255, 256], ["a"], [[]], {"a": 1}, {"type": "x"}),
)


def mutated_manifests(bundles: Path) -> list[dict[str, Any]]:
    """Manifests as text, each with the name of the error that the Python runtime raises, or None."""
    rng = random.Random(5)  # noqa: S311
    found = []
    for path in sorted(bundles.iterdir()):
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        variants = [manifest, *_with_outputs(manifest)]
        for number in range(MANIFESTS_PER_BUNDLE):
            mutated = copy.deepcopy(variants[number % len(variants)])
            for _ in range(rng.choice((1, 1, 1, 2))):
                _mutate(mutated, rng)
            text = json.dumps(mutated, ensure_ascii=False)
            found.append({"bundle": path.name, "text": text, "error": _error(text)})
    return found


def _with_outputs(manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """A classifier's manifest with several labels, and with values."""
    if "labels" not in manifest:
        return []
    made = []
    count = manifest["labels"]["count"]
    outputs: tuple[tuple[str, dict[str, Any]], ...] = (
        ("graph", {"kind": "multi-label", "thresholds": [0.5] * count}),
        ("none", {"kind": "values", "units": ["mm"] * count}),
    )
    for source, output in outputs:
        table = copy.deepcopy(manifest)
        table |= {"schema_version": 2, "output": output}
        table["probabilities"]["source"] = source
        for artifact in table["artifacts"]:
            artifact["parity"] |= {"agreement": 1.0, "minimum_agreement": 0.95}
        made.append(table)
    return made


def _error(text: str) -> str | None:
    try:
        parse_manifest(text.encode())
    except HanjiError as error:
        return type(error).__name__
    return None


def _mutate(value: Any, rng: random.Random) -> None:
    """Replace, remove or duplicate one random entry at any depth of ``value``."""
    while True:
        key = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and rng.random() < 0.9:
            value = inner
            continue
        draw = rng.random()
        if draw < 0.15:
            del value[key]
        elif draw < 0.25 and isinstance(value, list):
            value.append(copy.deepcopy(inner))
        else:
            value[key] = copy.deepcopy(rng.choice(EDGE_CASES))
        return


__all__ = ["mutated_manifests"]
