"""Writes recipe files; Python's standard library only reads TOML."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from hanji.runtime.terminal import printable
from hanji.training.recipe_file import RecipeFile

_TABLES = ("data", "model", "training")


def recipe_text(file: RecipeFile, comments: Sequence[str]) -> str:
    """``file`` as TOML, with ``comments`` at the top."""
    lines = [f"# {printable(line)}".rstrip() for line in comments]
    lines += [f"{key} = {_value(getattr(file, key))}" for key in ("name", "task", "seed")]
    for name in _TABLES:
        lines += _table(f"[{name}]", getattr(file, name))
    for step in file.compression:
        lines += _table("[[compression]]", step)
    lines += _table("[export]", file.export)
    return "\n".join(lines) + "\n"


def _table(heading: str, table: Mapping[str, Any]) -> list[str]:
    if not table:
        return []
    return ["", heading, *(f"{_key(key)} = {_value(value)}" for key, value in table.items())]


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        entries = ", ".join(f"{_key(key)} = {_value(entry)}" for key, entry in value.items())
        return f"{{ {entries} }}" if entries else "{}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (int, float)):
        return repr(value)
    return _string(str(value))


def _key(key: str) -> str:
    plain = key.replace("-", "").replace("_", "")
    return key if plain.isascii() and plain.isalnum() else _string(key)


def _string(text: str) -> str:
    """TOML's basic strings have JSON's escapes; DEL must be escaped in TOML only."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


__all__ = ["recipe_text"]
