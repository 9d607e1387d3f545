"""Finds the hints in hanji's sources: what a message proposes to type or to write.

A message is any text of more than one word that is no docstring, no help of an option and no program (SQL,
Python). In it, a hint is

- a command in backticks, or at the start of a text: `hanji export OUT`
- an option outside of those, with its value if that is a number, a list, a placeholder or a word in capitals:
  --scale 1/255
- a key with a value: gives = "logits"
- a key of a table of recipes: data.ratings
- a key that is to be set or left out: leave gives out

Placeholders of f-strings stand as {name}.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
STAGES = ("training", "compression", "export", "studies", "runtime")
COMMAND = re.compile(r"`(hanji [^`]*)`|^(hanji [a-z\d-]+(?: [^:(]+?)?)(?=$| \()")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]*(?: (?:[^\s;:)`]*[\d{/][^\s;:)`]*|[A-Z]+\b))?")
ASSIGNMENT = re.compile(r'\b[a-z][a-z_]* = (?:"[^"]*"|\[[^\]]*\]|\{[^}]*\}|[a-z\d./]+)')
TABLE_KEY = re.compile(r"(?<![\w./`'])(?:data|model|training|export)\.[a-z][a-z_]*\b(?![(/.])")
_SET = re.compile(r"\bset ((?:[a-z_]+)(?:(?:, | and | or )[a-z_]+)*)\b(?! =|\.[a-z])")
_LEFT_OUT = re.compile(r"\bleave ((?:[a-z_]+)(?:(?:, | and | or )[a-z_]+)*) out\b")
_PROGRAM = re.compile(r"^\s*(?:import|SELECT|SET|read_csv|COPY|CREATE)\b|^read_csv|\bFROM\b|block = 0")
_PLACEHOLDER = re.compile(r"\{[^}]*\}")
_HELP = ("add_argument", "add_argument_group", "add_parser", "ArgumentParser")
_NAMES = ("HELP", "EXAMPLE")


def found(pattern: re.Pattern[str]) -> dict[str, set[str]]:
    """The hints of one kind, with the names of the modules that contain them."""
    hints: dict[str, set[str]] = {}
    for module, text in messages():
        outside = text if pattern is COMMAND else COMMAND.sub("", text)
        outside = _PLACEHOLDER.sub("", outside) if pattern is TABLE_KEY else outside
        for match in pattern.finditer(outside):
            hint = next(filter(None, (*match.groups(), match[0]))).rstrip(",.'")
            hints.setdefault(hint, set()).add(module)
    return hints


def keys_named() -> dict[str, set[str]]:
    """The words that stand where a key does, in "set KEY" and "leave KEY out", with their modules."""
    words: dict[str, set[str]] = {}
    for module, text in messages():
        for pattern in (_SET, _LEFT_OUT):
            for match in pattern.finditer(COMMAND.sub("", text)):
                for word in re.split(r", | and | or ", match[1]):
                    words.setdefault(word, set()).add(module)
    return words


@cache
def messages() -> tuple[tuple[str, str], ...]:
    """The name of a module and a text in it, for all texts."""
    paths = [path for stage in STAGES for path in sorted((ROOT / stage / "hanji").rglob("*.py"))]
    return tuple(
        (path.name, text) for path in paths for text in texts(ast.parse(path.read_text(encoding="utf-8")))
    )


def texts(tree: ast.AST) -> Iterator[str]:
    """The texts in a module that can be messages."""
    skipped: set[int] = set()
    for node in ast.walk(tree):
        if _is_no_message(node):
            skipped.update(map(id, ast.walk(node)))
        elif isinstance(node, ast.JoinedStr):
            skipped.update(id(part) for part in node.values if isinstance(part, ast.Constant))
    for node in ast.walk(tree):
        if id(node) not in skipped and isinstance(node, ast.Constant | ast.JoinedStr):
            text = _text_of(node)
            if " " in text and not _PROGRAM.search(text):
                yield text


def _is_no_message(node: ast.AST) -> bool:
    """Whether ``node`` is a docstring, or a help text, which argparse puts beside the option it explains."""
    if isinstance(node, ast.Expr):
        return isinstance(node.value, ast.Constant)
    if isinstance(node, ast.Assign):
        return isinstance(node.targets[0], ast.Name) and node.targets[0].id in _NAMES
    return isinstance(node, ast.Call) and getattr(node.func, "attr", "") in _HELP


def _text_of(node: ast.Constant | ast.JoinedStr) -> str:
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    return "".join(
        part.value if isinstance(part, ast.Constant) else f"{{{ast.unparse(part.value)}}}"  # type: ignore[attr-defined]
        for part in node.values
    )
