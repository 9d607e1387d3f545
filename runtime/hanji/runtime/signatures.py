"""The model signatures that this runtime expects."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hanji.runtime.errors import EngineError

if TYPE_CHECKING:
    from hanji.runtime.manifest import Artifact

_INPUTS = {
    "catalogue": ["user"],
    "pairs": ["item", "user"],
    "history": ["history"],
    "why": ["history", "item"],
}


def check_signature(artifact: Artifact, name: str) -> None:
    """Raise EngineError unless the signature exists and, for a recommender, maps int32 indices to float32.

    The tensors of "classify" are checked when the manifest is read.
    """
    signature = artifact.signatures.get(name)
    if signature is None:
        raise EngineError(f"the {artifact.format} artifact has no signature {name!r}; export it again")
    if name == "classify":
        return
    expected = [f"int32 {tensor}" for tensor in _INPUTS[name]]
    found = sorted(f"{tensor.dtype} {tensor.name}" for tensor in signature.inputs)
    output = signature.outputs[0].dtype
    if found != expected or output != "float32":
        raise EngineError(
            f"signature {name!r} of the {artifact.format} artifact: expected inputs {', '.join(expected)} "
            f"and output float32, found inputs {', '.join(found)} and output {output}"
        )
