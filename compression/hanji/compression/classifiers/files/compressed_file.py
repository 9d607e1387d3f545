"""A model file that was quantized: what `hanji compress` writes for a .onnx or .tflite file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hanji.compression.classifiers.compressed import load_image_array
from hanji.compression.classifiers.files.file_names import ABOUT
from hanji.compression.classifiers.files.labels import ClassNames
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.compression.classifiers.recipe import ImageRecipe
from hanji.training.files import FORMAT_VERSION, atomic_directory, read_about, stage_output
from hanji.training.regular_files import regular_file
from hanji.training.settings import settings_from, table_from

_IMAGES = "images.npz"


@dataclass(frozen=True)
class ConvertedFile:
    """The quantized file in a second format, made from the original by a converter."""

    format: str
    model: bytes
    agreement: float
    granularity: str
    """The last two as in ``CompressedFile``."""


@dataclass(frozen=True)
class CompressedFile:
    """``model`` is the quantized file, ``original`` the file as it was given; both have one format."""

    name: str
    format: str
    """``onnx`` or ``tflite``."""

    model: bytes
    original: bytes
    labels: ClassNames
    settings: WrapSettings
    recipe: ImageRecipe
    images: npt.NDArray[np.uint8]
    """Images that both were compared on, in RGB [n, height, width, channels]."""

    agreement: float
    """With the original on the images that they were compared on, by the ``Measure`` of the output."""

    compared: int
    """The number of those images."""

    granularity: str
    """Whether a kernel has a scale per channel or per tensor."""

    converted: tuple[ConvertedFile, ...] = ()
    """The quantized file in other formats, compared with the same answers of the original."""

    left_out: Mapping[str, str] = field(default_factory=dict)
    """Formats that were asked for and could not be made, with the reasons."""


def save_compressed_file(compressed: CompressedFile, directory: Path) -> None:
    """Write ``compressed`` to a directory; an existing one is replaced once the new one is complete."""
    about = {
        "format_version": FORMAT_VERSION,
        "name": compressed.name,
        "format": compressed.format,
        "labels": list(compressed.labels.labels),
        "names": {language: list(names) for language, names in compressed.labels.names.items()},
        "preprocessing": table_from(compressed.settings),
        "recipe": {"name": compressed.recipe.name, "steps": compressed.recipe.tables},
        "agreement": compressed.agreement,
        "compared": compressed.compared,
        "granularity": compressed.granularity,
        "converted": [
            {"format": each.format, "agreement": each.agreement, "granularity": each.granularity}
            for each in compressed.converted
        ],
        "left_out": dict(compressed.left_out),
    }
    with atomic_directory(directory, replace=True) as staging:
        (staging / ABOUT).write_text(json.dumps(about, ensure_ascii=False, indent=1), encoding="utf-8")
        (staging / f"model.{compressed.format}").write_bytes(compressed.model)
        for each in compressed.converted:
            (staging / f"model.{each.format}").write_bytes(each.model)
        (staging / f"original.{compressed.format}").write_bytes(compressed.original)
        np.savez_compressed(staging / _IMAGES, images=compressed.images)


@stage_output("hanji compress")
def load_compressed_file(directory: Path) -> CompressedFile:
    """Load a directory written by ``save_compressed_file``; DataError for any other."""
    path = directory / ABOUT
    about: Mapping[str, Any] = read_about(path, "hanji compress")
    model_format = _format(about)
    return CompressedFile(
        name=about["name"],
        format=model_format,
        model=regular_file(directory / f"model.{model_format}").read_bytes(),
        original=regular_file(directory / f"original.{model_format}").read_bytes(),
        labels=ClassNames(
            str(path),
            tuple(about["labels"]),
            {language: tuple(names) for language, names in about["names"].items()},
        ),
        settings=settings_from(WrapSettings, about["preprocessing"], f"{path}: preprocessing"),
        recipe=ImageRecipe.from_tables(about["recipe"]["name"], about["recipe"]["steps"], str(path)),
        images=load_image_array(directory / _IMAGES),
        agreement=float(about["agreement"]),
        compared=int(about["compared"]),
        granularity=about["granularity"],
        converted=tuple(_converted(directory, table) for table in about["converted"]),
        left_out={str(name): str(reason) for name, reason in about["left_out"].items()},
    )


def _format(table: Mapping[str, Any]) -> str:
    """The format that a table states; ValueError for an unknown one."""
    found = table["format"]
    if found not in ("onnx", "tflite"):
        raise ValueError(f"format: {found!r}")
    return str(found)


def _converted(directory: Path, table: Mapping[str, Any]) -> ConvertedFile:
    model_format = _format(table)
    model = regular_file(directory / f"model.{model_format}").read_bytes()
    return ConvertedFile(model_format, model, float(table["agreement"]), str(table["granularity"]))


__all__ = ["CompressedFile", "ConvertedFile", "load_compressed_file", "save_compressed_file"]
