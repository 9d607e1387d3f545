"""The ways to call a model, as this runtime expects them."""

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
    """EngineError unless it is there and, of a recommender, takes int32 indices and gives float32 numbers.

    What "classify" takes and gives was checked with the manifest.
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
            f"signature {name!r} of the {artifact.format} artifact: expected {', '.join(expected)} in and "
            f"float32 out, found {', '.join(found)} in and {output} out"
        )
