"""Selects the files of a bundle that are packed into the APK.

These are the manifest and its checksum, the bundle's own files (ids or labels, golden cases, MODEL_CARD.md),
and the files of the format that the engine of the app runs. The core verifies every file that it opens and
does not need the other formats, which would more than double the size of the assets.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from downloads import BuildError

ENGINES = {"tflite": "tensorflow-lite", "onnx": "onnxruntime"}
"""The engine of the app for each format, by its name in manifests."""
_ALWAYS = ("manifest.json", "manifest.sha256")


def assets_of(bundle: Path, folder: str, task: str, form: str) -> dict[str, bytes]:
    """The files of ``bundle`` with the format ``form`` for the assets ``folder``, by their names in the APK.

    BuildError if the bundle is missing, damaged, for another task, takes user ids, or has no artifact that
    the engine for this format can run.
    """
    if not (bundle / "manifest.json").is_file():
        raise BuildError(f"{bundle}: expected a bundle, found none; try: make demo")
    manifest = json.loads((bundle / "manifest.json").read_bytes())
    _check(bundle, manifest, task)
    files = {name: (bundle / name).read_bytes() for name in _ALWAYS}
    for entry in [*manifest["files"], *_artifact(bundle, manifest, form)["files"]]:
        files[entry["path"]] = _verified(bundle, entry)
    return {f"assets/{folder}/{name}": content for name, content in files.items()}


def _check(bundle: Path, manifest: dict[str, Any], task: str) -> None:
    if manifest.get("task") != task:
        raise BuildError(f"{bundle}: expected a bundle for {task}, found {manifest.get('task')!r}")
    if "users" in manifest.get("ids", {}):
        raise BuildError(
            f'{bundle}: takes user ids, but the app needs a history; build a bundle with model = "history"'
        )


def _artifact(bundle: Path, manifest: dict[str, Any], form: str) -> dict[str, Any]:
    for artifact in manifest["artifacts"]:
        if artifact["format"] == form and any(item["name"] == ENGINES[form] for item in artifact["engines"]):
            found: dict[str, Any] = artifact
            return found
    raise BuildError(f"{bundle}: expected a {form} artifact for {ENGINES[form]}, found none; export it again")


def _verified(bundle: Path, entry: dict[str, Any]) -> bytes:
    content: bytes
    try:
        content = (bundle / entry["path"]).read_bytes()
    except OSError as error:
        raise BuildError(
            f"{bundle / entry['path']}: cannot be read: {error.strerror}; export it again"
        ) from error
    if hashlib.sha256(content).hexdigest() != entry["sha256"]:
        raise BuildError(f"{bundle / entry['path']}: not the file that was exported; export it again")
    return content


__all__ = ["ENGINES", "assets_of"]
