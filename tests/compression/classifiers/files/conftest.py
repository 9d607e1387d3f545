"""Folders of images for the tests of model files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from .networks import CLASSES, images


@pytest.fixture(autouse=True)
def _no_trial_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not run model files in another process first: this takes half a second for each of hundreds."""
    monkeypatch.setattr(
        "hanji.compression.classifiers.files.read_model_file.call_in_child", lambda *_, **__: None
    )


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """160 random images of 12 × 12 pixels in a folder for each of four classes, "class 0" to "class 3"."""
    root = tmp_path_factory.mktemp("images")
    for index, image in enumerate(images(160, seed=3)):
        path = root / f"class {index % CLASSES}" / f"{index}.png"
        path.parent.mkdir(exist_ok=True)
        Image.fromarray(np.round(image * 255).astype(np.uint8)).save(path)
    return root
