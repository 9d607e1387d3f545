"""Reads WrapSettings from preprocessing.toml, or from the file of another library."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from hanji.compression.classifiers.files.preprocessor_config import preprocessing_keys
from hanji.compression.classifiers.files.settings import WrapSettings
from hanji.runtime.manifest.types import MULTI_LABEL
from hanji.training.errors import RecipeError
from hanji.training.json_files import read_json, read_text
from hanji.training.progress import logger
from hanji.training.settings import read_toml, settings_from

_LARGEST = 2**20
"""Bytes of a file with thresholds: enough for 50,000 labels."""


def read_settings(path: Path) -> WrapSettings:
    """The settings in ``path``: TOML, or JSON of transformers or timm.

    The key ``config`` of a TOML file names such a JSON file, whose values are defaults of the others.
    RecipeError for a file that cannot be read, for values out of range, and for an interpolation that the
    runtimes do not have, unless ``resample`` accepts theirs.
    """
    is_json = path.suffix.lower() == ".json"
    given: Mapping[str, Any] = {} if is_json else _with_thresholds(read_toml(path), path)
    config = path if is_json else given.get("config")
    if not config:
        return _said(settings_from(WrapSettings, given, str(path)), given, path)
    source = path.parent / str(config) if config is not path else path
    found = _keys(source)
    if "resample" not in given and found["resample"] != "bilinear":
        raise RecipeError(
            f"{source}: resample: expected bilinear, the only interpolation of the runtimes, found "
            f'{found["resample"]}; to accept bilinear, write a .toml file with config = "{source.name}" and '
            'resample = "bilinear", and compare the accuracy with `hanji evaluate`'
        )
    table = {**found, "resample": "bilinear", **given}
    logger.info(
        f"{source.name} stands for {_text(table)}; a .toml file with config and other keys changes it"
    )
    return _said(settings_from(WrapSettings, table, str(path)), given, path)


def _said(settings: WrapSettings, given: Mapping[str, Any], path: Path) -> WrapSettings:
    """``settings``, with a line on a threshold that was not given."""
    if settings.gives.startswith(MULTI_LABEL) and "thresholds" not in given:
        logger.info(
            f"{path.name}: an image has the labels whose probability is at least {settings.thresholds[0]:g}; "
            "thresholds, one number or one for each label, changes it"
        )
    return settings


def _with_thresholds(table: dict[str, Any], path: Path) -> dict[str, Any]:
    """The table with ``thresholds`` as a list: one number stands for all, a text for a file."""
    found = table.get("thresholds", [])
    if isinstance(found, str):
        name = PurePath(found)
        if name.is_absolute() or ".." in name.parts:
            raise RecipeError(
                f"{path}: thresholds: expected a file beside it, found {found!r}; move it there"
            )
        found = _numbers(path.parent / found)
    elif isinstance(found, (int, float)):
        found = [found]
    return {**table, "thresholds": found} if "thresholds" in table else table


def _numbers(path: Path) -> list[Any]:
    """The numbers in a JSON list, or in a text file with one a line."""
    try:
        if path.stat().st_size > _LARGEST:
            raise ValueError(f"found more than {_LARGEST:,} bytes")
        if path.suffix.lower() != ".json":
            return [float(line) for line in read_text(path).split()]
        found = read_json(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: expected one threshold a line, or a JSON list: {error}") from None
    if not isinstance(found, list):
        raise RecipeError(f"{path}: expected a JSON list of thresholds, found {type(found).__name__}")
    return found


def _keys(path: Path) -> dict[str, Any]:
    try:
        return preprocessing_keys(_json(path), str(path))
    except (TypeError, ValueError, KeyError) as error:
        raise RecipeError(
            f"{path}: expected sizes and numbers as transformers and timm write them, found others: {error!r}"
        ) from None


def _json(path: Path) -> Mapping[str, Any]:
    try:
        table = read_json(path)
    except (OSError, ValueError) as error:
        raise RecipeError(f"{path}: expected a JSON file, but it cannot be read: {error}") from None
    if not isinstance(table, dict):
        raise RecipeError(f"{path}: expected a JSON object, found {type(table).__name__}")
    return table


def _text(table: Mapping[str, Any]) -> str:
    shown = {key: value for key, value in table.items() if key not in ("config", "resample")}
    return ", ".join(f"{key} = {json.dumps(value)}" for key, value in shown.items())


__all__ = ["read_settings"]
