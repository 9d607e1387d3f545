"""The sections of manifest.json that all tasks share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from hanji.export.formats.names import OLDEST_TFJS
from hanji.runtime import __version__
from hanji.runtime.engines.versions import installed_version
from hanji.runtime.manifest import Artifact, ImageData, TrainingData

if TYPE_CHECKING:
    import tf_keras as keras

_TOOLS = (
    "ai-edge-litert",
    "numpy",
    "onnx",
    "onnxruntime",
    "tensorflow",
    "tensorflow-model-optimization",
    "tf2onnx",
    "tf_keras",
)
_RANGES = ("min", "max", "optimizer_step")  # variables of quantization-aware training, not parameters


def parameters(model: keras.Model) -> int:
    """The parameter count of the model, excluding quantization ranges."""
    return sum(
        int(weight.shape.num_elements())
        for weight in model.weights
        if not weight.name.split("/")[-1].split(":")[0].endswith(_RANGES)
    )


def artifact_table(artifact: Artifact) -> dict[str, Any]:
    """The manifest entry of an artifact."""
    table = asdict(artifact)
    table["parity"] = {key: value for key, value in table["parity"].items() if value is not None}
    return table


def training_data_table(data: TrainingData | ImageData) -> dict[str, Any]:
    """The manifest section on the training data; an unknown content hash is left out."""
    table = asdict(data)
    return table if data.content else {key: value for key, value in table.items() if key != "content"}


def versions_of(artifacts: Sequence[Artifact]) -> dict[str, str]:
    """The versions of the tools that produced the bundle."""
    versions = {tool: installed_version(tool) for tool in _TOOLS}
    if any(artifact.format == "tfjs" and artifact.parity.checked for artifact in artifacts):
        versions["tfjs"] = OLDEST_TFJS
    return {"hanji": __version__, **{tool: version for tool, version in versions.items() if version}}


__all__ = ["artifact_table", "parameters", "training_data_table", "versions_of"]
