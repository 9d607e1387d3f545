"""Preprocessing files of other libraries, as keys of preprocessing.toml.

transformers writes ``preprocessor_config.json``, timm ``config.json`` with a ``pretrained_cfg``. Keys that
would change the image in a way that the runtimes cannot are refused rather than left out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from hanji.training.errors import RecipeError

Config = Mapping[str, Any]
_PILLOW = ("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")
_SWITCHES = ("do_", "rescale_offset", "include_top")
_KNOWN_SWITCHES = (
    *("do_resize", "do_center_crop", "do_rescale", "do_normalize"),
    *("do_convert_rgb", "do_flip_channel_order"),
)
_NO_CROP_FROM = 384  # pixels from which ConvNext's processor stretches instead of cropping


def preprocessing_keys(config: Config, where: str) -> dict[str, Any]:
    """The keys of preprocessing.toml that ``config`` stands for; ``resample`` is the interpolation it names.

    Outputs of such models are logits. RecipeError for a file of neither library, and for steps that cannot be
    represented.
    """
    if isinstance(timm := config.get("pretrained_cfg"), Mapping):
        return {**_of_timm(timm, where), "gives": "logits"}
    if not any(key in config for key in ("image_mean", "do_normalize", "do_rescale", "size")):
        raise RecipeError(
            f"{where}: expected the preprocessor_config.json of transformers, or the config.json of timm "
            f"with its pretrained_cfg, found the keys {', '.join(config) or 'of neither'}"
        )
    return {**_of_transformers(config, where), "gives": "logits"}


def _of_timm(config: Config, where: str) -> dict[str, Any]:
    _, height, width = _checked(config, "input_size", list, where)
    mode = config.get("crop_mode") or "center"
    if mode not in ("center", "squash"):
        raise RecipeError(f"{where}: crop_mode: expected center or squash, found {mode!r}; {_BY_HAND}")
    fraction = float(config.get("crop_pct") or 1.0)
    frame = (math.floor(height / fraction), math.floor(width / fraction))
    return {
        "scale": 1 / 255,
        "mean": list(_checked(config, "mean", list, where)),
        "std": list(_checked(config, "std", list, where)),
        "fit": "crop" if mode == "center" else "stretch",
        **_size((height, width), frame),
        "resample": str(config.get("interpolation") or "bilinear"),
    }


def _of_transformers(config: Config, where: str) -> dict[str, Any]:
    for key, value in config.items():
        if value is True and key not in _KNOWN_SWITCHES and key.startswith(_SWITCHES):
            raise RecipeError(
                f"{where}: {key}: expected false, as the runtimes have no such step, found true; {_BY_HAND}"
            )
    keys: dict[str, Any] = {"scale": 1.0}
    if config.get("do_rescale", True):
        keys["scale"] = float(config.get("rescale_factor", 1 / 255))
    if config.get("do_normalize", True):
        keys["mean"] = _numbers(config, "image_mean", where)
        keys["std"] = _numbers(config, "image_std", where)
    if config.get("do_flip_channel_order"):
        keys["channel_order"] = "bgr"
    return {**keys, **_geometry(config, where), "resample": _resample(config.get("resample", 2))}


def _geometry(config: Config, where: str) -> dict[str, Any]:
    """The fit and the sizes of a transformers processor."""
    if not config.get("do_resize", True):
        raise RecipeError(f"{where}: do_resize: expected true, as images of any size are resized; {_BY_HAND}")
    size = config.get("size")
    if isinstance(size, Mapping) and {"height", "width"} <= set(size):
        frame, fit = (int(size["height"]), int(size["width"])), "stretch"
    elif isinstance(edge := size.get("shortest_edge") if isinstance(size, Mapping) else size, int):
        frame, fit = (edge, edge), "crop"
    else:
        raise RecipeError(
            f"{where}: size: expected height and width, or shortest_edge, found {size!r}; {_BY_HAND}"
        )
    if fraction := config.get("crop_pct"):
        return _of_convnext(frame[0], float(fraction))
    if config.get("do_center_crop", isinstance(size, Mapping) and fit == "crop"):
        crop = config.get("crop_size", frame[0])
        sides = (crop, crop) if isinstance(crop, int) else (int(crop["height"]), int(crop["width"]))
        return {"fit": fit, **_size(sides, frame)}
    if isinstance(size, Mapping) and fit == "crop":
        raise RecipeError(
            f"{where}: size: expected a centre crop after the resize of the shortest edge, found "
            f"do_center_crop = false, which gives images of any width; {_BY_HAND}"
        )
    return {"fit": "stretch", **_size(frame, frame)}  # a number alone stands for both sides


def _of_convnext(edge: int, fraction: float) -> dict[str, Any]:
    if edge >= _NO_CROP_FROM:
        return {"fit": "stretch", **_size((edge, edge), (edge, edge))}
    resized = int(edge / fraction)
    return {"fit": "crop", **_size((edge, edge), (resized, resized))}


def _size(size: tuple[int, int], frame: tuple[int, int]) -> dict[str, int]:
    """The keys for an input of ``size`` that is cut out of ``frame``."""
    keys = {"height": size[0], "width": size[1]}
    if frame != size:
        keys |= {"resize_height": frame[0], "resize_width": frame[1]}
    return keys


def _resample(found: Any) -> str:
    return _PILLOW[found] if isinstance(found, int) and 0 <= found < len(_PILLOW) else str(found)


def _numbers(config: Config, key: str, where: str) -> list[float]:
    found = _checked(config, key, (list, float, int), where)
    return list(found) if isinstance(found, list) else [float(found)]


def _checked(config: Config, key: str, kind: Any, where: str) -> Any:
    if not isinstance(found := config.get(key), kind):
        raise RecipeError(f"{where}: {key}: expected a list of numbers, found {found!r}; {_BY_HAND}")
    return found


_BY_HAND = "write the keys that apply into a preprocessing.toml instead"

__all__ = ["preprocessing_keys"]
