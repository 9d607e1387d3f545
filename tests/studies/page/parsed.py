"""A page as a tree, parsed strictly: elements must be closed in the reverse order of opening."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "br"}


@dataclass
class Node:
    tag: str
    attributes: dict[str, str | None]
    children: list[Node | str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return "".join(child if isinstance(child, str) else child.text for child in self.children)

    def all(self, tag: str | None = None, kind: str | None = None) -> list[Node]:
        """Descendants in document order; ``kind`` is one of their classes."""
        return [
            node
            for node in self._below()
            if (tag is None or node.tag == tag) and (kind is None or kind in node.classes)
        ]

    def first(self, tag: str | None = None, kind: str | None = None) -> Node:
        return self.all(tag, kind)[0]

    @property
    def classes(self) -> list[str]:
        return (self.attributes.get("class") or "").split()

    def _below(self) -> Iterator[Node]:
        for child in self.children:
            if isinstance(child, Node):
                yield child
                yield from child._below()


def parsed(page: str) -> Node:
    """The tree of a page; AssertionError if an element is not closed, or closed in the wrong order."""
    parser = _Strict()
    parser.feed(page)
    parser.close()
    assert [node.tag for node in parser.open] == ["page"]
    return parser.open[0]


class _Strict(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open = [Node("page", {})]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag}: duplicate attribute"
        node = Node(tag, dict(attrs))
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}>"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].children.append(data)
