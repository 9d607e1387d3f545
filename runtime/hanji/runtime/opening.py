"""Opens a bundle as a Recommender: verify, choose an engine, read, load, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import TypeVar

from hanji.runtime.bundle import Bundle, open_bundle
from hanji.runtime.engines.choice import choose, create_engine
from hanji.runtime.errors import HanjiError
from hanji.runtime.ids import parse_items, parse_users
from hanji.runtime.manifest import IdTable
from hanji.runtime.recommender import Recommender
from hanji.runtime.signatures import check_signature

_T = TypeVar("_T")


def open_recommender(path: str | os.PathLike[str], *, engine: str, threads: int) -> Recommender:
    """See ``Recommender.open``."""
    if threads < 1:
        raise HanjiError(f"threads: expected 1 or more, found {threads}")
    bundle = open_bundle(path)
    manifest = bundle.manifest
    choice = choose(manifest, engine)
    signature = choice.artifact.main_signature
    check_signature(choice.artifact, signature)
    tables = [table for table in (manifest.users, manifest.items) if table is not None]
    bundle.check_sizes([*(bundle.file(table.path) for table in tables), *choice.artifact.files])
    users = None if manifest.users is None else _read(bundle, manifest.users, parse_users)
    items = _read(bundle, manifest.items, parse_items)
    contents = {file.path: bundle.read(file) for file in choice.artifact.files}
    loaded = create_engine(choice, contents, threads=threads)
    loaded.load(signature)
    return Recommender(bundle, choice.artifact, loaded, users, items)


def _read(bundle: Bundle, table: IdTable, parse: Callable[[bytes, int, str], _T]) -> _T:
    return parse(bundle.read(bundle.file(table.path)), table.count, table.path)
