"""Mutates a bundle in one of many ways, selected by a number, and reports the outcome in the runtime.

    mutate_bundle.py BUNDLE SEED FIRST END [models [in-process]]    one line of JSON for each mutation

With "models", fields of the model files are mutated, and bundles are opened with ``isolated``, or with
"in-process" without it.

mutations.py runs it as a separate process and counts its reports, or its exit if there are no more reports.
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
from damage import DAMAGE, INTENDED, MUTATORS, Mutator

from hanji.runtime import Classifier, HanjiError, Recommender, isolation
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import ClassifierManifest

ENGINES = ("litert", "onnxruntime")
MAX_ADDRESS_SPACE = 8 * 2**30
"""Bytes; a larger allocation counts as a crash and must not affect the machine."""
ISOLATED_SECONDS = 20.0


def results_of(bundle: Path, engine: str, isolated: bool = False) -> object:
    """The exact results of the bundle for a few inputs; its self-test is run as well."""
    classifier = isinstance(open_bundle(bundle).manifest, ClassifierManifest)
    if classifier:
        with Classifier.open(bundle, engine=engine, isolated=isolated) as model:
            images = np.random.default_rng(0).integers(0, 256, (2, 20, 30), dtype=np.uint8)
            predictions = [model.classify(image, k=3) for image in images]
            _self_test(model)
            return [[(row.label, row.probability) for row in rows] for rows in predictions]
    with Recommender.open(bundle, engine=engine, isolated=isolated) as recommender:
        items = recommender.items.ids.values[:7]
        query: dict[str, Any] = (
            {"history": items} if recommender.users is None else {"user": recommender.users.values[0]}
        )
        recommendations = recommender.recommend(**query, k=10)
        _self_test(recommender)
        return [(row.item, row.title, row.score) for row in recommendations]


def _self_test(model: Any) -> None:
    """Run the self-test; its result does not matter, but it must not crash."""
    with contextlib.suppress(HanjiError):
        model.self_test()


def outcome(
    bundle: Path, engine: str, expected: object, mutator: Mutator, original: Path, isolated: bool
) -> tuple[str, str]:
    """The outcome of a mutated bundle, and the error.

    refused; same: the results are unchanged; accepted: the results differ, or a check of all files finds no
    damage; well-formed: the mutation is another valid bundle; crashed: any error except a HanjiError.
    """
    opened = False
    of_model = mutator not in MUTATORS
    try:
        results = results_of(bundle, engine, isolated)
        opened = True
        if results != expected:
            return ("well-formed" if of_model or mutator in INTENDED else "accepted"), str(results)[:200]
        if mutator in DAMAGE and _content(bundle) != _content(original):
            _check_all_files(bundle)
            return "accepted", "a check of all files found nothing"
    except HanjiError as error:
        return ("same" if opened else "refused"), str(error)[:200]
    except Exception as error:  # noqa: BLE001 - any other error is a finding
        return "crashed", f"{type(error).__name__}: {error}"[:300]
    return "same", ""


def _check_all_files(path: Path) -> None:
    """The checks of `hanji verify` before it runs an engine."""
    bundle = open_bundle(path)
    for file in bundle.manifest.all_files:
        bundle.read(file)


def _content(bundle: Path) -> dict[str, bytes | str]:
    """The contents of a bundle; "other" for entries that are not regular files of a reasonable size."""
    entries = [path for path in bundle.rglob("*") if not path.is_dir()]
    regular = {
        path for path in entries if path.is_file() and not path.is_symlink() and path.stat().st_size < 2**30
    }
    return {
        str(path.relative_to(bundle)): path.read_bytes() if path in regular else "other" for path in entries
    }


def mutated(original: Path, seed: int, number: int, directory: Path, mutator: Mutator) -> tuple[Path, str]:
    """Create the bundle of mutation ``number``; return it and a description of the change."""
    shutil.rmtree(directory, ignore_errors=True)
    bundle = shutil.copytree(original, directory / "bundle")
    return bundle, mutator(bundle, random.Random(f"{seed} {number}"))  # noqa: S311


def peak_megabytes() -> int:
    """The largest resident memory of this process so far, without that of a process that tests a bundle."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1000


def main() -> None:
    original, seed, first, end = Path(sys.argv[1]), *map(int, sys.argv[2:5])
    resource.setrlimit(resource.RLIMIT_AS, (MAX_ADDRESS_SPACE, MAX_ADDRESS_SPACE))
    mutators, isolated = MUTATORS, sys.argv[5:] == ["models"]
    if "models" in sys.argv[5:]:
        from model_fields import MODEL_MUTATORS

        mutators = MODEL_MUTATORS
        isolation.SECONDS = ISOLATED_SECONDS
    present = {artifact.engines[0].name for artifact in open_bundle(original).manifest.artifacts}
    engines = [name for name in ENGINES if name in present]
    expected = {engine: results_of(original, engine) for engine in engines}
    print(json.dumps({"ready": True}), flush=True)
    with tempfile.TemporaryDirectory(prefix="hanji-mutations-") as directory:
        for number in range(first, end):
            mutator = mutators[number % len(mutators)]
            bundle, change = mutated(original, seed, number, Path(directory, "mutated"), mutator)
            turn = number if mutators is not MUTATORS else number // len(MUTATORS)  # a model has one engine
            engine = engines[turn % len(engines)]
            row = {"number": number, "mutation": mutator.__name__, "change": change, "engine": engine}
            print(json.dumps(row), flush=True)
            start = time.monotonic()
            result, detail = outcome(bundle, engine, expected[engine], mutator, original, isolated)
            row = {"number": number, "result": result, "detail": detail, "megabytes": peak_megabytes()}
            print(json.dumps(row | {"seconds": round(time.monotonic() - start, 3)}), flush=True)


if __name__ == "__main__":
    main()
