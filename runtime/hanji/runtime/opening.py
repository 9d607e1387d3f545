"""Opens a bundle as what it is: verify, choose an engine, read, load, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

from hanji.runtime.bundle import Bundle, open_bundle
from hanji.runtime.engines.choice import Choice, choose, create_engine
from hanji.runtime.engines.request import Policy, Request
from hanji.runtime.errors import BundleError, HanjiError
from hanji.runtime.manifest import ClassifierManifest, IdTable, LabelTable, RecommenderManifest
from hanji.runtime.signatures import check_signature

# Only what the bundle is made of is imported: opening one kind does not pay for the other.
if TYPE_CHECKING:
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.engines.base import Engine
    from hanji.runtime.recommender import Recommender

_T = TypeVar("_T")
_CLASSES = {RecommenderManifest: "Recommender", ClassifierManifest: "Classifier"}


def open_recommender(
    path: str | os.PathLike[str], *, engine: str, threads: int, request: Request
) -> Recommender:
    """See ``Recommender.open``."""
    from hanji.runtime.ids import parse_items, parse_users
    from hanji.runtime.recommender import Recommender

    bundle = _open(path, threads)
    manifest = bundle.manifest
    if not isinstance(manifest, RecommenderManifest):
        raise _other_task(bundle, "Recommender")
    choice = choose(manifest, engine, request)
    tables = [table for table in (manifest.users, manifest.items) if table is not None]
    _check(bundle, choice, tables)
    users = None if manifest.users is None else _read(bundle, manifest.users, parse_users)
    items = _read(bundle, manifest.items, parse_items)
    loaded = _loaded(bundle, choice, threads, request)
    return Recommender(bundle, manifest, choice.artifact, loaded, users, items)


def open_classifier(
    path: str | os.PathLike[str], *, engine: str, threads: int, request: Request
) -> Classifier:
    """See ``Classifier.open``."""
    from hanji.runtime.classifier import Classifier
    from hanji.runtime.labels import parse_labels

    bundle = _open(path, threads)
    manifest = bundle.manifest
    if not isinstance(manifest, ClassifierManifest):
        raise _other_task(bundle, "Classifier")
    choice = choose(manifest, engine, request)
    _check(bundle, choice, [manifest.labels])
    labels = _read(bundle, manifest.labels, parse_labels)
    return Classifier(bundle, manifest, choice.artifact, _loaded(bundle, choice, threads, request), labels)


def requested(
    delegate: str | os.PathLike[str] | None,
    delegate_options: Mapping[str, str] | None,
    providers: Sequence[str],
    policy: Policy,
) -> Request:
    """The arguments of ``open`` that say where to run; HanjiError for those that contradict each other."""
    if isinstance(providers, str):
        raise HanjiError(f"providers: expected several names, found the text {providers!r}")
    library = None if delegate is None else os.fspath(delegate)
    return Request(library, dict(delegate_options or {}), tuple(providers), policy)


def _open(path: str | os.PathLike[str], threads: int) -> Bundle:
    if threads < 1:
        raise HanjiError(f"threads: expected 1 or more, found {threads}")
    return open_bundle(path)


def _other_task(bundle: Bundle, asked: str) -> BundleError:
    task, fitting = bundle.manifest.task, _CLASSES[type(bundle.manifest)]
    return BundleError(
        f"{bundle.root}: a bundle for {task}, which a {asked} cannot open; "
        f"try: hanji.runtime.{fitting}.open(…)"
    )


def _check(bundle: Bundle, choice: Choice, tables: Iterable[IdTable | LabelTable]) -> None:
    """What can be known before anything large is read."""
    check_signature(choice.artifact, choice.artifact.main_signature)
    bundle.check_sizes([*(bundle.file(table.path) for table in tables), *choice.artifact.files])


def _read(bundle: Bundle, table: IdTable | LabelTable, parse: Callable[[bytes, int, str], _T]) -> _T:
    return parse(bundle.read(bundle.file(table.path)), table.count, table.path)


def _loaded(bundle: Bundle, choice: Choice, threads: int, request: Request) -> Engine:
    contents = {file.path: bundle.content(file) for file in choice.artifact.files}
    loaded = create_engine(choice, contents, threads=threads, request=request)
    loaded.load(choice.artifact.main_signature)
    return loaded
