"""The one place where text leaves: titles, labels and names may contain what controls a terminal."""

from __future__ import annotations

import json
import sys


def printable(text: str) -> str:
    """``text`` with U+FFFD for controls, marks of direction, new lines, and whatever else has no glyph."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else "\ufffd" for character in text)


def printable_line(text: str) -> str:
    """``text`` as one printable line, with single spaces for white space."""
    return printable(" ".join(text.split()))


def printable_lines(text: str) -> str:
    """``text`` with each of its lines printable."""
    return "\n".join(map(printable, text.split("\n")))


def print_lines(*lines: str, to_stderr: bool = False) -> None:
    """Print each text as one printable line, at once."""
    text = "\n".join(map(printable, lines))
    print(text, file=sys.stderr if to_stderr else sys.stdout, flush=True)


def print_json(value: object, indent: int | None = 2) -> None:
    """Print ``json_text``, at once."""
    print(json_text(value, indent), flush=True)


def json_text(value: object, indent: int | None = None) -> str:
    r"""JSON in which characters are themselves if they are printable, else \uXXXX."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "\n".join(map(_escaped, text.split("\n")))


def _escaped(line: str) -> str:
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)
