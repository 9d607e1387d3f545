"""Images preprocessed by the Python runtime, which its ports must reproduce byte for byte."""

from __future__ import annotations

import base64
import dataclasses
import itertools
from typing import Any

import numpy as np

from hanji.runtime.images.preparation import prepare
from hanji.runtime.manifest import ImageInput
from hanji.runtime.manifest.classifier import FITS


def prepared_images() -> list[dict[str, Any]]:
    """Images of many sizes and channel counts, with their preprocessed form under every fit."""
    rng = np.random.default_rng(0)
    sizes = [(1, 1), (8, 8), (7, 23), (23, 7), (40, 3), (2, 31), (64, 48), (5, 5), (1, 300)]
    kinds = itertools.product((1, 3, 4), FITS, (1, 3), sizes, ((9, 6), (8, 8)))
    return [
        _prepared(rng.integers(0, 256, (*size, channels), np.uint8), fit, model_channels, target)
        for channels, fit, model_channels, size, target in kinds
    ]


def _prepared(pixels: Any, fit: str, channels: int, target: tuple[int, int]) -> dict[str, Any]:
    """One source image, the model's input specification, and the preprocessed image."""
    numbers = {"mean": (0.0,) * channels, "std": (1.0,) * channels, "background": (10, 200, 90)}
    height, width = target
    image_input = ImageInput(
        height=height, width=width, channels=channels, fit=fit, normalized_by="graph", **numbers
    )
    prepared = base64_of(prepare(pixels, image_input))
    return {"source": source_of(pixels), "picture": dataclasses.asdict(image_input), "prepared": prepared}


def source_of(pixels: Any) -> dict[str, Any]:
    """Pixels uint8 [h, w, c] in the JSON form that both ports read."""
    size = dict(zip(("height", "width", "channels"), pixels.shape, strict=True))
    return {**size, "pixels": base64_of(pixels)}


def base64_of(array: Any) -> str:
    """The array's bytes in Base64."""
    return base64.b64encode(array.tobytes()).decode()
