"""Choice of the engine, and errors of engines that cannot run a bundle."""

from __future__ import annotations

import dataclasses
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import Classifier, EngineError, HanjiError, Recommender
from hanji.runtime.bundle import open_bundle
from hanji.runtime.engines import choice
from hanji.runtime.engines.versions import installed_version, is_at_least

ENGINES = ["litert", "onnxruntime"]


@pytest.mark.parametrize(
    ("version", "oldest", "enough"),
    [
        ("2.3.0", "2.3.0", True),
        ("2.3", "2.3.0", True),
        ("2.10.0", "2.9.9", True),
        ("2.3.0.post1", "2.3", True),
        ("3", "2.9", True),
        ("1.28.0+cpu", "1.28", True),
        ("2.3.1rc1", "2.3.0", True),
        ("2.2.9", "2.3.0", False),
        ("2.3.0rc1", "2.3.0", False),
        ("2.3.0.dev20260101", "2.3", False),
        ("", "1", False),
        ("unknown", "0.1", False),
    ],
)
def test_versions(version: str, oldest: str, enough: bool) -> None:
    assert is_at_least(version, oldest) is enough


def test_installed_versions() -> None:
    assert installed_version("numpy") == np.__version__
    assert installed_version("no-such-distribution") is None


def pretend(monkeypatch: pytest.MonkeyPatch, **versions: str) -> None:
    """Simulate installed versions by distribution, with '_' for '-'; all others are not installed."""
    monkeypatch.setattr(choice, "installed_version", lambda name: versions.get(name.replace("-", "_")))


@pytest.mark.parametrize("engine", ENGINES)
def test_an_engine_by_name(bundle: Path, engine: str) -> None:
    with Recommender.open(bundle, engine=engine, threads=2) as recommender:
        assert (recommender.engine.name, recommender.engine.threads) == (engine, 2)
        assert recommender.engine.version[0].isdigit()


def test_auto_takes_the_first_engine_that_can_run_the_bundle(
    bundle: Path, onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Recommender.open(onnx_bundle).engine.name == "onnxruntime"
    manifest = Recommender.open(bundle).manifest
    assert choice.choose(manifest, "auto").kind.name == "litert"
    pretend(monkeypatch, onnxruntime="1.20.0")
    assert choice.choose(manifest, "auto").kind.name == "onnxruntime"
    pretend(monkeypatch, onnxruntime="1.20.0", ai_edge_litert="1.9.9")
    assert choice.choose(manifest, "auto").kind.name == "onnxruntime"


def test_no_engine_is_installed(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch)
    with pytest.raises(EngineError) as caught:
        Recommender.open(bundle)
    for part in ("ai-edge-litert is not installed", "'hanji-runtime[litert]'", "onnxruntime is not installed",
                 "'hanji-runtime[onnx]'"):  # fmt: skip
        assert part in str(caught.value)


def test_a_requested_engine_is_not_replaced(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, onnxruntime="1.20.0")
    with pytest.raises(EngineError, match=r"ai-edge-litert is not installed; try: pip install 'hanji"):
        Recommender.open(bundle, engine="litert")


def test_an_engine_that_is_too_old(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, ai_edge_litert="1.9.9")
    expected = (
        r"this model needs ai-edge-litert 2\.0\.0 or newer, found 1\.9\.9; "
        r"try: pip install 'ai-edge-litert>=2\.0\.0,<3'"
    )
    with pytest.raises(EngineError, match=expected):
        Recommender.open(bundle, engine="litert")


def test_an_engine_without_an_artifact(onnx_bundle: Path) -> None:
    with pytest.raises(EngineError, match="the bundle has no artifact for it, only onnx for onnxruntime"):
        Recommender.open(onnx_bundle, engine="litert")


def test_an_unknown_engine(bundle: Path) -> None:
    expected = "engine: expected auto, litert, tflite-runtime, onnxruntime, found 'tflite'"
    with pytest.raises(EngineError, match=expected):
        Recommender.open(bundle, engine="tflite")


def test_no_threads(bundle: Path) -> None:
    with pytest.raises(HanjiError, match="threads: expected 1 or more, found 0"):
        Recommender.open(bundle, threads=0)


@pytest.mark.parametrize("threads", [100_000, 2**31, 2**70, np.int64(2**40)])
def test_more_threads_than_a_machine_has(bundle: Path, threads: int) -> None:
    most = max(32, 4 * (os.cpu_count() or 1))
    expected = rf"threads: expected at most {most} on this machine \(4 per core, or 32\), found {threads}"
    with pytest.raises(HanjiError, match=expected):
        Recommender.open(bundle, threads=threads)


def test_unknown_options_and_integers_of_numpy(onnx_bundle: Path) -> None:
    with pytest.raises(TypeError, match=r"open\(\) got an unexpected keyword argument 'thread'"):
        Recommender.open(onnx_bundle, thread=1)  # type: ignore[call-arg]
    with Recommender.open(onnx_bundle, threads=np.uint8(2)) as recommender:  # type: ignore[typeddict-item]
        assert recommender.engine.threads == 2
        recommender.warm_up(np.int8(1))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", [np.int8, np.uint8, np.int64])
def test_integers_of_numpy_as_k(history_bundle: Path, onnx_image_bundle: Path, kind: Any) -> None:
    with Recommender.open(history_bundle) as recommender:
        expected = recommender.recommend(history=[5001, 5002], k=20, explain=2, diversity=0.5)
        assert (
            recommender.recommend(history=[5001, 5002], k=kind(20), explain=kind(2), diversity=0.5)
            == expected
        )
        assert recommender.why([5001, 5002], 5000, kind(2)) == recommender.why([5001, 5002], 5000, 2)
    with Classifier.open(onnx_image_bundle) as classifier:
        grey = np.zeros((8, 8), np.uint8)
        assert classifier.classify(grey, kind(2)) == classifier.classify(grey, 2)
        assert classifier.classify_batch([grey], kind(100))[0] == classifier.classify(grey, 100)


def test_an_engine_that_cannot_be_imported(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hanji.runtime.engines.onnxruntime", None)
    with pytest.raises(EngineError, match="is installed but cannot be imported"):
        Recommender.open(onnx_bundle)


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_an_engine_rejects_an_invalid_model(
    make_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    parts = make_parts(form)
    parts.files[f"model.{form}"] = b"not a model, but with a correct checksum"
    with pytest.raises(EngineError, match=rf"{engine} .* rejected model\.{form}"):
        Recommender.open(parts.write(tmp_path / "bundle")).recommend(100)


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_an_index_out_of_range(
    make_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    """A users.json with more users than the model has rows: the engine's own error, not a crash."""
    parts = make_parts(form)
    parts.files["users.json"] = b'{"ids": ' + str(list(range(1000))).encode() + b"}"
    parts.manifest["ids"]["users"]["count"] = 1000
    with pytest.raises(EngineError, match=rf"{engine} .*signature 'catalogue' failed"):
        Recommender.open(parts.write(tmp_path / "bundle")).recommend(999)


def test_scores_that_are_not_finite(make_parts: Callable[..., Any], weights: Any, tmp_path: Path) -> None:
    users = weights.users.copy()
    users[3] = np.nan
    users[4] = np.inf
    parts = make_parts("onnx", model=dataclasses.replace(weights, users=users))
    with Recommender.open(parts.write(tmp_path / "bundle")) as recommender:
        assert len(recommender.recommend(100)) == 10
        for user in (103, 104):
            with pytest.raises(EngineError, match=r"is not a finite number; .*hanji verify"):
                recommender.recommend(user)
            with pytest.raises(EngineError, match="is not a finite number"):
                recommender.score_pairs([100, user], [5000, 5000])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            lambda catalogue: catalogue["inputs"][0].update(dtype="int64"),
            "expected inputs int32 user and .*found inputs int64 user",
        ),
        (
            lambda catalogue: catalogue["inputs"][0].update(name="u"),
            "expected inputs int32 user and .*found inputs int32 u ",
        ),
        (lambda catalogue: catalogue["outputs"][0].update(dtype="int8"), "output float32, .* output int8"),
    ],
)
def test_unsupported_signatures(
    make_parts: Callable[..., Any], tmp_path: Path, change: Callable[[Any], None], message: str
) -> None:
    parts = make_parts("onnx")
    change(parts.manifest["artifacts"][0]["signatures"]["catalogue"])
    with pytest.raises(EngineError, match=message):
        Recommender.open(parts.write(tmp_path / "bundle"))


@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_a_model_that_contradicts_the_manifest(
    make_parts: Callable[..., Any], tmp_path: Path, form: str, engine: str
) -> None:
    parts = make_parts(form)
    parts.manifest["artifacts"][0]["signatures"]["catalogue"]["outputs"][0]["name"] = "logits"
    with pytest.raises(EngineError, match="logits"):
        Recommender.open(parts.write(tmp_path / "bundle")).recommend(100)


def test_a_catalogue_of_another_size(make_parts: Callable[..., Any], weights: Any, tmp_path: Path) -> None:
    smaller = dataclasses.replace(weights, items=weights.items[:-1], bias=weights.bias[:-1])
    parts = make_parts("onnx", model=smaller)
    expected = r"output 'scores': float32 \[30\] as in the manifest, found float32 \[29\]"
    with pytest.raises(EngineError, match=rf"model\.onnx .*expected {expected}"):
        Recommender.open(parts.write(tmp_path / "bundle"))


@pytest.mark.parametrize(
    ("dtype", "length", "message"),
    [
        ("FLOAT", 29, r"expected 30 scores, found shape \(29,\)"),
        ("INT64", 30, r"expected output 'scores': float32 \[30\] as in the manifest, found int64 \["),
        ("DOUBLE", 30, r"as in the manifest, found float64 \["),
        ("STRING", 30, r"model\.onnx: it computes with text, which no bundle may"),
        ("sequence", 30, r"model\.onnx: it contains (the operator SequenceConstruct|a sequence), which no"),
        ("optional", 30, r"model\.onnx: it contains (the operator Optional|an optional value), which no"),
    ],
)
def test_outputs_of_files_that_do_not_state_their_shape(
    make_parts: Callable[..., Any], tmp_path: Path, dtype: str, length: int, message: str
) -> None:
    onnx = pytest.importorskip("onnx")
    node, kinds = onnx.helper.make_node, onnx.TensorProto
    kind = getattr(kinds, dtype, kinds.FLOAT)
    output = onnx.helper.make_tensor_type_proto(kind, None)
    nodes = [  # the length depends on the input, so that the engine cannot know it
        node("Cast", ["user"], ["zero"], to=kinds.INT64),
        node("Add", ["zero", "length"], ["size"]),
        node("Expand", ["one", "size"], ["many"]),
        node("Cast", ["many"], ["scores"], to=kind),
    ]
    if kind == kinds.FLOAT and dtype != "FLOAT":
        operators = {"sequence": "SequenceConstruct", "optional": "Optional"}
        nodes[3] = node(operators[dtype], ["many"], ["scores"])
        output = getattr(onnx.helper, f"make_{dtype}_type_proto")(output)
    constants = {"one": np.ones(1, np.float32), "length": np.array([length])}
    graph = onnx.helper.make_graph(
        nodes,
        "test",
        [onnx.helper.make_tensor_value_info("user", kinds.INT32, [1])],
        [onnx.helper.make_value_info("scores", output)],
        [onnx.numpy_helper.from_array(constant, name) for name, constant in constants.items()],
    )
    made = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    parts = make_parts("onnx")
    parts.files["model.onnx"] = made.SerializeToString()
    with pytest.raises(EngineError, match=message):
        Recommender.open(parts.write(tmp_path / "bundle")).recommend(100)


@pytest.mark.parametrize(
    "error", [UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), KeyError(), MemoryError()]
)
@pytest.mark.parametrize(("form", "engine"), [("tflite", "litert"), ("onnx", "onnxruntime")])
def test_whatever_an_engine_raises_is_an_engine_error(
    bundle: Path, monkeypatch: pytest.MonkeyPatch, form: str, engine: str, error: Exception
) -> None:
    class Fails:
        def __init__(self, *_: object, **__: object) -> None:
            raise error

    class FailsLater:
        def run(self, *_: object) -> None:
            raise error

        def __call__(self, **_: object) -> None:
            raise error

    reason = str(error) or type(error).__name__
    expected = rf"model\.{form}.*: {re.escape(reason)}$"
    with Recommender.open(bundle, engine=engine) as recommender:
        loaded: Any = recommender._engine
        sessions = loaded._sessions if engine == "onnxruntime" else loaded._runners
        sessions["catalogue"] = FailsLater()
        with pytest.raises(EngineError, match=rf"^{engine} .*{expected}"):
            recommender.recommend(100)
    if engine == "onnxruntime":
        from hanji.runtime.engines import onnxruntime

        monkeypatch.setattr(onnxruntime.onnxruntime, "InferenceSession", Fails)
    else:
        monkeypatch.setattr("hanji.runtime.engines.choice.interpreter_class", lambda _: Fails)
    with pytest.raises(EngineError, match=rf"^{engine} .*{expected}"):
        Recommender.open(bundle, engine=engine)


def test_no_pairs(make_parts: Callable[..., Any], tmp_path: Path) -> None:
    parts = make_parts("onnx")
    del parts.manifest["artifacts"][0]["signatures"]["pairs"]
    with (
        Recommender.open(parts.write(tmp_path / "bundle")) as recommender,
        pytest.raises(EngineError, match="the onnx artifact has no signature 'pairs'"),
    ):
        recommender.score_pairs([100], [5000])


def test_onnxruntime_telemetry_is_disabled(onnx_bundle: Path) -> None:
    Recommender.open(onnx_bundle).close()
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"


def test_unexpected_providers_of_onnxruntime(onnx_bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import onnxruntime

    monkeypatch.setattr(onnxruntime.InferenceSession, "get_providers", lambda _: ["OtherExecutionProvider"])
    with pytest.raises(EngineError, match=r"expected the providers \['CPUExecutionProvider'\], found"):
        Recommender.open(onnx_bundle).recommend(100)


@pytest.fixture
def three_engines(make_parts: Callable[..., Any], tmp_path: Path) -> Path:
    """A bundle whose .tflite file can run on both TFLite engines."""
    parts = make_parts("tflite", "onnx")
    parts.manifest["artifacts"][0]["engines"].append({"name": "tflite-runtime", "oldest_version": "2.14.0"})
    return parts.write(tmp_path / "three_engines")


def test_auto_prefers_litert_then_tflite_runtime(
    three_engines: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = open_bundle(three_engines).manifest
    installed = {"ai_edge_litert": "2.3.0", "tflite_runtime": "2.14.0", "onnxruntime": "1.20.0"}
    for name in ("litert", "tflite-runtime", "onnxruntime"):
        pretend(monkeypatch, numpy="1.26.4", **installed)
        assert choice.choose(manifest, "auto").kind.name == name
        installed.pop(next(iter(installed)))


@pytest.mark.parametrize(
    ("versions", "reason"),
    [
        (
            {"tflite_runtime": "2.14.0", "numpy": "2.4.6"},
            r"tflite-runtime 2\.14\.0 needs numpy older than 2, found 2\.4\.6; try: pip install 'numpy<2'",
        ),
        (
            {"tflite_runtime": "2.11.0", "numpy": "1.26.4"},
            r"needs tflite-runtime 2\.14\.0 or newer, found 2\.11\.0; try: pip install 'tflite-runtime>=2",
        ),
        ({"numpy": "1.26.4"}, r"tflite-runtime is not installed; try: pip install 'hanji-runtime\[tflite\]'"),
    ],
)
def test_tflite_runtime_is_rejected_before_it_is_imported(
    three_engines: Path, monkeypatch: pytest.MonkeyPatch, versions: dict[str, str], reason: str
) -> None:
    monkeypatch.setitem(sys.modules, "tflite_runtime", None)  # importing it would raise another error
    pretend(monkeypatch, **versions)
    with pytest.raises(EngineError, match=reason):
        Recommender.open(three_engines, engine="tflite-runtime")
    with pytest.raises(EngineError, match=reason):
        Recommender.open(three_engines)


def test_tflite_runtime_needs_a_supported_artifact(bundle: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pretend(monkeypatch, tflite_runtime="2.14.0", numpy="1.26.4")
    with pytest.raises(EngineError, match="no artifact for it, only tflite for litert, onnx for onnxruntime"):
        Recommender.open(bundle, engine="tflite-runtime")


def test_both_tflite_engines_share_their_code(three_engines: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LiteRT stands in for tflite-runtime here; test_tflite_runtime.py runs the real one."""
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    monkeypatch.setitem(sys.modules, "tflite_runtime", litert)
    monkeypatch.setitem(sys.modules, "tflite_runtime.interpreter", litert)
    pretend(monkeypatch, tflite_runtime="2.14.0", numpy="1.26.4")
    with Recommender.open(three_engines) as recommender:
        assert (recommender.engine.name, recommender.engine.version) == ("tflite-runtime", "2.14.0")
        assert recommender.self_test().passed
        assert recommender.placement.engine == "tflite-runtime"


def test_each_engine_kind_names_its_extra() -> None:
    table = (Path(__file__).parents[2] / "runtime" / "pyproject.toml").read_text(encoding="utf-8")
    for kind in choice.ENGINE_KINDS:
        line = next(line for line in table.splitlines() if line.startswith(f"{kind.extra} = "))
        assert f'"{kind.distribution}>=' in line
        assert f",<{kind.end}" in line
        assert kind.numpy_end is None or f'"numpy<{kind.numpy_end}"' in line
