"""The sizes of a bundle's formats, and its hashes."""

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
    """Raw and gzipped bytes of each format, parameters, non-zeros and hashes, ready for JSON.

    Bytes are those of the model file that a device loads; of TF.js, of all its files. ``network`` is the
    Keras model that was exported: its non-zeros are counted, so weights that only quantization rounds to zero
    count as non-zero.
    """
    content = open_bundle(bundle)
    manifest = content.manifest
    return {
        "formats": {artifact.format: _bytes(bundle, artifact) for artifact in manifest.artifacts},
        "parameters": manifest.model.parameters,
        "non_zeros": sum(int(np.count_nonzero(weights.numpy())) for weights in network.trainable_weights),
        "precision": manifest.artifacts[0].precision,
        "manifest_sha256": content.manifest_sha256,
        "bundle_sha256": _sha256(bundle),
    }


def _bytes(bundle: Path, artifact: Artifact) -> dict[str, int]:
    name = MODEL_FILES.get(artifact.format)
    paths = [name] if name else [file.path for file in artifact.files]
    contents = [(bundle / path).read_bytes() for path in paths]
    compressed = [len(gzip.compress(content, 9, mtime=0)) for content in contents]
    return {"bytes": sum(map(len, contents)), "gzip_bytes": sum(compressed)}


def _sha256(bundle: Path) -> str:
    """Hash of all files and their paths, equal if two runs produced the same bundle."""
    digest = hashlib.sha256()
    for path in sorted(path for path in bundle.rglob("*") if path.is_file()):
        digest.update(path.relative_to(bundle).as_posix().encode() + b"\0")
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()


__all__ = ["costs_of"]
