"""Bundles with table files instead of JSON, which export writes for large catalogues only."""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import Any

from hanji.export.recommenders.table_files import id_table, item_table
from hanji.training.recommenders.data import Catalogue


def use_table_files(manifest: dict[str, Any], files: dict[str, bytes]) -> None:
    """Replace users.json and items.json in the manifest and in the contents by path; no hash is computed."""
    for kind, table in manifest["ids"].items():
        columns = json.loads(files.pop(f"{kind}.json"))
        files[f"{kind}.table"] = items_of(columns) if kind == "items" else id_table(columns["ids"])
        table["path"] = f"{kind}.table"
        next(file for file in manifest["files"] if file["path"] == f"{kind}.json")["path"] = f"{kind}.table"


def items_of(columns: dict[str, Any]) -> bytes:
    """The table file of the content of items.json."""
    genres = tuple(map(tuple, columns["genres"]))
    catalogue = Catalogue(
        (0,), tuple(columns["ids"]), tuple(columns["titles"]), genres, tuple(columns["popularity"])
    )
    return item_table(catalogue)


def copy_with_table_files(bundle: Path, out: Path) -> Path:
    """A copy of a recommender's bundle with table files."""
    shutil.copytree(bundle, out)
    manifest = json.loads((out / "manifest.json").read_text(encoding="utf-8"))
    names = [f"{kind}.json" for kind in manifest["ids"]]
    files = {name: (out / name).read_bytes() for name in names}
    use_table_files(manifest, files)
    for name in names:
        (out / name).unlink()
    for path, content in files.items():
        (out / path).write_bytes(content)
        entry = next(file for file in manifest["files"] if file["path"] == path)
        entry.update(bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    text = json.dumps(manifest).encode()
    (out / "manifest.json").write_bytes(text)
    (out / "manifest.sha256").write_text(f"{hashlib.sha256(text).hexdigest()}  manifest.json\n")
    return out
