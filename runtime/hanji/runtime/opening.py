"""Opens a bundle: verifies it, chooses an engine, reads its tables and loads the model, in this order."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from hanji.runtime.bundle import open_bundle
from hanji.runtime.engines.choice import choose, create_engine
from hanji.runtime.engines.request import Policy, Request
from hanji.runtime.errors import BundleError, HanjiError
from hanji.runtime.manifest import ClassifierManifest, IdTable, LabelTable, RecommenderManifest
from hanji.runtime.manifest.types import TABLE_SUFFIX
from hanji.runtime.signatures import check_signature

if TYPE_CHECKING:
    from hanji.runtime.engines.base import Engine
    from hanji.runtime.manifest import Artifact, FileEntry

ManifestT = TypeVar("ManifestT", RecommenderManifest, ClassifierManifest)
TableT = TypeVar("TableT")
_CLASSES = {RecommenderManifest: "Recommender", ClassifierManifest: "Classifier"}


class Opening(Generic[ManifestT]):
    """A verified bundle of the task of ``kind``, and the chosen engine; large files are not read yet."""

    def __init__(
        self,
        path: str | os.PathLike[str],
        kind: type[ManifestT],
        *,
        engine: str,
        threads: int,
        request: Request,
    ) -> None:
        if threads < 1:
            raise HanjiError(f"threads: expected 1 or more, found {threads}")
        self.bundle = open_bundle(path)
        manifest = self.bundle.manifest
        if not isinstance(manifest, kind):
            raise BundleError(
                f"{self.bundle.root}: a bundle for {manifest.task}, which a {_CLASSES[kind]} cannot open; "
                f"try: hanji.runtime.{_CLASSES[type(manifest)]}.open(…)"
            )
        self.manifest: ManifestT = manifest
        self._choice = choose(manifest, engine, request)
        self._threads, self._request = threads, request

    @property
    def artifact(self) -> Artifact:
        """The artifact that the chosen engine runs."""
        return self._choice.artifact

    def check(self, *tables: IdTable | LabelTable | None) -> None:
        """Check the signature and the file sizes, before any large file is read."""
        check_signature(self.artifact, self.artifact.main_signature)
        listed: list[FileEntry] = [self.bundle.file(table.path) for table in tables if table is not None]
        self.bundle.check_sizes([*listed, *self.artifact.files])

    def read(self, table: IdTable | LabelTable, parse: Callable[[Any, int, str], TableT]) -> TableT:
        """Parse a table of the bundle: the bytes of JSON, or the ``Content`` of a table file."""
        file = self.bundle.file(table.path)
        is_table_file = table.path.endswith(TABLE_SUFFIX)
        content = self.bundle.content(file) if is_table_file else self.bundle.read(file)
        return parse(content, table.count, table.path)

    def load(self) -> Engine:
        """Create the engine and load the model."""
        contents = {file.path: self.bundle.content(file) for file in self.artifact.files}
        loaded = create_engine(self._choice, contents, threads=self._threads, request=self._request)
        loaded.load(self.artifact.main_signature)
        return loaded


def requested(
    delegate: str | os.PathLike[str] | None,
    delegate_options: Mapping[str, str] | None,
    providers: Sequence[str],
    policy: Policy,
) -> Request:
    """Build a Request from the arguments of ``open``; HanjiError if they contradict each other."""
    if isinstance(providers, str):
        raise HanjiError(f"providers: expected a sequence of names, found the string {providers!r}")
    library = None if delegate is None else os.fspath(delegate)
    return Request(library, dict(delegate_options or {}), tuple(providers), policy)
