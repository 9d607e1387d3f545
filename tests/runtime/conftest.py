"""Small real bundles as TFLite and ONNX: two recommenders of 30 items, and an image classifier of 4 classes.

user bundles       score = users · items + bias
history bundles    score = (sum of the history's rows / √its length) · rows + bias
image bundles      probabilities = softmax((levels - mean) / std · kernel + bias)
"""

from __future__ import annotations

import base64
import copy
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import ImageInput

USERS, ITEMS, SIZE, K = 20, 30, 4, 5
HEIGHT, WIDTH, CLASSES = 6, 5, 4
REPOSITORY = Path(__file__).parents[2]


@dataclass(frozen=True)
class Weights:
    users: np.ndarray
    items: np.ndarray
    bias: np.ndarray

    def scores(self, user: int) -> np.ndarray:
        scores: np.ndarray = self.items @ self.users[user] + self.bias
        return scores.astype(np.float32)


@dataclass(frozen=True)
class HistoryWeights:
    """Item rows are int8 with one scale per row."""

    rows: np.ndarray
    scales: np.ndarray
    bias: np.ndarray

    @property
    def table(self) -> np.ndarray:
        return self.rows.astype(np.float32) * self.scales[:, None]

    def scores(self, history: list[int]) -> np.ndarray:
        scores: np.ndarray = self.table @ (self.table[history].sum(0) / np.sqrt(len(history))) + self.bias
        return scores.astype(np.float32)

    def shares(self, history: list[int], item: int) -> np.ndarray:
        shares: np.ndarray = self.table[history] @ self.table[item] / np.sqrt(len(history))
        return shares


@dataclass
class Parts:
    """A bundle under construction: tests modify parts, then write it with matching checksums."""

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
def history_weights() -> HistoryWeights:
    rng = np.random.default_rng(8)
    return HistoryWeights(
        rng.integers(-127, 128, (ITEMS, SIZE)).astype(np.int8),
        rng.uniform(0.005, 0.02, ITEMS).astype(np.float32),
        rng.normal(size=ITEMS).astype(np.float32),
    )


@pytest.fixture(scope="session")
def tflite(weights: Weights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _make_tflite(weights, tmp_path_factory.mktemp("tflite"))


@pytest.fixture(scope="session")
def history_tflite(history_weights: HistoryWeights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _make_tflite(history_weights, tmp_path_factory.mktemp("history_tflite"))


def _make_tflite(weights: Weights | HistoryWeights | ImageWeights, directory: Path) -> bytes:
    if importlib.util.find_spec("tensorflow") is None:
        pytest.skip("TensorFlow, which creates the TFLite test model, is not installed")
    np.savez(directory / "weights.npz", **vars(weights))
    program = Path(__file__).with_name("make_tflite.py")
    command = [sys.executable, str(program), str(directory / "weights.npz"), str(directory / "model.tflite")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return (directory / "model.tflite").read_bytes()


def _onnx_model(
    nodes: list[Any],
    constants: dict[str, np.ndarray],
    inputs: dict[str, int | str],
    output: str,
    size: int | str,
) -> bytes:
    """``inputs`` and ``size`` are vector lengths; a string is a dynamic length."""
    onnx = pytest.importorskip("onnx")
    vector = onnx.helper.make_tensor_value_info
    used = {name for entry in nodes for name in entry.input}
    graph = onnx.helper.make_graph(
        nodes,
        "test",
        [vector(name, onnx.TensorProto.INT32, [length]) for name, length in inputs.items()],
        [vector(output, onnx.TensorProto.FLOAT, [size])],
        [onnx.numpy_helper.from_array(constants[name], name) for name in sorted(used & set(constants))],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def onnx_models(weights: Weights) -> dict[str, bytes]:
    node = pytest.importorskip("onnx").helper.make_node
    constants = {
        "users": weights.users,
        "items": weights.items,
        "items_t": weights.items.T.copy(),
        "bias": weights.bias,
        "flat": np.array([-1]),
        "last": np.array([1]),
    }
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
        "model.onnx": _onnx_model(catalogue, constants, {"user": 1}, "scores", len(weights.bias)),
        "pairs.onnx": _onnx_model(pairs, constants, {"user": "n", "item": "n"}, "scores", "n"),
    }


def history_onnx_models(weights: HistoryWeights) -> dict[str, bytes]:
    onnx = pytest.importorskip("onnx")
    node, to_float = onnx.helper.make_node, onnx.TensorProto.FLOAT
    constants = {
        "rows": weights.rows,
        "scales": weights.scales[:, None],
        "table_t": weights.table.T.copy(),
        "bias": weights.bias,
        "minus_one": np.array(-1, np.int32),
        "zero": np.array(0, np.int32),
        "one": np.array(1, np.float32),
        "flat": np.array([-1]),
        "first": np.array([0]),
        "last": np.array([1]),
    }

    def rows_of(items: str, out: str) -> list[Any]:
        return [
            node("Gather", ["rows", items], [f"{out}_int8"]),
            node("Cast", [f"{out}_int8"], [f"{out}_whole"], to=to_float),
            node("Gather", ["scales", items], [f"{out}_scale"]),
            node("Mul", [f"{out}_whole", f"{out}_scale"], [out]),
        ]

    weighted = [
        node("Greater", ["history", "minus_one"], ["known"]),
        node("Cast", ["known"], ["present"], to=to_float),
        node("ReduceSum", ["present", "first"], ["count"], keepdims=1),
        node("Max", ["count", "one"], ["length"]),
        node("Sqrt", ["length"], ["root"]),
        node("Div", ["present", "root"], ["weight"]),
        node("Unsqueeze", ["weight", "last"], ["weights"]),
        node("Max", ["history", "zero"], ["safe"]),
        *rows_of("safe", "met"),
        node("Mul", ["met", "weights"], ["weighted"]),
    ]
    history = [
        *weighted,
        node("ReduceSum", ["weighted", "first"], ["person"], keepdims=1),
        node("MatMul", ["person", "table_t"], ["product"]),
        node("Reshape", ["product", "flat"], ["vector"]),
        node("Add", ["vector", "bias"], ["scores"]),
    ]
    why = [
        *weighted,
        *rows_of("item", "asked"),
        node("Transpose", ["asked"], ["column"], perm=[1, 0]),
        node("MatMul", ["weighted", "column"], ["products"]),
        node("Reshape", ["products", "flat"], ["shares"]),
    ]
    return {
        "model.onnx": _onnx_model(history, constants, {"history": "n"}, "scores", len(weights.bias)),
        "why.onnx": _onnx_model(why, constants, {"history": "n", "item": 1}, "shares", "n"),
    }


def _tensor(name: str, dtype: str, shape: list[int | None]) -> dict[str, Any]:
    return {"name": name, "dtype": dtype, "shape": shape, "scale": None, "zero_point": None}


def _signature(path: str, inputs: dict[str, int | None], output: str, size: int | None) -> dict[str, Any]:
    return {
        "path": path,
        "inputs": [_tensor(name, "int32", [length]) for name, length in inputs.items()],
        "outputs": [_tensor(output, "float32", [size])],
    }


def _user_signatures(model: str, pairs: str) -> dict[str, Any]:
    return {
        "catalogue": _signature(model, {"user": 1}, "scores", ITEMS),
        "pairs": _signature(pairs, {"user": None, "item": None}, "scores", None),
    }


def _history_signatures(model: str, why: str) -> dict[str, Any]:
    return {
        "history": _signature(model, {"history": None}, "scores", ITEMS),
        "why": _signature(why, {"history": None, "item": 1}, "shares", None),
    }


def _artifact(form: str, signatures: dict[str, Any], precision: str = "float32") -> dict[str, Any]:
    engine, oldest = {"tflite": ("litert", "2.0.0"), "onnx": ("onnxruntime", "1.17.0")}[form]
    paths = dict.fromkeys(signature["path"] for signature in signatures.values())
    return {
        "format": form,
        "precision": precision,
        "files": [{"path": path} for path in paths],
        "engines": [{"name": engine, "oldest_version": oldest}],
        "signatures": signatures,
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
            "content": "c" * 64,
        },
        "seed": 0,
        "versions": {"hanji": "0.1.0"},
    }


def _golden_case(scores: np.ndarray, item_ids: list[Any]) -> dict[str, Any]:
    order = np.argsort(-scores, kind="stable")[: K + 3].tolist()
    return {
        "top": [item_ids[index] for index in order[:K]],
        "items": [item_ids[index] for index in order],
        "scores": [float(scores[index]) for index in order],
    }


def _golden_table(cases: list[dict[str, Any]]) -> dict[str, Any]:
    entry = {"tolerance": 1e-4, "cases": cases}
    return {"k": K, "artifacts": {"tflite": entry, "onnx": entry}}


def _golden(weights: Weights, user_ids: list[Any], item_ids: list[Any]) -> dict[str, Any]:
    cases = range(0, USERS, 4)
    return _golden_table(
        [{"user": user_ids[user], **_golden_case(weights.scores(user), item_ids)} for user in cases]
    )


def _history_golden(weights: HistoryWeights, item_ids: list[Any]) -> dict[str, Any]:
    """Histories of 1, 2, 5 and 11 items; all but the first have shares for item 0."""
    cases = []
    for length in (1, 2, 5, 11):
        history = [(3 + 7 * index) % ITEMS for index in range(length)]
        case = {
            "history": [item_ids[index] for index in history],
            **_golden_case(weights.scores(history), item_ids),
        }
        if length > 1:
            shares = [float(share) for share in weights.shares(history, 0)]
            case["why"] = {"item": item_ids[0], "shares": shares}
        cases.append(case)
    return _golden_table(cases)


def _item_table(ids: list[Any]) -> dict[str, Any]:
    return {
        "ids": ids,
        "titles": [f"Title {index}" for index in range(ITEMS)],
        "genres": [["Drama", "War"] if index % 2 else [] for index in range(ITEMS)],
        "popularity": [(index * 7) % ITEMS for index in range(ITEMS)],
    }


@pytest.fixture
def make_parts(weights: Weights, request: pytest.FixtureRequest) -> Callable[..., Parts]:
    """Parts of a bundle in the given formats; ids are 100, 101, … and 5000, 5001, …, or strings.

    ``model`` gives the ONNX files other weights than those used for golden.json.
    """

    def make(*formats: str, text_ids: bool = False, model: Weights = weights) -> Parts:
        users: list[Any] = [f"u{index}" if text_ids else 100 + index for index in range(USERS)]
        items: list[Any] = [f"i{index}" if text_ids else 5000 + index for index in range(ITEMS)]
        artifacts, files = [], {}
        if "tflite" in formats:
            artifacts.append(_artifact("tflite", _user_signatures("model.tflite", "model.tflite")))
            files["model.tflite"] = request.getfixturevalue("tflite")
        if "onnx" in formats:
            artifacts.append(_artifact("onnx", _user_signatures("model.onnx", "pairs.onnx")))
            files |= onnx_models(model)
        files |= {
            "users.json": to_json({"ids": users}),
            "items.json": to_json(_item_table(items)),
            "golden.json": to_json(_golden(weights, users, items)),
            "MODEL_CARD.md": b"# A test model\n",
        }
        return Parts(_manifest(artifacts), files)

    return make


@pytest.fixture
def make_history_parts(
    history_weights: HistoryWeights, request: pytest.FixtureRequest
) -> Callable[..., Parts]:
    """Parts of a bundle that takes histories; item ids are 5000, 5001, …, or strings."""

    def make(*formats: str, text_ids: bool = False, model: HistoryWeights = history_weights) -> Parts:
        items: list[Any] = [f"i{index}" if text_ids else 5000 + index for index in range(ITEMS)]
        artifacts, files = [], {}
        if "tflite" in formats:
            signatures = _history_signatures("model.tflite", "model.tflite")
            artifacts.append(_artifact("tflite", signatures, "int8-rows"))
            files["model.tflite"] = request.getfixturevalue("history_tflite")
        if "onnx" in formats:
            artifacts.append(_artifact("onnx", _history_signatures("model.onnx", "why.onnx"), "int8-rows"))
            files |= history_onnx_models(model)
        files |= {
            "items.json": to_json(_item_table(items)),
            "golden.json": to_json(_history_golden(history_weights, items)),
            "MODEL_CARD.md": b"# A test model\n",
        }
        manifest = _manifest(artifacts)
        del manifest["ids"]["users"]
        manifest["files"] = [file for file in manifest["files"] if file["path"] != "users.json"]
        manifest["preprocessing"] = {
            "history": "indices of the ids in items.json, oldest first; -1 is padding",
            "item": "index of the id in items.json",
        }
        return Parts(manifest, files)

    return make


@pytest.fixture
def history_bundle(make_history_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle with both formats that takes histories."""
    return make_history_parts("tflite", "onnx").write(tmp_path / "history_bundle")


@pytest.fixture
def onnx_history_bundle(make_history_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle that takes histories and that only ONNX Runtime can run."""
    return make_history_parts("onnx").write(tmp_path / "onnx_history_bundle")


@pytest.fixture
def bundle(make_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle with both formats."""
    return make_parts("tflite", "onnx").write(tmp_path / "bundle")


@pytest.fixture
def onnx_bundle(make_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle that only ONNX Runtime can run."""
    return make_parts("onnx").write(tmp_path / "onnx_bundle")


@dataclass(frozen=True)
class ImageWeights:
    """probabilities = softmax((levels - mean) / std · kernel + bias); kernel is [height, width, 3, classes].

    A ``bare`` model takes normalized inputs and returns logits.
    """

    kernel: np.ndarray
    bias: np.ndarray
    mean: np.ndarray
    std: np.ndarray
    bare: bool = False

    def probabilities(self, levels: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        logits = np.tensordot((levels.astype(np.float64) - self.mean) / self.std, self.kernel, 3) + self.bias
        powers = np.exp((logits - logits.max()) / temperature)
        shares: np.ndarray = powers / powers.sum()
        return shares


@pytest.fixture(scope="session")
def image_weights() -> ImageWeights:
    rng = np.random.default_rng(9)
    return ImageWeights(
        rng.normal(0, 0.2, (HEIGHT, WIDTH, 3, CLASSES)).astype(np.float32),
        rng.normal(size=CLASSES).astype(np.float32),
        np.array([120, 110, 100.5], np.float32),
        np.array([60, 62, 64.25], np.float32),
    )


@pytest.fixture(scope="session")
def image_tflite(image_weights: ImageWeights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return _make_tflite(image_weights, tmp_path_factory.mktemp("image_tflite"))


@pytest.fixture(scope="session")
def bare_tflite(image_weights: ImageWeights, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bare model in a file without signatures."""
    return _make_tflite(replace(image_weights, bare=True), tmp_path_factory.mktemp("bare_tflite"))


@pytest.fixture(scope="session")
def bare_onnx() -> Callable[..., bytes]:
    """Creates the bare model, quantized if a dtype, scales and a zero point are given."""
    return bare_onnx_model


def bare_onnx_model(
    weights: ImageWeights, dtype: str = "float32", scales: tuple[float, float] = (1, 1), zero: int = 0
) -> bytes:
    onnx = pytest.importorskip("onnx")
    node, is_float = onnx.helper.make_node, dtype == "float32"
    nodes = [
        node("Reshape", ["image" if is_float else "real", "row"], ["flat"]),
        node("MatMul", ["flat", "kernel"], ["product"]),
        node("Add", ["product", "bias"], ["logits" if is_float else "outputs"]),
    ]
    if not is_float:
        nodes.insert(0, node("DequantizeLinear", ["image", "scale_in", "zero"], ["real"]))
        nodes.append(node("QuantizeLinear", ["outputs", "scale_out", "zero"], ["logits"]))
    constants = {
        "row": np.array([1, -1]),
        "kernel": weights.kernel.reshape(-1, CLASSES),
        "bias": weights.bias,
        "scale_in": np.array(scales[0], np.float32),
        "scale_out": np.array(scales[1], np.float32),
        "zero": np.array(zero, dtype),
    }
    return _image_onnx(nodes, constants, dtype, ("logits", dtype))


def image_onnx_model(weights: ImageWeights) -> bytes:
    onnx = pytest.importorskip("onnx")
    node = onnx.helper.make_node
    nodes = [
        node("Cast", ["image"], ["levels"], to=onnx.TensorProto.FLOAT),
        node("Sub", ["levels", "mean"], ["centred"]),
        node("Div", ["centred", "std"], ["normalized"]),
        node("Reshape", ["normalized", "row"], ["flat"]),
        node("MatMul", ["flat", "kernel"], ["product"]),
        node("Add", ["product", "bias"], ["logits"]),
        node("Softmax", ["logits"], ["probabilities"], axis=-1),
    ]
    constants = {
        "mean": weights.mean,
        "std": weights.std,
        "row": np.array([1, -1]),
        "kernel": weights.kernel.reshape(-1, CLASSES),
        "bias": weights.bias,
    }
    return _image_onnx(nodes, constants, "uint8", ("probabilities", "float32"))


def _image_onnx(
    nodes: list[Any], constants: dict[str, np.ndarray], dtype: str, output: tuple[str, str]
) -> bytes:
    onnx = pytest.importorskip("onnx")
    kind = {"float32": "FLOAT", "uint8": "UINT8", "int8": "INT8"}
    tensor, elements = onnx.helper.make_tensor_value_info, onnx.TensorProto
    used = {name for entry in nodes for name in entry.input}
    graph = onnx.helper.make_graph(
        nodes,
        "test",
        [tensor("image", getattr(elements, kind[dtype]), [1, HEIGHT, WIDTH, 3])],
        [tensor(output[0], getattr(elements, kind[output[1]]), [1, CLASSES])],
        [onnx.numpy_helper.from_array(constants[name], name) for name in sorted(used & set(constants))],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


def _classify(path: str) -> dict[str, Any]:
    return {
        "classify": {
            "path": path,
            "inputs": [_tensor("image", "uint8", [1, HEIGHT, WIDTH, 3])],
            "outputs": [_tensor("probabilities", "float32", [1, CLASSES])],
        }
    }


def _image_artifact(form: str) -> dict[str, Any]:
    artifact = _artifact(form, _classify(f"model.{form}"))
    for key in ("top10_overlap", "minimum_top10_overlap"):
        artifact["parity"][key.replace("top10_overlap", "top1_agreement")] = artifact["parity"].pop(key)
    return artifact


def _image_manifest(artifacts: list[dict[str, Any]], weights: ImageWeights) -> dict[str, Any]:
    manifest = _manifest(artifacts)
    del manifest["ids"]
    accuracy = {"top1": 0.9, "nll": 0.31}
    return {
        **manifest,
        "task": "image-classification",
        "model": {"type": "mobilenet-v1", "parameters": 364, "full_parameters": 900},
        "files": [{"path": path} for path in ("labels.json", "golden.json", "MODEL_CARD.md")],
        "preprocessing": {"image": "levels as specified by 'picture'"},
        "metrics": {"protocol": "test set", "full": accuracy, "compressed": accuracy},
        "training_data": {
            "name": "shapes",
            "format": "folder",
            "synthetic": False,
            "licence": "CC0",
            "pictures": 500,
            "classes": CLASSES,
            "config": {"name": "shapes"},
            "content": "c" * 64,
        },
        "labels": {"path": "labels.json", "count": CLASSES},
        "picture": {
            "height": HEIGHT,
            "width": WIDTH,
            "channels": 3,
            "fit": "crop",
            "resize": "bilinear",
            "background": [255, 255, 255],
            "mean": weights.mean.tolist(),
            "std": weights.std.tolist(),
            "normalized_by": "graph",
        },
        "probabilities": {"source": "graph", "temperature": 1.0},
    }


def with_output(manifest: dict[str, Any], output: dict[str, Any], source: str) -> dict[str, Any]:
    """A classifier's manifest with an ``output``; ``source`` is that of its probabilities."""
    changed = copy.deepcopy(manifest)
    changed |= {
        "schema_version": 2,
        "output": output,
        "probabilities": {"source": source, "temperature": 1.0},
    }
    for artifact in changed["artifacts"]:
        parity = artifact["parity"]
        for key in ("agreement", "minimum_agreement"):
            parity[key] = parity.pop(key.replace("agreement", "top1_agreement"))
    return changed


def _base64(pixels: np.ndarray) -> str:
    return base64.b64encode(pixels.tobytes()).decode()


def _image_golden(weights: ImageWeights) -> dict[str, Any]:
    """Three prepared images, and preparations of a small grayscale, a wide and a transparent image."""
    rng = np.random.default_rng(10)
    rule = ImageInput(HEIGHT, WIDTH, 3, "crop", (0, 0, 0), (1, 1, 1), "graph")
    preparation = []
    for shape in ((3, 4, 1), (9, 30, 3), (14, 11, 4)):
        source = rng.integers(0, 256, shape, np.uint8)
        described = dict(zip(("height", "width", "channels"), shape, strict=True))
        preparation.append(
            {"source": {**described, "pixels": _base64(source)}, "prepared": _base64(prepare(source, rule))}
        )
    cases = []
    for image in rng.integers(0, 256, (3, HEIGHT, WIDTH, 3), np.uint8):
        shares = weights.probabilities(image)
        label = int(shares.argmax())
        cases.append({"image": _base64(image), "label": label, "probabilities": shares.tolist()})
    entry = {"tolerance": 1e-5, "cases": cases}
    artifacts = {"tflite": entry, "onnx": entry}
    return {"task": "image-classification", "preparation": preparation, "artifacts": artifacts}


@pytest.fixture
def make_image_parts(image_weights: ImageWeights, request: pytest.FixtureRequest) -> Callable[..., Parts]:
    """Parts of a bundle that classifies images; ``model`` gives the ONNX file other weights."""

    def make(*formats: str, model: ImageWeights = image_weights) -> Parts:
        files = {}
        if "tflite" in formats:
            files["model.tflite"] = request.getfixturevalue("image_tflite")
        if "onnx" in formats:
            files["model.onnx"] = image_onnx_model(model)
        korean = ["고양이", "개", "올빼미", "고양이"]
        labels = {"labels": ["cat", "dog", "owl", "cat"], "names": {"ko": korean}}
        files |= {
            "labels.json": to_json(labels),
            "golden.json": to_json(_image_golden(image_weights)),
            "MODEL_CARD.md": b"# A test model\n",
        }
        artifacts = [_image_artifact(form) for form in ("tflite", "onnx") if form in formats]
        return Parts(_image_manifest(artifacts, image_weights), files)

    return make


@pytest.fixture
def image_bundle(make_image_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle with both formats that classifies images."""
    return make_image_parts("tflite", "onnx").write(tmp_path / "image_bundle")


@pytest.fixture
def onnx_image_bundle(make_image_parts: Callable[..., Parts], tmp_path: Path) -> Path:
    """A bundle that classifies images and that only ONNX Runtime can run."""
    return make_image_parts("onnx").write(tmp_path / "onnx_image_bundle")


@contextmanager
def _as_nobody() -> Iterator[None]:
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def without_rights() -> Callable[[], AbstractContextManager[None]]:
    """A context without root's file permissions; has no effect for other users."""
    return _as_nobody if os.geteuid() == 0 else nullcontext


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Provide the entry points of pyproject.toml if hanji-runtime is importable but not installed."""
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
