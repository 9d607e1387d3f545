"""Opens a bundle as a Recommender: verify, choose an engine, read, load, in this order."""

from __future__ import annotations

import os

from hanji.runtime.bundle import open_bundle
from hanji.runtime.engines.choice import choose, create_engine
from hanji.runtime.errors import HanjiError
from hanji.runtime.ids import parse_items, parse_users
from hanji.runtime.recommender import Recommender
from hanji.runtime.signatures import check_signature


def open_recommender(path: str | os.PathLike[str], *, engine: str, threads: int) -> Recommender:
    """See ``Recommender.open``."""
    if threads < 1:
        raise HanjiError(f"threads: expected 1 or more, found {threads}")
    bundle = open_bundle(path)
    manifest = bundle.manifest
    choice = choose(manifest, engine)
    check_signature(choice.artifact, "catalogue")
    users_file, items_file = bundle.file(manifest.users.path), bundle.file(manifest.items.path)
    bundle.check_sizes([users_file, items_file, *choice.artifact.files])
    users = parse_users(bundle.read(users_file), manifest.users.count, users_file.path)
    items = parse_items(bundle.read(items_file), manifest.items.count, items_file.path)
    contents = {file.path: bundle.read(file) for file in choice.artifact.files}
    loaded = create_engine(choice, contents, threads=threads)
    loaded.load("catalogue")
    return Recommender(bundle, choice.artifact, loaded, users, items)
