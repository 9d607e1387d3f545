"""HTML and SVG as values: text is escaped unless it was built here, so that no name can inject markup.

A template engine would be a larger dependency than these few functions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VOID = frozenset({"meta", "link", "br"})
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})

Attribute = str | float | bool | None


class Html(str):
    """Markup. A plain str is text, and is escaped when it is inserted into markup."""

    __slots__ = ()


Child = str | None


def text(value: str) -> Html:
    """``value`` as text: escaped, with U+FFFD for what HTML does not allow, and for marks of direction."""
    if isinstance(value, Html):
        return value
    return Html(_UNPRINTABLE.sub("\ufffd", value).translate(_ENTITIES))


def element(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """One element. Children that are None are omitted.

    Attributes are named as in HTML, with ``_`` for ``-`` and a trailing ``_`` after Python keywords; None and
    False omit an attribute, True writes it without a value.
    """
    opening = f"<{tag}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if tag in _VOID:
        return Html(opening)
    return Html(f"{opening}{joined(children)}</{tag}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Markup and text, concatenated."""
    return Html(text(between).join(text(child) for child in children if child is not None))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{text(value if isinstance(value, str) else number(value))}"'


def number(value: float) -> str:
    """A coordinate with at most two decimal places."""
    digits = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if digits == "-0" else digits


__all__ = ["Child", "Html", "element", "joined", "number", "text"]
