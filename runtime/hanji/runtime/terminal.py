"""Text for a terminal or a log: titles, labels and names of files may contain sequences that control it."""

from __future__ import annotations

import json


def printable(text: str) -> str:
    """``text`` with U+FFFD for controls, marks of direction, new lines, and whatever else has no glyph."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def printable_line(text: str) -> str:
    """``text`` as one printable line, with single spaces for white space."""
    return printable(" ".join(text.split()))


def json_text(value: object, indent: int | None = None) -> str:
    r"""JSON in which characters are themselves if they are printable, else \uXXXX."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "\n".join(map(_escaped, text.split("\n")))


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(
        character if character.isprintable() else json.dumps(character)[1:-1] for character in line
    )
