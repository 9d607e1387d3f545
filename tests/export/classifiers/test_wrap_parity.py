"""The comparison of a rewritten file with the original: it catches every mistake of a rewriting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from onnx import TensorProto

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.export.classifiers.wrap import bundled_file, plan
from hanji.export.classifiers.wrap.steps import (
    CentreCrop,
    ChannelsFirst,
    Convert,
    Ends,
    Reshape,
    ReverseChannels,
    TwoClasses,
)
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.training.errors import ConversionError
from hanji.training.settings import settings_from

from .wrap_models import Network, onnx_model, tflite_model

Damage = Callable[[Ends], Ends]
SCALED = {"scale": 1 / 255, "mean": [0.1, 0.2, 0.3], "std": [0.5]}
BGR = {**SCALED, "channel_order": "bgr"}
CROPPED = {**SCALED, "resize_height": 9, "resize_width": 9}
FIRST, LAST, ONE = Network(first=True), Network(), Network(outputs=1)


def without(kind: type) -> Damage:
    return lambda ends: replace(
        ends,
        before=tuple(step for step in ends.before if not isinstance(step, kind)),
        after=tuple(step for step in ends.after if not isinstance(step, kind)),
    )


def reshaped_instead_of_transposed(ends: Ends) -> Ends:
    shape = tuple(int(size or 0) for size in ends.source.shape)
    return replace(
        ends,
        before=tuple(Reshape(shape) if isinstance(step, ChannelsFirst) else step for step in ends.before),
    )


def reversed_without_need(ends: Ends) -> Ends:
    return replace(ends, before=(ReverseChannels(), *ends.before))


def another_part_of_the_image(ends: Ends) -> Ends:
    return replace(
        ends,
        before=tuple(replace(step, top=0) if isinstance(step, CentreCrop) else step for step in ends.before),
    )


def logit_for_probability(ends: Ends) -> Ends:
    return replace(
        ends,
        after=tuple(
            TwoClasses(not step.of_logit) if isinstance(step, TwoClasses) else step for step in ends.after
        ),
    )


def other_output(ends: Ends) -> Ends:
    result, classes = (replace(tensor, name="logits") for tensor in (ends.result, ends.classes))
    return replace(ends, result=result, classes=classes)


@pytest.fixture
def damaged(monkeypatch: pytest.MonkeyPatch) -> Callable[[Damage], None]:
    """A function that makes every plan pass through ``damage``."""

    def install(damage: Damage) -> None:
        real = plan.planned_ends
        monkeypatch.setattr(bundled_file, "planned_ends", lambda *args: damage(real(*args)))

    return install


def wrap(path: Path, out: Path, labels: int, table: dict[str, Any]) -> Any:
    settings = settings_from(WrapSettings, table, "p.toml")
    names = ClassNames("labels.txt", tuple(f"class {number}" for number in range(labels)))
    return wrap_model(path, out, labels=names, settings=settings)


TFLITE: list[tuple[Callable[[], bytes], int, dict[str, Any], Damage]] = [
    (lambda: tflite_model(FIRST), 3, SCALED, reshaped_instead_of_transposed),
    (lambda: tflite_model(FIRST), 3, SCALED, reversed_without_need),
    (lambda: tflite_model(LAST), 3, BGR, without(ReverseChannels)),
    (lambda: tflite_model(LAST), 3, CROPPED, another_part_of_the_image),
    (lambda: tflite_model(ONE, output=(1, 1), activation="sigmoid"), 2, SCALED, logit_for_probability),
    (
        lambda: tflite_model(ONE, output=(1, 1), activation=""),
        2,
        {**SCALED, "gives": "logits"},
        logit_for_probability,
    ),
]


def onnx_bytes(network: Network, **options: Any) -> Callable[[], bytes]:
    return lambda: bytes(onnx_model(network, **options).SerializeToString())


ONNX: list[tuple[Callable[[], bytes], int, dict[str, Any], Damage]] = [
    (onnx_bytes(FIRST), 3, SCALED, reshaped_instead_of_transposed),
    (onnx_bytes(FIRST), 3, SCALED, without(ChannelsFirst)),
    (onnx_bytes(FIRST), 3, SCALED, reversed_without_need),
    (onnx_bytes(LAST), 3, BGR, without(ReverseChannels)),
    (onnx_bytes(FIRST), 3, CROPPED, another_part_of_the_image),
    (onnx_bytes(LAST, output=(1, 3, 1, 1)), 3, SCALED, without(Reshape)),
    (onnx_bytes(LAST, dtype=TensorProto.FLOAT16), 3, SCALED, without(Convert)),
    (onnx_bytes(LAST, extra=("logits",)), 3, {**SCALED, "output": "found"}, other_output),
    (onnx_bytes(ONE, output=(1, 1), activation="Sigmoid"), 2, SCALED, logit_for_probability),
    (onnx_bytes(ONE, output=(1, 1), activation="Sigmoid"), 2, SCALED, without(TwoClasses)),
    (onnx_bytes(ONE, output=(1, 1), activation=""), 2, {**SCALED, "gives": "logits"}, logit_for_probability),
]


@pytest.mark.parametrize(
    ("suffix", "content", "labels", "table", "damage"),
    [("tflite", *case) for case in TFLITE] + [("onnx", *case) for case in ONNX],
)
def test_a_wrong_rewriting_is_refused(
    tmp_path: Path,
    out: Path,
    damaged: Callable[[Damage], None],
    suffix: str,
    content: Callable[[], bytes],
    labels: int,
    table: dict[str, Any],
    damage: Damage,
) -> None:
    path = tmp_path / f"model.{suffix}"
    path.write_bytes(content())
    (artifact,) = wrap(path, tmp_path / "right", labels, table).artifacts
    assert artifact.parity.checked and artifact.parity.top1_agreement == 1.0
    damaged(damage)
    with pytest.raises(
        ConversionError, match=r"from the rewritten file as from the original|failed|finite values"
    ):
        wrap(path, out, labels, table)
    assert not out.exists()


def test_swapped_classes_are_refused(tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from onnx import helper

    from hanji.export.classifiers.wrap import onnx_rewriting

    def make_node(kind: str, inputs: list[str], *args: Any, **options: Any) -> Any:
        return real(kind, inputs[::-1] if kind == "Concat" else inputs, *args, **options)

    path, real = tmp_path / "model.onnx", helper.make_node
    path.write_bytes(onnx_bytes(ONE, output=(1, 1), activation="Sigmoid")())
    monkeypatch.setattr(onnx_rewriting.helper, "make_node", make_node)
    with pytest.raises(ConversionError, match="from the rewritten file as from the original"):
        wrap(path, out, 2, SCALED)


def test_mean_and_std_of_bgr_that_stay_in_the_order_of_the_model_are_refused(
    tmp_path: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes(LAST)())
    monkeypatch.setattr(WrapSettings, "in_rgb", lambda self, image_input: image_input)
    with pytest.raises(ConversionError, match="from the rewritten file as from the original"):
        wrap(path, out, 3, BGR)


def test_images_with_the_same_answers_are_mentioned(
    tmp_path: Path, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_bytes(FIRST)())
    with caplog.at_level("WARNING", logger="hanji"):
        wrap(path, out, 3, {"scale": 1e-30})
    assert "all 32 images have the same answers" in caplog.text
