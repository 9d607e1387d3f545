"""`hanji bundle --preprocessing` with the files of transformers and timm."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.preprocessor_config import preprocessing_keys
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.files.settings_file import read_settings
from hanji.export.classifiers.wrap.wrap import wrap_model
from hanji.runtime import Classifier
from hanji.training.errors import RecipeError
from hanji.training.settings import settings_from

from .wrap_models import HEIGHT, WIDTH, Network, onnx_model, softmax, tflite_model

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]
NORMALIZED = {
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": MEAN,
    "image_std": STD,
}
VIT = {**NORMALIZED, "do_resize": True, "size": {"height": 224, "width": 224}, "resample": 2}
EFFICIENT = {
    **NORMALIZED,
    "size": {"shortest_edge": 256},
    "do_center_crop": True,
    "crop_size": {"height": 224, "width": 224},
    "resample": 2,
}
TIMM = {
    "architecture": "resnet18",
    "pretrained_cfg": {
        "input_size": [3, 224, 224],
        "interpolation": "bilinear",
        "crop_pct": 0.875,
        "crop_mode": "center",
        "mean": MEAN,
        "std": STD,
    },
}
FRAME = {"height": 224, "width": 224, "resize_height": 256, "resize_width": 256}


@pytest.mark.parametrize(
    ("config", "expected"),
    [
        (VIT, {"fit": "stretch", "height": 224, "width": 224}),
        ({**VIT, "size": 224}, {"fit": "stretch", "height": 224, "width": 224}),
        (EFFICIENT, {"fit": "crop", **FRAME}),
        ({**EFFICIENT, "size": 256, "crop_size": 224}, {"fit": "crop", **FRAME}),
        ({**EFFICIENT, "size": {"height": 256, "width": 256}}, {"fit": "stretch", **FRAME}),
        ({**EFFICIENT, "size": {"shortest_edge": 224}}, {"fit": "crop", "height": 224, "width": 224}),
        (
            {**NORMALIZED, "size": {"shortest_edge": 224}, "crop_pct": 0.875, "resample": 2},
            {"fit": "crop", **FRAME},
        ),
        (
            {**NORMALIZED, "size": {"shortest_edge": 384}, "crop_pct": 1.0, "resample": 2},
            {"fit": "stretch", "height": 384, "width": 384},
        ),
        (TIMM, {"fit": "crop", **FRAME}),
    ],
)
def test_sizes_and_normalization(config: dict[str, Any], expected: dict[str, Any]) -> None:
    common = {"scale": 1 / 255, "mean": MEAN, "std": STD, "resample": "bilinear", "gives": "logits"}
    assert preprocessing_keys(config, "config") == {**common, **expected}


def test_other_normalizations() -> None:
    plain = preprocessing_keys({**VIT, "do_normalize": False, "do_flip_channel_order": True}, "config")
    assert (plain["scale"], plain["channel_order"], "mean" in plain) == (1 / 255, "bgr", False)
    pixels = preprocessing_keys(
        {**VIT, "do_rescale": False, "image_mean": 127.5, "image_std": 127.5}, "config"
    )
    assert (pixels["scale"], pixels["mean"], pixels["std"]) == (1.0, [127.5], [127.5])


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            {**VIT, "do_pad": True},
            r"do_pad: expected false.*write the keys that apply into a preprocessing\.toml",
        ),
        ({**VIT, "rescale_offset": True}, "rescale_offset: expected false"),
        ({**VIT, "do_resize": False}, "do_resize: expected true"),
        ({**VIT, "size": {"longest_edge": 224}}, "size: expected height and width, or shortest_edge"),
        ({**EFFICIENT, "do_center_crop": False}, "expected a centre crop after the resize"),
        ({"model_type": "vit"}, "found the keys model_type"),
        ({**VIT, "image_mean": None}, "image_mean: expected a list of numbers"),
        (
            {"pretrained_cfg": {**TIMM["pretrained_cfg"], "crop_mode": "border"}},  # type: ignore[dict-item]
            "crop_mode: expected center or squash, found 'border'",
        ),
    ],
)
def test_what_cannot_be_represented_is_refused(config: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        preprocessing_keys(config, "config")


def test_another_interpolation_has_to_be_accepted(tmp_path: Path) -> None:
    path, ours = tmp_path / "preprocessor_config.json", tmp_path / "p.toml"
    path.write_text(json.dumps({**VIT, "resample": 3}))
    hint = r'found bicubic; to accept bilinear, .* config = "preprocessor_config\.json" and '
    with pytest.raises(RecipeError, match=hint):
        read_settings(path)
    ours.write_text('config = "preprocessor_config.json"\n')
    with pytest.raises(RecipeError, match=hint):
        read_settings(ours)
    ours.write_text('config = "preprocessor_config.json"\nresample = "bilinear"\ngives = "scores"\n')
    settings = read_settings(ours)
    assert (settings.height, settings.gives, settings.fit) == (224, "scores", "stretch")
    assert settings.mean == tuple(MEAN)


def test_a_file_that_is_no_json(tmp_path: Path) -> None:
    path = tmp_path / "config.json"
    with pytest.raises(RecipeError, match="expected a JSON file, but it cannot be read"):
        read_settings(path)
    path.write_text(json.dumps({**VIT, "rescale_factor": "1/255"}))
    with pytest.raises(RecipeError, match="expected sizes and numbers as transformers and timm write them"):
        read_settings(path)
    path.write_text("[1]")
    with pytest.raises(RecipeError, match="expected a JSON object, found list"):
        read_settings(path)


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("opset", [9, 17])
def test_the_centre_of_a_larger_image_is_cut_out(tmp_path: Path, out: Path, kind: str, opset: int) -> None:
    """The same as Pillow's resize of a square image and a crop of its centre."""
    network, path = Network(first=True), tmp_path / f"model.{kind}"
    as_onnx = onnx_model(network, opset=opset).SerializeToString()
    path.write_bytes(tflite_model(network) if kind == "tflite" else as_onnx)
    table = {"scale": 1 / 255, "resize_height": 9, "resize_width": 9}
    wrap_model(
        path,
        out,
        labels=ClassNames("labels.txt", ("a", "b", "c")),
        settings=settings_from(WrapSettings, table, "p.toml"),
    )
    pixels = np.random.default_rng(3).integers(0, 256, (40, 40, 3), dtype=np.uint8)
    resized = np.asarray(Image.fromarray(pixels).resize((9, 9), Image.Resampling.BILINEAR))
    centre = resized[1 : 1 + HEIGHT, 2 : 2 + WIDTH]
    with Classifier.open(out) as classifier:
        assert classifier.self_test().passed
        assert classifier.manifest.picture.shape == (9, 9, 3)  # type: ignore[union-attr]
        np.testing.assert_allclose(
            classifier.probabilities(pixels), softmax(network.logits(centre / 255)), atol=1e-5
        )
    card = (out / "MODEL_CARD.md").read_text()
    assert f"the centre of {HEIGHT} × {WIDTH} pixels is cut out of the resized image" in card


def test_a_frame_smaller_than_the_input_is_refused(tmp_path: Path, out: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(onnx_model(Network()).SerializeToString())
    settings = settings_from(WrapSettings, {"resize_height": 4, "resize_width": 9}, "p.toml")
    with pytest.raises(
        RecipeError, match="expected at least 6 and 4, the size of the model's input, found 4 and 9"
    ):
        wrap_model(path, out, labels=ClassNames("labels.txt", ("a", "b", "c")), settings=settings)
    with pytest.raises(RecipeError, match="expected resize_height and resize_width in pixels, found 4 and 0"):
        settings_from(WrapSettings, {"resize_height": 4}, "p.toml")
