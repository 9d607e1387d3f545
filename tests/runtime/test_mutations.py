"""Random mutations of bundles, in bounded number: no crash, no hang, no damaged bundle is accepted."""

from __future__ import annotations

import json
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import BundleError, Classifier, HanjiError, Recommender
from hanji.runtime.bundle import open_bundle

from ..table_files import copy_with_table_files, use_table_files


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Flip a bit, or truncate, delete, insert, overwrite or append bytes."""
    at, length = rng.randrange(len(content)), rng.randint(1, 16)
    noise = rng.randbytes(length)
    return rng.choice(
        [
            content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :],
            content[:at],
            content[:at] + content[at + length :],
            content[:at] + noise + content[at:],
            content[:at] + noise + content[at + length :],
            content + noise,
            b"",
        ]
    )


def open_and_verify(path: Path) -> None:
    bundle = open_bundle(path)
    for file in bundle.manifest.all_files:
        bundle.read(file)


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["bundle", "history_bundle", "image_bundle"])
def test_damaged_files_are_rejected(request: pytest.FixtureRequest, kind: str) -> None:
    bundle: Path = request.getfixturevalue(kind)
    rng = random.Random(1)  # noqa: S311
    names = sorted(path.name for path in bundle.iterdir())
    open_and_verify(bundle)
    accepted = []
    for number in range(400):
        name = names[number % len(names)]
        original = (bundle / name).read_bytes()
        changed = damaged(original, rng)
        (bundle / name).write_bytes(changed)
        try:
            open_and_verify(bundle)
        except BundleError:
            pass
        else:
            if changed != original:
                accepted.append((number, name))
        (bundle / name).write_bytes(original)
    assert not accepted


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["bundle", "history_bundle", "image_bundle"])
def test_swapped_and_removed_files_are_rejected(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str
) -> None:
    bundle: Path = request.getfixturevalue(kind)
    names = sorted(path.name for path in bundle.iterdir())
    for name in names:
        for other in names:
            copy = shutil.copytree(bundle, tmp_path / "copy")
            if name == other:
                (copy / name).unlink()
            else:
                (copy / name).write_bytes((bundle / other).read_bytes())
            with pytest.raises(BundleError):
                open_and_verify(copy)
            shutil.rmtree(copy)


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("kind", "name"),
    [
        *(("make_parts", name) for name in ("manifest.json", "users.json", "items.json", "golden.json")),
        *(("make_history_parts", name) for name in ("manifest.json", "items.json", "golden.json")),
        *(("make_parts", name) for name in ("users.table", "items.table")),
        *(("make_image_parts", name) for name in ("manifest.json", "labels.json", "golden.json")),
    ],
)
def test_damage_with_matching_checksums(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, name: str
) -> None:
    """With recomputed checksums, a damaged file gives a clear error or is still well-formed."""
    make: Callable[..., Any] = request.getfixturevalue(kind)
    rng = random.Random(2)  # noqa: S311
    path = tmp_path / "bundle"
    for number in range(40):
        parts = make("onnx", text_ids=True) if name.endswith(".table") else make("onnx")
        if name.endswith(".table"):
            use_table_files(parts.manifest, parts.files)
        if name == "manifest.json":
            text = json.dumps(parts.manifest)
            try:
                parts.manifest = json.loads(damaged(text.encode(), rng))
                parts.write(path)
            except (ValueError, TypeError, KeyError, AttributeError):
                continue  # too damaged for this test's own writer
        else:
            parts.files[name] = damaged(parts.files[name], rng)
            parts.write(path)
        try:
            if kind == "make_image_parts":
                classify_and_test(path, number)
            else:
                recommend_and_test(path, number)
        except HanjiError as error:
            assert str(error)


def recommend_and_test(path: Path, number: int) -> None:
    with Recommender.open(path) as recommender:
        if recommender.users is None:
            history = recommender.items.ids.values[: number % 5]
            recommender.recommend(
                history=history, k=3, explain=2, diversity=0.3, filter=lambda item: item.id != 1
            )
        else:
            recommender.recommend(recommender.users.values[number % len(recommender.users)], 3)
        recommender.self_test()


def classify_and_test(path: Path, number: int) -> None:
    with Classifier.open(path) as classifier:
        grey = np.full((number + 1, 7), number, np.uint8)
        classifier.classify(grey, 3, language="ko" if number % 2 else None)
        classifier.self_test()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("kind", ["bundle", "bundle with tables", "history_bundle", "image_bundle"])
def test_a_sample_of_the_benchmark(request: pytest.FixtureRequest, tmp_path: Path, kind: str) -> None:
    """benchmarks/mutations.py, by default with 10,000 mutations, run with 220: each mutation twenty times."""
    bundle: Path = request.getfixturevalue(kind.removesuffix(" with tables"))
    if kind.endswith(" with tables"):
        bundle = copy_with_table_files(bundle, tmp_path / "bundle_with_tables")
    program = Path(__file__).parents[2] / "benchmarks" / "mutations.py"
    out, work = tmp_path / "result.json", tmp_path / "work"
    command = [sys.executable, program, bundle, "--count", "220", "--work", work, "--out", out]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["faults"] == []
    assert found["mutations"] == 220
    assert found["refused"] > 60
    assert len(found["by_mutation"]) == 11


@pytest.mark.timeout(300)
def test_a_sample_of_the_benchmark_of_model_fields(image_bundle: Path, tmp_path: Path) -> None:
    """The same program with other contents of the model files: the process that opens them lives."""
    program = Path(__file__).parents[2] / "benchmarks" / "mutations.py"
    out, work = tmp_path / "result.json", tmp_path / "work"
    options = ["--models", "--count", "8", "--work", work, "--out", out]
    done = subprocess.run([sys.executable, program, image_bundle, *options], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(out.read_text())
    assert found["faults"] == []
    assert {name: sum(counts.values()) for name, counts in found["by_mutation"].items()} == {
        "onnx_fields": 4,
        "tflite_fields": 4,
    }
