"""Manifests with values that are wrong or strange, and what the Python runtime makes of each."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

from hanji.runtime.errors import HanjiError
from hanji.runtime.manifest.reader import parse_manifest

TIMES = 300
"""Of each bundle; a test of android_demo lets the core read them all in about a second."""
STRANGE: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2, 255, 256, 4096, 4097, 2**31 - 1, 2**31, 2**53 - 1, 2**53, 10**25),
    *(0.5, 1.0, 5.0, -0.0, 1e308, 1.1e308, 5e-324, "", "x", "..", "../x", "a//b", "items.json", "ITEMS.json"),
    *("history", "classify", "why", "catalogue", "float32", "int8", "int64", "softmax", "pad", "runtime"),
    *("a" * 64, "A" * 64, "x" * 1000, "x" * 1001, "한" * 1000, "1", "1.2.3.4", "1.2.3.4.5", "1.", "v1"),
    *([], {}, [None], [1, 2, 3], [255, 255, 255.0], [255, 255, 256], ["a"], [[]], {"a": 1}, {"type": "x"}),
)


def judged_manifests(bundles: Path) -> list[dict[str, Any]]:
    """Texts of manifests, each with the name of the error that the Python runtime raises, or null."""
    chance = random.Random(5)  # noqa: S311
    found = []
    for path in sorted(bundles.iterdir()):
        manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
        for _ in range(TIMES):
            changed = copy.deepcopy(manifest)
            for _ in range(chance.choice((1, 1, 1, 2))):
                _change(changed, chance)
            text = json.dumps(changed, ensure_ascii=False)
            found.append({"bundle": path.name, "text": text, "error": _error(text)})
    return found


def _error(text: str) -> str | None:
    try:
        parse_manifest(text.encode())
    except HanjiError as error:
        return type(error).__name__
    return None


def _change(value: Any, chance: random.Random) -> None:
    """Somewhere inside, one entry is another, missing, or there twice."""
    while True:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        inner = value[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.9:
            value = inner
            continue
        what = chance.random()
        if what < 0.15:
            del value[key]
        elif what < 0.25 and isinstance(value, list):
            value.append(copy.deepcopy(inner))
        else:
            value[key] = copy.deepcopy(chance.choice(STRANGE))
        return


__all__ = ["judged_manifests"]
