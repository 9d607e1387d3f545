"""Opens a bundle: verifies it, chooses an engine, reads its tables and loads the model, in this order."""

from __future__ import annotations

import operator
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypedDict, TypeVar

from hanji.runtime.bundle import open_bundle
from hanji.runtime.engines.choice import choose, create_engine
from hanji.runtime.engines.request import Policy, Request
from hanji.runtime.errors import BundleError, HanjiError
from hanji.runtime.manifest import ClassifierManifest, IdTable, LabelTable, RecommenderManifest
from hanji.runtime.manifest.types import TABLE_SUFFIX
from hanji.runtime.session import check_options, check_signature

if TYPE_CHECKING:
    from hanji.runtime.engines.base import Engine
    from hanji.runtime.manifest import Artifact, FileEntry

ManifestT = TypeVar("ManifestT", RecommenderManifest, ClassifierManifest)
TableT = TypeVar("TableT")
_CLASSES = {RecommenderManifest: "Recommender", ClassifierManifest: "Classifier"}


class OpenOptions(TypedDict, total=False):
    """Keyword arguments of ``Recommender.open`` and ``Classifier.open``, which describe them."""

    engine: str
    threads: int
    delegate: str | os.PathLike[str] | None
    delegate_options: Mapping[str, str] | None
    providers: Sequence[str]
    policy: Policy
    isolated: bool


class Opening(Generic[ManifestT]):
    """A verified bundle of the task of ``kind``, and the chosen engine; large files are not read yet."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        kind: type[ManifestT],
        options: OpenOptions,
    ) -> None:
        check_options("open", options, OpenOptions)
        self._threads = checked_threads(options.get("threads", 1))
        self._request = requested(options)
        self.bundle = open_bundle(path)
        manifest = self.bundle.manifest
        if not isinstance(manifest, kind):
            raise BundleError(
                f"{self.bundle.root}: a bundle for {manifest.task}, which a {_CLASSES[kind]} cannot open; "
                f"try: hanji.runtime.{_CLASSES[type(manifest)]}.open(…)"
            )
        self.manifest: ManifestT = manifest
        self._choice = choose(manifest, options.get("engine", "auto"), self._request)
        if options.get("isolated", False):
            self._test_isolated(options)

    @property
    def artifact(self) -> Artifact:
        """The artifact that the chosen engine runs."""
        return self._choice.artifact

    def check(self, *tables: IdTable | LabelTable | None) -> None:
        """Check the signature and the file sizes, before any large file is read."""
        check_signature(self.artifact, self.artifact.main_signature)
        listed: list[FileEntry] = [self.bundle.file(table.path) for table in tables if table is not None]
        self.bundle.check_sizes([*listed, *self.artifact.files])

    def _test_isolated(self, options: OpenOptions) -> None:
        """Test the bundle in another process; HanjiError if it fails there."""
        from hanji.runtime.isolation import tested  # deferred: needs subprocess

        chosen: OpenOptions = {**options, "engine": self._choice.kind.name, "threads": self._threads}
        result = tested(self.bundle, chosen).self_test
        if result.cases and not result.passed:
            raise BundleError(f"{self.bundle.root}: the self-test failed: {result.detail}; export it again")

    def read(self, table: IdTable | LabelTable, parse: Callable[[Any, int, str], TableT]) -> TableT:
        """Parse a table of the bundle: the bytes of JSON, or the ``Content`` of a table file."""
        path, bundle = table.path, self.bundle
        is_table_file = path.endswith(TABLE_SUFFIX)
        content = bundle.content(bundle.file(path)) if is_table_file else bundle.read_json(path)
        return parse(content, table.count, path)

    def load(self) -> Engine:
        """Create the engine and load the model."""
        contents = {file.path: self.bundle.content(file) for file in self.artifact.files}
        loaded = create_engine(self._choice, contents, threads=self._threads, request=self._request)
        loaded.load(self.artifact.main_signature)
        return loaded


def checked_threads(threads: int) -> int:
    """The number of threads as an int; HanjiError if it is below 1, or above 4 per core and 32.

    Engines start them all when they load a model, and some crash if the system has not that many.
    """
    found, most = operator.index(threads), max(32, 4 * (os.cpu_count() or 1))
    if found < 1:
        raise HanjiError(f"threads: expected 1 or more, found {found}")
    if found > most:
        raise HanjiError(
            f"threads: expected at most {most} on this machine (4 per core, or 32), found {found}"
        )
    return found


def requested(options: OpenOptions) -> Request:
    """Build a Request from the options of ``open``; HanjiError if they contradict each other."""
    providers, delegate = options.get("providers", ()), options.get("delegate")
    if isinstance(providers, str):
        raise HanjiError(f"providers: expected a sequence of names, found the string {providers!r}")
    library = None if delegate is None else os.fspath(delegate)
    delegate_options = dict(options.get("delegate_options") or {})
    return Request(library, delegate_options, tuple(providers), options.get("policy", "warn"))
