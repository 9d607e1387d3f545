"""Small real bundles: 20 users × 30 items, score = users · items + bias, as TFLite and as ONNX."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest

USERS, ITEMS, SIZE, K = 20, 30, 4, 5
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Weights:
    users: np.ndarray
    items: np.ndarray
    bias: np.ndarray

    def scores(self, user: int) -> np.ndarray:
        scores: np.ndarray = self.items @ self.users[user] + self.bias
        return scores.astype(np.float32)


@dataclass
class Parts:
    """A bundle in the making: tests change a part, then write it with checksums that fit."""

    manifest: dict[str, Any]
    files: dict[str, bytes] = field(default_factory=dict)

    def write(self, directory: Path) -> Path:
        for entry in [*self.manifest["files"], *(f for a in self.manifest["artifacts"] for f in a["files"])]:
            content = self.files.get(entry["path"])
            if content is not None:
                entry["bytes"], entry["sha256"] = len(content), hashlib.sha256(content).hexdigest()
        for path, content in self.files.items():
            (directory / path).parent.mkdir(parents=True, exist_ok=True)
            (directory / path).write_bytes(content)
        write_manifest(directory, self.manifest)
        return directory


def write_manifest(directory: Path, manifest: object) -> None:
    content = to_json(manifest)
    (directory / "manifest.json").write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    (directory / "manifest.sha256").write_text(f"{digest}  manifest.json\n")


def to_json(value: object) -> bytes:
    return (json.dumps(value, sort_keys=True) + "\n").encode()


@pytest.fixture(scope="session")
def weights() -> Weights:
    rng = np.random.default_rng(7)
    return Weights(
        rng.normal(size=(USERS, SIZE)).astype(np.float32),
        rng.normal(size=(ITEMS, SIZE)).astype(np.float32),
        rng.normal(size=ITEMS).astype(np.float32),
    )


@pytest.fixture(scope="session")
def tflite(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow, which makes the TFLite test model, is not installed")
    directory = tmp_path_factory.mktemp("tflite")
    np.savez(directory / "weights.npz", users=weights.users, items=weights.items, bias=weights.bias)
    program = Path(__file__).with_name("make_tflite.py")
    command = [sys.executable, str(program), str(directory / "weights.npz"), str(directory / "model.tflite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return (directory / "model.tflite").read_bytes()


def onnx_models(weights: Weights) -> dict[str, bytes]:
    onnx = pytest.importorskip("onnx")
    node, number = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    constants = {
        "users": weights.users,
        "items": weights.items,
        "items_t": weights.items.T.copy(),
        "bias": weights.bias,
        "flat": np.array([-1]),
        "last": np.array([1]),
    }

    def model(nodes: list[Any], inputs: list[str], count: int | None) -> bytes:
        used = {name for entry in nodes for name in entry.input}
        graph = onnx.helper.make_graph(
            nodes,
            "test",
            [number(name, onnx.TensorProto.INT32, [1 if count else "n"]) for name in inputs],
            [number("scores", onnx.TensorProto.FLOAT, [count or "n"])],
            [onnx.numpy_helper.from_array(constants[name], name) for name in sorted(used & set(constants))],
        )
        made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
        return bytes(made.SerializeToString())

    catalogue = [
        node("Gather", ["users", "user"], ["row"]),
        node("MatMul", ["row", "items_t"], ["product"]),
        node("Reshape", ["product", "flat"], ["vector"]),
        node("Add", ["vector", "bias"], ["scores"]),
    ]
    pairs = [
        node("Gather", ["users", "user"], ["left"]),
        node("Gather", ["items", "item"], ["right"]),
        node("Mul", ["left", "right"], ["products"]),
        node("ReduceSum", ["products", "last"], ["sums"], keepdims=0),
        node("Gather", ["bias", "item"], ["own"]),
        node("Add", ["sums", "own"], ["scores"]),
    ]
    return {
        "model.onnx": model(catalogue, ["user"], len(weights.bias)),
        "pairs.onnx": model(pairs, ["user", "item"], None),
    }


def _tensor(name: str, dtype: str, shape: list[int | None]) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape, "scale": None, "zero_point": None}


def _artifact(form: str, engine: str, oldest: str, catalogue: str, pairs: str) -> dict[str, Any]:
    return {
        "format": form,
        "precision": "float32",
        "files": [{"path": path} for path in dict.fromkeys([catalogue, pairs])],
        "engines": [{"name": engine, "oldest_version": oldest}],
        "signatures": {
            "catalogue": {
                "path": catalogue,
                "inputs": [_tensor("user", "int32", [1])],
                "outputs": [_tensor("scores", "float32", [ITEMS])],
            },
            "pairs": {
                "path": pairs,
                "inputs": [_tensor("user", "int32", [None]), _tensor("item", "int32", [None])],
                "outputs": [_tensor("scores", "float32", [None])],
            },
        },
        "parity": {
            "checked": True,
            "engine": f"{engine} {oldest}",
            "max_abs_error": 1e-6,
            "score_tolerance": 1e-4,
            "top10_overlap": 1.0,
            "minimum_top10_overlap": 0.99,
        },
    }


def _manifest(artifacts: list[dict[str, Any]]) -> dict[str, Any]:
    metrics = {"hr_at_10": 0.7, "ndcg_at_10": 0.42}
    return {
        "schema_version": 1,
        "name": "test",
        "task": "recommendation",
        "model": {"type": "mf", "parameters": 230, "full_parameters": 900},
        "artifacts": artifacts,
        "files": [{"path": path} for path in ("users.json", "items.json", "golden.json", "MODEL_CARD.md")],
        "ids": {
            "users": {"path": "users.json", "count": USERS, "unknown": "popularity"},
            "items": {"path": "items.json", "count": ITEMS, "unknown": "skip"},
        },
        "preprocessing": {"user": "index of the id in users.json", "item": "index of the id in items.json"},
        "golden": "golden.json",
        "recipe": {"name": "none", "sha256": "0" * 64, "steps": [{"type": "quantize", "scheme": "float16"}]},
        "metrics": {"protocol": "leave-one-out", "full": metrics, "compressed": metrics},
        "training_data": {
            "name": "synthetic",
            "format": "synthetic",
            "synthetic": True,
            "licence": "",
            "users": USERS,
            "items": ITEMS,
            "interactions": 200,
            "config": {"seed": 0},
        },
        "seed": 0,
        "versions": {"hanji": "0.1.0"},
    }


def _golden(weights: Weights, user_ids: list[Any], item_ids: list[Any]) -> dict[str, Any]:
    cases = []
    for user in range(0, USERS, 4):
        scores = weights.scores(user)
        order = np.argsort(-scores, kind="stable")[: K + 3].tolist()
        cases.append(
            {
                "user": user_ids[user],
                "top": [item_ids[index] for index in order[:K]],
                "items": [item_ids[index] for index in order],
                "scores": [float(scores[index]) for index in order],
            }
        )
    entry = {"tolerance": 1e-4, "cases": cases}
    return {"k": K, "artifacts": {"tflite": entry, "onnx": entry}}


@pytest.fixture
def make_parts(weights: Weights, request: pytest.FixtureRequest) -> Callable[..., Parts]:
    """Parts of a bundle in the formats asked for; ids are 100, 101, … and 5000, 5001, …, or texts.

    ``model`` puts other weights into the ONNX files than golden.json was made with.
    """

    def make(*formats: str, text_ids: bool = False, model: Weights = weights) -> Parts:
        users: list[Any] = [f"u{index}" if text_ids else 100 + index for index in range(USERS)]
        items: list[Any] = [f"i{index}" if text_ids else 5000 + index for index in range(ITEMS)]
        artifacts, files = [], {}
        if "tflite" in formats:
            artifacts.append(_artifact("tflite", "litert", "2.0.0", "model.tflite", "model.tflite"))
            files["model.tflite"] = request.getfixturevalue("tflite")
        if "onnx" in formats:
            artifacts.append(_artifact("onnx", "onnxruntime", "1.17.0", "model.onnx", "pairs.onnx"))
            files |= onnx_models(model)
        description = {
            "ids": items,
            "titles": [f"Title {index}" for index in range(ITEMS)],
            "genres": [["Drama", "War"] if index % 2 else [] for index in range(ITEMS)],
            "popularity": [(index * 7) % ITEMS for index in range(ITEMS)],
        }
        files |= {
            "users.json": to_json({"ids": users}),
            "items.json": to_json(description),
            "golden.json": to_json(_golden(weights, users, items)),
            "MODEL_CARD.md": b"# A test model\n",
        }
        return Parts(_manifest(artifacts), files)

    return make


@pytest.fixture
def bundle(make_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle with both formats."""
    return make_parts("tflite", "onnx").write(tmp_path / "bundle")


@pytest.fixture
def onnx_bundle(make_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle that only ONNX Runtime can run."""
    return make_parts("onnx").write(tmp_path / "onnx_bundle")


@contextmanager
def _as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def without_rights() -> Callable[[], AbstractContextManager[None]]:
    """A context without root's right to read and write everything; nothing changes for other users."""
    return _as_nobody if os.geteuid() == 0 else nullcontext


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The entry points of pyproject.toml, where hanji-runtime is importable without being installed."""
    try:
        importlib.metadata.distribution("hanji-runtime")
    except importlib.metadata.PackageNotFoundError:
        text = (REPOSITORY / "runtime" / "pyproject.toml").read_text()
        lines = text.split('[project.entry-points."hanji.commands"]\n')[1].split("\n\n")[0]
        information = tmp_path / "site" / "hanji_runtime-0.1.0.dist-info"
        information.mkdir(parents=True)
        (information / "METADATA").write_text("Metadata-Version: 2.1\nName: hanji-runtime\nVersion: 0.1.0\n")
        (information / "entry_points.txt").write_text("[hanji.commands]\n" + lines.replace('"', "") + "\n")
        monkeypatch.syspath_prepend(str(information.parent))
