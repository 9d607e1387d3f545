"""Compression steps in the syntax of recipe files (TOML 1.0), to be copied from the page."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def steps_as_toml(steps: Iterable[Mapping[str, Any]]) -> str:
    """One ``[[compression]]`` table per step, followed by its nested tables. None values are omitted."""
    return "\n".join(_table("[[compression]]", "compression", step) for step in steps)


def _table(opening: str, path: str, table: Mapping[str, Any]) -> str:
    lines = [
        f"{_key(key)} = {_value(value)}"
        for key, value in table.items()
        if value is not None and not isinstance(value, Mapping)
    ]
    nested = [
        _table(f"[{inner}]", inner, value)
        for key, value in table.items()
        if isinstance(value, Mapping)
        for inner in [f"{path}.{_key(key)}"]
    ]
    return "\n".join(["\n".join([opening, *lines]) + "\n", *nested])


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _string(value)
    if isinstance(value, Mapping):
        items = ", ".join(f"{_key(key)} = {_value(item)}" for key, item in value.items() if item is not None)
        return f"{{ {items} }}" if items else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return repr(value)


def _key(key: str) -> str:
    return key if _BARE.fullmatch(key) else _string(key)


def _string(value: str) -> str:
    """As in JSON, with DEL escaped as TOML requires."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


__all__ = ["steps_as_toml"]
