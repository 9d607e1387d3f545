"""HTML and SVG as values: text is escaped unless it was built here, so that no name in a study can break out.

A template engine would do this too; what a page needs of one is these few lines.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_VOID = frozenset({"meta", "link", "br"})
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
_ENTITIES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})

Attribute = str | float | bool | None


class Html(str):
    """Markup that is meant as such. A plain str is text, and is escaped where it is put into markup."""

    __slots__ = ()


Child = str | None


def text(value: str) -> Html:
    """``value`` as text: escaped, with U+FFFD for characters that HTML does not allow."""
    if isinstance(value, Html):
        return value
    return Html(_UNPRINTABLE.sub("\ufffd", value).translate(_ENTITIES))


def element(tag: str, *children: Child, **attributes: Attribute) -> Html:
    """One element. None among the children is left out.

    Attributes are named as in HTML, with ``_`` for ``-`` and, after a word of Python, at the end; None and
    False leave one out, True writes it bare.
    """
    opening = f"<{tag}{''.join(_attribute(*pair) for pair in attributes.items())}>"
    if tag in _VOID:
        return Html(opening)
    return Html(f"{opening}{joined(children)}</{tag}>")


def joined(children: Iterable[Child], between: str = "") -> Html:
    """Markup and text in a row."""
    return Html(text(between).join(text(child) for child in children if child is not None))


def _attribute(name: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{text(value if isinstance(value, str) else number(value))}"'


def number(value: float) -> str:
    """A coordinate: at most two places, nothing after them."""
    found = f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
    return "0" if found == "-0" else found


__all__ = ["Child", "Html", "element", "joined", "number", "text"]
