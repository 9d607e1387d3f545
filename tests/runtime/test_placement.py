"""Operator placement: with a stub delegate that simulates all outcomes, with providers, and its report."""

from __future__ import annotations

import ctypes
import gc
import json
import shutil
import subprocess
import threading
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hanji.runtime
from hanji.runtime import Classifier, EngineError, HanjiError, Placement, PlacementWarning, Recommender, cli
from hanji.runtime.engines.delegates import Delegate, DelegateError

SOURCE = Path(__file__).with_name("stub_delegate.c")
BLACK = np.zeros((8, 8, 3), np.uint8)
POLICIES = ("fail", "warn", "allow")
Open = Callable[..., Classifier]


@pytest.fixture(scope="session")
def stub(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The stub delegate as a library; see its source for its options."""
    if shutil.which("gcc") is None:
        pytest.skip("gcc, which builds the stub delegate, is not installed")
    library = tmp_path_factory.mktemp("delegate") / "libstub.so"
    flags = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-fvisibility=hidden"]
    subprocess.run(["gcc", *flags, "-o", library, SOURCE], check=True)
    return str(library)


@pytest.fixture
def open_stub(image_bundle: Path, stub: str) -> Iterator[Open]:
    """Opens the classifier with the stub in a given mode; checks that all delegates are destroyed."""
    pytest.importorskip("ai_edge_litert")

    def open_with(mode: str, policy: Any = "warn", **options: str) -> Classifier:
        return Classifier.open(
            image_bundle, delegate=stub, delegate_options={"mode": mode, **options}, policy=policy
        )

    yield open_with
    gc.collect()
    assert ctypes.c_int.in_dll(ctypes.CDLL(stub), "stub_alive").value == 0


@pytest.fixture
def cpu_result(image_bundle: Path) -> np.ndarray:
    with Classifier.open(image_bundle, engine="litert") as classifier:
        return classifier.probabilities(BLACK)


def messages_of(warned: list[warnings.WarningMessage]) -> list[str]:
    assert {warning.category for warning in warned} <= {PlacementWarning}
    assert all(Path(warning.filename).name == Path(__file__).name for warning in warned)
    return [str(warning.message) for warning in warned]


def test_no_accelerator_requested(image_bundle: Path) -> None:
    with Classifier.open(image_bundle, engine="litert", threads=2, policy="fail") as classifier:
        placement = classifier.placement
    assert isinstance(placement, Placement)
    assert (placement.engine, placement.threads) == ("litert", 2)
    assert placement.version == classifier.engine.version
    assert (placement.asked, placement.got, placement.fallbacks) == ((), (), ())
    assert list(placement.operators) == ["cpu"]
    assert placement.operators["cpu"] > 2
    with pytest.raises(HanjiError, match="is closed"):
        _ = classifier.placement


@pytest.mark.parametrize("policy", POLICIES)
def test_a_delegate_that_takes_all_operators(open_stub: Open, stub: str, policy: str) -> None:
    with warnings.catch_warnings(), open_stub("all", policy, fill="1") as classifier:
        warnings.simplefilter("error")
        result = classifier.probabilities(BLACK)
        placement = classifier.placement
    assert result.view(np.uint8).tolist() == [1] * result.nbytes  # what the stub's kernel writes
    assert (placement.asked, placement.got, placement.fallbacks) == ((stub,), (stub,), ())
    assert list(placement.operators) == [stub]


OUTCOMES = [
    ("none", "runs none of the"),
    ("refuse", "created no delegate: stub: no device found; try: "),
    ("null", "created no delegate: no reason given"),
    ("prepare", r"failed to prepare model\.tflite: stub: the device has no memory left"),
]


@pytest.mark.parametrize(("mode", "reason"), OUTCOMES)
def test_a_delegate_that_takes_no_operator(
    open_stub: Open, stub: str, cpu_result: np.ndarray, mode: str, reason: str
) -> None:
    with pytest.raises(EngineError, match=f"libstub.so {reason}.*policy 'fail'"):
        open_stub(mode, "fail")
    with (
        pytest.warns(PlacementWarning, match=f"libstub.so {reason}") as warned,
        open_stub(mode) as classifier,
    ):
        np.testing.assert_array_equal(classifier.probabilities(BLACK), cpu_result)
        reported = classifier.placement
    assert reported.fallbacks == tuple(messages_of(list(warned)))
    assert len(reported.fallbacks) == 1
    assert (reported.asked, reported.got, list(reported.operators)) == ((stub,), (), ["cpu"])
    with warnings.catch_warnings(), open_stub(mode, "allow") as classifier:
        warnings.simplefilter("error")
        np.testing.assert_array_equal(classifier.probabilities(BLACK), cpu_result)
        assert classifier.placement == reported  # still reported, only without the warning


def test_a_delegate_that_takes_some_operators(open_stub: Open, stub: str) -> None:
    with pytest.raises(EngineError, match=r"the CPU runs \d+ of the \d+ operators: .*SOFTMAX"):
        open_stub("one", "fail")
    with pytest.warns(PlacementWarning, match="SOFTMAX"), open_stub("one") as classifier:
        classifier.probabilities(BLACK)
        placement = classifier.placement
    with open_stub("all") as classifier:
        operators = classifier.placement.operators[stub]
    assert placement.operators == {stub: 1, "cpu": operators - 1}
    assert placement.got == (stub,)


def test_a_delegate_that_fails_while_running(open_stub: Open, stub: str, cpu_result: np.ndarray) -> None:
    lost = "failed while running 'classify': stub: the device was lost"
    with open_stub("invoke", "fail") as classifier:
        for _ in range(2):
            with pytest.raises(EngineError, match=f"libstub.so {lost}"):
                classifier.probabilities(BLACK)
        assert classifier.placement.got == (stub,)
    with open_stub("invoke") as classifier:
        assert classifier.placement.fallbacks == ()
        with pytest.warns(PlacementWarning, match=lost) as warned:
            np.testing.assert_array_equal(classifier.probabilities(BLACK), cpu_result)
        reported = classifier.placement
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # warned only once
            np.testing.assert_array_equal(classifier.probabilities(BLACK), cpu_result)
    assert reported.fallbacks == tuple(messages_of(list(warned)))
    assert (reported.got, list(reported.operators)) == ((), ["cpu"])
    with warnings.catch_warnings(), open_stub("invoke", "allow") as classifier:
        warnings.simplefilter("error")
        np.testing.assert_array_equal(classifier.probabilities(BLACK), cpu_result)
        assert classifier.placement == reported


def test_a_device_that_is_lost_after_some_calls(open_stub: Open, cpu_result: np.ndarray) -> None:
    with open_stub("invoke", healthy="3", fill="1") as classifier:
        results = [classifier.probabilities(BLACK) for _ in range(3)]
        with pytest.warns(PlacementWarning, match="the device was lost"):
            results.append(classifier.probabilities(BLACK))
    assert [np.array_equal(result, cpu_result) for result in results] == [False, False, False, True]


def test_threads_that_lose_a_device_concurrently(open_stub: Open, cpu_result: np.ndarray) -> None:
    found: list[np.ndarray] = []
    with open_stub("invoke", "allow", healthy="20", fill="1") as classifier:
        threads = [
            threading.Thread(target=lambda: found.extend(classifier.probabilities(BLACK) for _ in range(20)))
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(classifier.placement.fallbacks) == 1
    assert len(found) == 80
    assert sum(np.array_equal(result, cpu_result) for result in found) == 60


def test_inputs_that_also_fail_on_the_cpu_keep_the_delegate(
    make_parts: Callable[..., Any], tmp_path: Path, stub: str
) -> None:
    """An index out of range: the engine's own error, and the delegate stays in use."""
    parts = make_parts("tflite")
    parts.files["users.json"] = b'{"ids": ' + str(list(range(1000))).encode() + b"}"
    parts.manifest["ids"]["users"]["count"] = 1000
    bundle = parts.write(tmp_path / "bundle")
    with Recommender.open(
        bundle, delegate=stub, delegate_options={"mode": "invoke"}, policy="allow"
    ) as recommender:
        before = recommender.placement
        with pytest.raises(EngineError, match="signature 'catalogue' failed"):
            recommender.recommend(999)
        assert recommender.placement == before


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    ("library", "reason"),
    [
        ("libnosuch.so.1", "libnosuch.so.1 cannot be loaded: .*try: install the accelerator's library"),
        ("libm.so.6", "libm.so.6 is not a TFLite delegate: it does not export tflite_plugin_create_delegate"),
    ],
)
def test_a_library_that_is_not_a_delegate(image_bundle: Path, policy: Any, library: str, reason: str) -> None:
    """The failed delegate is garbage-collected without unraisable exceptions, which pytest would report."""
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        if policy == "fail":
            with pytest.raises(EngineError, match=reason):
                Classifier.open(image_bundle, delegate=library, policy=policy)
        else:
            with Classifier.open(image_bundle, delegate=library, policy=policy) as classifier:
                assert classifier.self_test().passed
                assert len(classifier.placement.fallbacks) == 1
        gc.collect()
    assert len(messages_of(warned)) == (policy == "warn")


def test_options_are_passed_to_the_delegate(stub: str) -> None:
    with pytest.raises(DelegateError, match="no device found"):
        Delegate(stub, {"fill": "3", "mode": "refuse"})
    delegate = Delegate(stub, {})
    assert delegate._get_native_delegate_pointer()


@pytest.fixture
def edge_tpu_bundle(make_image_parts: Callable[..., Any], tmp_path: Path) -> Path:
    """A bundle with one operator as produced by the Edge TPU compiler."""
    pytest.importorskip("flatbuffers")
    parts = make_image_parts("tflite")
    parts.files["model.tflite"] = compiled_for_edge_tpu(parts.files["model.tflite"])
    parts.manifest["artifacts"][0]["precision"] = "int8-only"
    return parts.write(tmp_path / "edge_tpu_bundle")


def compiled_for_edge_tpu(content: bytes) -> bytes:
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromObj(schema.Model.GetRootAsModel(content, 0))
    kind = schema.BuiltinOperator.FULLY_CONNECTED
    code = next(code for code in model.operatorCodes if code.builtinCode == kind)
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode, code.version = b"edgetpu-custom-op", 1
    builder = flatbuffers.Builder(len(content))
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


@pytest.mark.parametrize("policy", POLICIES)
def test_a_model_for_the_edge_tpu_needs_its_delegate(edge_tpu_bundle: Path, stub: str, policy: Any) -> None:
    with pytest.raises(EngineError, match=r"compiled for the Edge TPU.*try: delegate='libedgetpu\.so\.1'"):
        Classifier.open(edge_tpu_bundle, policy=policy)
    for mode, reason in (
        ("refuse", "no device found"),
        ("none", "the delegate did not accept it"),
        ("prepare", "unresolved"),
    ):
        with pytest.raises(EngineError, match=f"compiled for the Edge TPU.*{reason}"):
            Classifier.open(edge_tpu_bundle, delegate=stub, delegate_options={"mode": mode}, policy=policy)


def test_a_model_for_the_edge_tpu_on_its_delegate(edge_tpu_bundle: Path, stub: str) -> None:
    options = {"mode": "custom"}
    with Classifier.open(
        edge_tpu_bundle, delegate=stub, delegate_options=options, policy="allow"
    ) as classifier:
        classifier.probabilities(BLACK)
        placement = classifier.placement
    assert placement.got == (stub,)
    assert placement.operators[stub] == 1
    assert placement.operators["cpu"] > 1


def test_contradictory_options(image_bundle: Path) -> None:
    for wrong, message in (
        ({"policy": "hope"}, "policy: expected fail, warn or allow, found 'hope'"),
        ({"delegate_options": {"mode": "all"}}, "expected a delegate that they apply to"),
        ({"delegate": "a.so", "providers": ["XnnpackExecutionProvider"]}, "found both"),
        ({"providers": "XnnpackExecutionProvider"}, "expected a sequence of names, found the string"),
        ({"delegate": "a.so", "engine": "onnxruntime"}, "takes execution providers, not a delegate"),
        ({"providers": ["XnnpackExecutionProvider"], "engine": "litert"}, "takes a delegate, not execution"),
    ):
        with pytest.raises(HanjiError, match=message):
            Classifier.open(image_bundle, **wrong)  # type: ignore[arg-type]


def test_auto_takes_an_engine_that_supports_the_request(image_bundle: Path) -> None:
    with Classifier.open(image_bundle, providers=["CPUExecutionProvider"], policy="fail") as classifier:
        placement = classifier.placement
    assert placement.engine == "onnxruntime"
    assert (placement.asked, placement.got) == (("CPUExecutionProvider",), ("CPUExecutionProvider",))
    assert list(placement.operators) == ["cpu"]


FAKE = "FakeExecutionProvider"


def test_a_provider_that_this_onnxruntime_lacks(onnx_image_bundle: Path) -> None:
    reason = f"{FAKE} is not available in onnxruntime .*, which has .*CPUExecutionProvider"
    with pytest.raises(EngineError, match=f"{reason}.*policy 'fail'"):
        Classifier.open(onnx_image_bundle, providers=[FAKE], policy="fail")
    with (
        pytest.warns(PlacementWarning, match=reason) as warned,
        Classifier.open(onnx_image_bundle, providers=[FAKE]) as classifier,
    ):
        assert classifier.self_test().passed
        placement = classifier.placement
    assert placement.fallbacks == tuple(messages_of(list(warned)))
    assert (placement.asked, placement.got, list(placement.operators)) == ((FAKE,), (), ["cpu"])


def test_an_available_provider_that_runs_no_operator(onnx_image_bundle: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    idle = "AzureExecutionProvider"
    if idle not in onnxruntime.get_available_providers():
        pytest.skip(f"this onnxruntime has no {idle}")
    with (
        pytest.warns(PlacementWarning, match=f"{idle} runs none of the"),
        Classifier.open(onnx_image_bundle, providers=[idle, "CPUExecutionProvider"]) as classifier,
    ):
        assert classifier.self_test().passed
        assert classifier.placement.got == ("CPUExecutionProvider",)
    with pytest.raises(EngineError, match="runs none of the"):
        Classifier.open(onnx_image_bundle, providers=[idle], policy="fail")


class FakeSession:
    """An onnxruntime session that pretends to run some operators on another provider."""

    fails_at = "nothing"
    parts = ("Cast",)

    def __init__(self, real: type, *args: Any, providers: list[str], **options: Any) -> None:
        self.requested = providers
        if FAKE in providers and self.fails_at == "preparing":
            raise RuntimeError("the driver is too old")
        self.real = real(*args, providers=["CPUExecutionProvider"], **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)

    def get_providers(self) -> list[str]:
        return self.requested

    def get_provider_graph_assignment_info(self) -> list[Any]:
        parts: list[Any] = self.real.get_provider_graph_assignment_info()
        return [FakePart(part, self) for part in parts]

    def run(self, outputs: list[str], inputs: Any) -> Any:
        if FAKE in self.requested and self.fails_at == "computing":
            raise RuntimeError("the device was lost")
        return self.real.run(outputs, inputs)


class FakePart:
    def __init__(self, real: Any, session: FakeSession) -> None:
        self.get_nodes = real.get_nodes
        taken = FAKE in session.requested and real.get_nodes()[0].op_type in session.parts
        self.ep_name = FAKE if taken else real.ep_name


@pytest.fixture
def fake_provider(monkeypatch: pytest.MonkeyPatch) -> type[FakeSession]:
    onnxruntime = pytest.importorskip("onnxruntime")
    real = onnxruntime.InferenceSession
    if not hasattr(real, "get_provider_graph_assignment_info"):
        pytest.skip("this onnxruntime does not report operator placement")

    class Session(FakeSession):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(real, *args, **options)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [FAKE, "CPUExecutionProvider"])
    return Session


def test_a_provider_that_runs_some_operators(
    fake_provider: type[FakeSession], onnx_image_bundle: Path
) -> None:
    with pytest.raises(EngineError, match=r"the CPU runs \d+ of the \d+ operators: .*Softmax"):
        Classifier.open(onnx_image_bundle, providers=[FAKE], policy="fail")
    with Classifier.open(onnx_image_bundle, providers=[FAKE], policy="allow") as classifier:
        placement = classifier.placement
    assert placement.got == (FAKE,)
    assert placement.operators[FAKE] == 1
    assert len(placement.fallbacks) == 1
    both = [FAKE, "CPUExecutionProvider"]  # the CPU's part is then as requested
    with Classifier.open(onnx_image_bundle, providers=both, policy="fail") as classifier:
        assert classifier.placement.got == tuple(both)
        assert classifier.placement.fallbacks == ()


@pytest.mark.parametrize("when", ["preparing", "computing"])
def test_a_provider_that_fails(fake_provider: type[FakeSession], onnx_image_bundle: Path, when: str) -> None:
    fake_provider.fails_at = when
    with pytest.raises(EngineError, match=r"the driver is too old.*policy 'fail'|the device was lost"):
        Classifier.open(
            onnx_image_bundle, providers=[FAKE, "CPUExecutionProvider"], policy="fail"
        ).probabilities(BLACK)
    providers = [FAKE, "CPUExecutionProvider"]
    with pytest.warns(PlacementWarning, match="the driver is too old|the device was lost") as warned:  # noqa: SIM117
        with Classifier.open(onnx_image_bundle, providers=providers) as classifier:
            for _ in range(3):
                assert classifier.probabilities(BLACK).shape == (4,)
            placement = classifier.placement
    assert placement.fallbacks == tuple(messages_of(list(warned)))
    assert (placement.got, list(placement.operators)) == (("CPUExecutionProvider",), ["cpu"])


def placement_of(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[Any, str]:
    assert cli.main([str(argument) for argument in arguments]) == 0
    shown = capsys.readouterr()
    return json.loads(shown.out)["placement"], shown.err


@pytest.mark.usefixtures("commands")
def test_info_device_follows_the_schema(
    capsys: pytest.CaptureFixture[str], image_bundle: Path, bundle: Path, stub: str
) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads(
        (Path(hanji.runtime.__path__[0]) / "placement.schema.json").read_text(encoding="utf-8")
    )
    delegate = ["--delegate", stub, "--delegate-option", "mode=one"]
    for options in (["--engine", "litert"], ["--engine", "onnxruntime"], ["--provider", FAKE], delegate):
        for opened in (image_bundle, bundle):
            found, _ = placement_of(
                capsys, "info", "--device", opened, "--json", "--policy", "allow", *options
            )
            jsonschema.validate(found, schema)
    assert found["asked"] == [stub]
    assert found["operators"][stub] == 1


@pytest.mark.usefixtures("commands")
def test_info_device_as_text(capsys: pytest.CaptureFixture[str], image_bundle: Path, stub: str) -> None:
    options = ["--delegate", stub, "--delegate-option", "mode=none"]
    assert cli.main(["info", "--device", str(image_bundle), *options]) == 0
    shown = capsys.readouterr()
    assert "fallback" in shown.out
    assert "litert" in shown.out
    lines = [line for line in shown.err.splitlines() if line.startswith("hanji:")]
    assert len(lines) == 1
    assert lines[0].startswith(f"hanji: warning: {stub} runs none of the ")
    assert cli.main(["info", "--device", str(image_bundle), *options, "--policy", "fail"]) == 1
    assert f"hanji: error: {stub} runs none of the " in capsys.readouterr().err


@pytest.mark.usefixtures("commands")
def test_commands_pass_on_placement_options(
    capsys: pytest.CaptureFixture[str], bundle: Path, stub: str
) -> None:
    fails = ["--delegate", stub, "--delegate-option", "mode=refuse", "--policy", "fail"]
    assert cli.main(["recommend", str(bundle), "--user", "100", *fails]) == 1
    assert "no device found" in capsys.readouterr().err
    assert cli.main(["verify", str(bundle), *fails]) == 1
    shown = capsys.readouterr()
    assert "no device found" in shown.out
    assert "takes execution providers, not a delegate" in shown.out
    warns = [*fails[:-1], "warn"]
    assert cli.main(["verify", str(bundle), *warns]) == 0
    shown = capsys.readouterr()
    assert "no device found" in shown.out
    assert "hanji: warning: " in shown.err


@pytest.mark.usefixtures("commands")
def test_delegate_options_need_a_key(capsys: pytest.CaptureFixture[str], bundle: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main(["info", str(bundle), "--delegate-option", "mode"])
    assert stopped.value.code == 2
    assert "expected KEY=VALUE, found 'mode'" in capsys.readouterr().err
