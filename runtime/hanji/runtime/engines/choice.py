"""Chooses an engine for a bundle: what is installed, and what the manifest says it can run.

Nothing falls back in silence: an engine that was asked for by name is used or refused, and "auto"
decides by versions alone, before an engine is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hanji.runtime.engines.base import Engine
from hanji.runtime.engines.versions import installed_version, is_at_least
from hanji.runtime.errors import EngineError
from hanji.runtime.manifest import Artifact, Manifest


@dataclass(frozen=True)
class EngineKind:
    """An engine this runtime knows, the extra that installs it, and the version which that ends before."""

    name: str
    distribution: str
    extra: str
    end: str


ENGINE_KINDS = (
    EngineKind("litert", "ai-edge-litert", "litert", "3"),
    EngineKind("onnxruntime", "onnxruntime", "onnx", "1.29"),
)
"""In the order in which "auto" prefers them."""


@dataclass(frozen=True)
class Choice:
    """An engine that can run an artifact of the bundle."""

    kind: EngineKind
    version: str
    artifact: Artifact


@dataclass(frozen=True)
class Refusal:
    """An engine that cannot, why, and what to try."""

    kind: EngineKind
    reason: str


def consider(manifest: Manifest, kind: EngineKind) -> Choice | Refusal:
    """Whether the engine can run an artifact of the bundle, by what is installed and what it requires."""
    for artifact in manifest.artifacts:
        for requirement in artifact.engines:
            if requirement.name == kind.name:
                return _consider_version(kind, artifact, requirement.oldest_version)
    known = ", ".join(f"{artifact.format} for {artifact.engines[0].name}" for artifact in manifest.artifacts)
    return Refusal(kind, f"{kind.name}: the bundle holds no artifact for it, only {known}")


def _consider_version(kind: EngineKind, artifact: Artifact, oldest: str) -> Choice | Refusal:
    version = installed_version(kind.distribution)
    if version is None:
        missing = f"{kind.name}: {kind.distribution} is not installed"
        return Refusal(kind, f"{missing}; try: pip install 'hanji-runtime[{kind.extra}]'")
    if not is_at_least(version, oldest):
        found = f"{kind.name}: this model needs {kind.distribution} {oldest} or newer, found {version}"
        return Refusal(kind, f"{found}; try: pip install '{kind.distribution}>={oldest},<{kind.end}'")
    return Choice(kind, version, artifact)


def choose(manifest: Manifest, engine: str) -> Choice:
    """The engine to use: the one named ``engine``, or the first possible one for "auto".

    Raises EngineError with the reason of every refusal and what to install.
    """
    kinds = [kind for kind in ENGINE_KINDS if engine in ("auto", kind.name)]
    if not kinds:
        names = ", ".join(kind.name for kind in ENGINE_KINDS)
        raise EngineError(f"engine: expected auto, {names}, found {engine!r}")
    answers = [consider(manifest, kind) for kind in kinds]
    for answer in answers:
        if isinstance(answer, Choice):
            return answer
    reasons = [answer.reason for answer in answers if isinstance(answer, Refusal)]
    what = "no engine can" if engine == "auto" else f"engine {engine!r} cannot"
    raise EngineError(f"{what} run this bundle: {'; or '.join(reasons)}")


def create_engine(choice: Choice, contents: Mapping[str, bytes], *, threads: int) -> Engine:
    """The chosen engine, holding the artifact whose verified files are ``contents`` by path."""
    try:
        if choice.kind.name == "litert":
            from hanji.runtime.engines.litert import LiteRtEngine

            return LiteRtEngine(choice.artifact, contents, version=choice.version, threads=threads)
        from hanji.runtime.engines.onnxruntime import OnnxRuntimeEngine

        return OnnxRuntimeEngine(choice.artifact, contents, version=choice.version, threads=threads)
    except ImportError as error:
        raise EngineError(
            f"{choice.kind.name}: {choice.kind.distribution} {choice.version} is installed "
            f"and cannot be imported: {error}; "
            f"try: pip install --force-reinstall 'hanji-runtime[{choice.kind.extra}]'"
        ) from error
