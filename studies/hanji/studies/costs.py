"""What a bundle weighs, format by format."""

from __future__ import annotations

import gzip
import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hanji.export.bundle.artifact import MODEL_FILES
from hanji.runtime.bundle import open_bundle
from hanji.runtime.manifest import Artifact

if TYPE_CHECKING:
    import tf_keras as keras


def costs_of(bundle: Path, network: keras.Model) -> dict[str, Any]:
    """Raw and gzipped bytes of each format, parameters, non-zeros and the manifest's hash, ready for JSON.

    Bytes are those of the file that a device loads to answer; of TF.js, which has many, all together.
    ``network`` is the Keras model behind the bundle: non-zeros are counted in it, so what only the
    converter's rounding makes zero is not among them.
    """
    opened = open_bundle(bundle)
    manifest = opened.manifest
    return {
        "formats": {artifact.format: _bytes(bundle, artifact) for artifact in manifest.artifacts},
        "parameters": manifest.model.parameters,
        "non_zeros": sum(int(np.count_nonzero(weights.numpy())) for weights in network.trainable_weights),
        "precision": manifest.artifacts[0].precision,
        "manifest_sha256": opened.manifest_sha256,
        "bundle_sha256": _sha256(bundle),
    }


def _bytes(bundle: Path, artifact: Artifact) -> dict[str, int]:
    name = MODEL_FILES.get(artifact.format)
    paths = [name] if name else [file.path for file in artifact.files]
    contents = [(bundle / path).read_bytes() for path in paths]
    packed = [len(gzip.compress(content, 9, mtime=0)) for content in contents]
    return {"bytes": sum(map(len, contents)), "gzip_bytes": sum(packed)}


def _sha256(bundle: Path) -> str:
    """Of all files with their paths: whether two runs made the same bundle."""
    found = hashlib.sha256()
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        found.update(path.relative_to(bundle).as_posix().encode() + b"\0")
        found.update(hashlib.sha256(path.read_bytes()).digest())
    return found.hexdigest()


__all__ = ["costs_of"]
