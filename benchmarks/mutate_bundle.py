"""Damages a bundle in one of many ways, chosen by a number, and says what the runtime makes of it.

    mutate_bundle.py BUNDLE SEED FIRST END          mutations FIRST to END - 1, a line of JSON each

A process of its own: mutations.py starts it, counts what it says, and counts its end where it says no more.
"""

from __future__ import annotations

import contextlib
import json
import random
import resource
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from damage import DAMAGE, MEANT, MUTATORS, Mutator

from hanji.runtime import Classifier, HanjiError, Recommender
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ClassifierManifest

ENGINES = ("litert", "onnxruntime")
MOST_BYTES = 8 * 2**30
"""Of address space: what asks for more is a crash and must not take the machine along."""


def answers(bundle: Path, engine: str) -> object:
    """What the bundle would tell a device, to the last bit; its self-test, too, is run."""
    classifier = isinstance(open_bundle(bundle).manifest, ClassifierManifest)
    if classifier:
        with Classifier.open(bundle, engine=engine) as model:
            shown = np.random.default_rng(0).integers(0, 256, (2, 20, 30), dtype=np.uint8)
            rows = [model.classify(image_input, k=3) for image_input in shown]
            _self_test(model)
            return [[(row.label, row.probability) for row in found] for found in rows]
    with Recommender.open(bundle, engine=engine) as recommender:
        known = recommender.items.ids.values[:7]
        asked: dict[str, Any] = (
            {"history": known} if recommender.users is None else {"user": recommender.users.values[0]}
        )
        found = recommender.recommend(**asked, k=10)
        _self_test(recommender)
        return [(row.item, row.title, row.score) for row in found]


def _self_test(model: Any) -> None:
    """What it finds is another question, but it must not fall over."""
    with contextlib.suppress(HanjiError):
        model.self_test()


def outcome(bundle: Path, engine: str, expected: object, mutator: Mutator, original: Path) -> tuple[str, str]:
    """What became of a mutated bundle, and the error.

    refused; same: it opens and answers as before; accepted: it opens and answers otherwise, or a check of all
    files finds no damage; well-formed: it is another bundle by right; crashed: anything but a HanjiError.
    """
    opened = False
    try:
        found = answers(bundle, engine)
        opened = True
        if found != expected:
            return ("well-formed" if mutator in MEANT else "accepted"), str(found)[:200]
        if mutator in DAMAGE and _content(bundle) != _content(original):
            _check_all_files(bundle)
            return "accepted", "a check of all files found nothing"
    except HanjiError as error:
        return ("same" if opened else "refused"), str(error)[:200]
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
        return "crashed", f"{type(error).__name__}: {error}"[:300]
    return "same", ""


def _check_all_files(path: Path) -> None:
    """What `hanji verify` does before it asks an engine."""
    bundle = open_bundle(path)
    for file in bundle.manifest.all_files:
        bundle.read(file)


def _content(bundle: Path) -> dict[str, bytes | str]:
    """What lies in a bundle; of what is no plain file of a plain size, that it is none."""
    entries = [path for path in bundle.rglob("*") if not path.is_dir()]
    plain = {
        path for path in entries if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**30
    }
    return {
        str(path.relative_to(bundle)): path.read_bytes() if path in plain else "other" for path in entries
    }


def mutated(original: Path, seed: int, number: int, place: Path) -> tuple[Path, Mutator, str]:
    """The bundle of mutation ``number``, made in ``place``; the mutation, and what it changed in words."""
    mutator = MUTATORS[number % len(MUTATORS)]
    shutil.rmtree(place, ignore_errors=True)
    bundle = shutil.copytree(original, place / "bundle")
    return bundle, mutator, mutator(bundle, random.Random(f"{seed} {number}"))  # noqa: S311


def main() -> None:
    original, seed, first, end = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    resource.setrlimit(resource.RLIMIT_AS, (MOST_BYTES, MOST_BYTES))
    present = {artifact.engines[0].name for artifact in open_bundle(original).manifest.artifacts}
    engines = [name for name in ENGINES if name in present]
    expected = {engine: answers(original, engine) for engine in engines}
    print(json.dumps({"ready": True}), flush=True)
    with tempfile.TemporaryDirectory(prefix="hanji-mutations-") as directory:
        for number in range(first, end):
            bundle, mutator, said = mutated(original, seed, number, Path(directory, "place"))
            engine = engines[number // len(MUTATORS) % len(engines)]
            row = {"number": number, "mutation": mutator.__name__, "change": said, "engine": engine}
            print(json.dumps(row), flush=True)
            start = time.monotonic()
            result, detail = outcome(bundle, engine, expected[engine], mutator, original)
            row = {"number": number, "result": result, "detail": detail}
            print(json.dumps(row | {"seconds": round(time.monotonic() - start, 3)}), flush=True)


if __name__ == "__main__":
    main()
