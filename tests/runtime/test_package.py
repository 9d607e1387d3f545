"""Content, imports and requirements of the distribution."""

from __future__ import annotations

import ast
import os
import re
import statistics
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import hanji.runtime

RUNTIME = Path(__file__).parents[2] / "runtime"
SOURCES = sorted((RUNTIME / "hanji").rglob("*.py"))
ENGINES = {"ai_edge_litert", "tflite_runtime", "onnxruntime"}
SERVER = {"hanji.training", "hanji.compression", "hanji.export", "hanji.studies"}


def imported(source: Path) -> set[str]:
    names = set()
    for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    return names


def test_numpy_and_the_engines_are_the_only_third_party_imports() -> None:
    for source in SOURCES:
        packages = {name.split(".")[0] for name in imported(source)} - set(sys.stdlib_module_names)
        allowed = {"hanji", "numpy"} | (ENGINES if source.parent.name == "engines" else set())
        allowed |= {"PIL"} if source.name == "decoding.py" else set()
        assert packages <= allowed, source
        assert not {name for name in imported(source) if name.startswith("hanji.")} & SERVER, source
        assert all(name.startswith("hanji.runtime") for name in imported(source) if name.startswith("hanji"))


@pytest.mark.parametrize("engine", ["litert", "onnxruntime"])
def test_opening_a_bundle_imports_one_engine_and_nothing_else(bundle: Path, engine: str) -> None:
    program = (
        "import sys; from hanji.runtime import Recommender\n"
        "print(*sys.modules)\n"
        "Recommender.open(sys.argv[1], engine=sys.argv[2]).recommend(100)\n"
        "print(*sys.modules)"
    )
    before, after = modules_of(program, bundle, engine)
    module = {"litert": "ai_edge_litert", "onnxruntime": "onnxruntime"}[engine]
    assert not ENGINES & before
    assert ENGINES & after == {module}
    assert not {"tensorflow", "keras", "tf_keras", "onnx", "scipy", "jsonschema", "rich", "packaging"} & after


def modules_of(program: str, *arguments: object) -> list[set[str]]:
    """Run ``program``, which prints `print(*sys.modules)`, and return the module names of each line."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    return [set(line.split()) for line in done.stdout.splitlines()]


def test_recommending_imports_no_image_modules(bundle: Path) -> None:
    (modules,) = modules_of(
        "import sys; from hanji.runtime import Recommender\n"
        "Recommender.open(sys.argv[1]).recommend(100); print(*sys.modules)",
        bundle,
    )
    assert not {name for name in modules if name.startswith("PIL")}
    assert not {f"hanji.runtime.{name}" for name in ("classifier", "images", "images.decoding")} & modules


def test_pillow_is_imported_when_a_file_is_read(onnx_image_bundle: Path, tmp_path: Path) -> None:
    pillow = pytest.importorskip("PIL.Image")
    pillow.new("RGB", (3, 3)).save(tmp_path / "black.png")
    before, after = modules_of(
        "import sys; import numpy; from hanji.runtime import Classifier\n"
        "classifier = Classifier.open(sys.argv[1])\n"
        "classifier.classify(numpy.zeros((8, 8), numpy.uint8)); classifier.self_test()\n"
        "print(*sys.modules); classifier.classify(sys.argv[2]); print(*sys.modules)",
        onnx_image_bundle,
        tmp_path / "black.png",
    )
    assert "PIL" not in before
    assert "PIL" in after


def test_modules_and_functions_are_short() -> None:
    for source in SOURCES:
        text = source.read_text(encoding="utf-8")
        assert len(text.splitlines()) <= 300, source
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef) and node.end_lineno is not None:
                assert node.end_lineno - node.lineno < 60, f"{source}: {node.name}"


def test_the_namespace_has_no_init() -> None:
    assert not (RUNTIME / "hanji" / "__init__.py").exists()
    assert not (RUNTIME / "__init__.py").exists()


def test_public_names_are_complete() -> None:
    public = {name for name in dir(hanji.runtime) if not name.startswith("_")}
    classes = {name for name in public if isinstance(getattr(hanji.runtime, name), type)}
    assert not hasattr(hanji.runtime, "Nonsense")
    assert classes | {"__version__"} == set(hanji.runtime.__all__)


def test_one_version() -> None:
    text = (RUNTIME / "pyproject.toml").read_text(encoding="utf-8")
    assert re.findall(r'^version = "(.*)"$', text, re.MULTILINE) == [hanji.runtime.__version__]


def test_the_wheel_contains_only_the_runtime(tmp_path: Path) -> None:
    builders = pytest.importorskip("hatchling.builders.wheel", reason="requires hatchling")
    path = next(
        iter(builders.WheelBuilder(str(RUNTIME)).build(directory=str(tmp_path), versions=["standard"]))
    )
    assert Path(path).stat().st_size < 150_000
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        points = wheel.read("hanji_runtime-0.1.0.dist-info/entry_points.txt").decode()
    assert "hanji/__init__.py" not in names
    assert "hanji/runtime/manifest.schema.json" not in names  # devices check manifests with json_table
    for name in (
        "hanji/runtime/py.typed",
        "hanji/runtime/engines/operators.py",
        "hanji/runtime/engines/tflite.py",
    ):
        assert name in names
    assert all(name.startswith(("hanji/runtime/", "hanji_runtime-0.1.0.dist-info/")) for name in names)
    assert "hanji = hanji.runtime.cli:main" in points
    for command in ("info", "verify", "recommend", "classify", "watch", "benchmark"):
        assert f"{command} = hanji.runtime.commands.{command}\n" in points


def test_importing_the_runtime_takes_little_longer_than_numpy(tmp_path: Path) -> None:
    program = (
        "import time; start = time.perf_counter(); import numpy; middle = time.perf_counter()\n"
        "import hanji.runtime; print((time.perf_counter() - start) / (middle - start))"
    )
    bytecode = {"PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONPATH": os.pathsep.join(sys.path)}
    environment = {**os.environ, **bytecode}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # bytecode is compiled once, as after an installation
    ratios = [
        float(subprocess.check_output([sys.executable, "-c", program], env=environment)) for _ in range(8)
    ]
    assert statistics.median(ratios[1:]) <= 1.2
