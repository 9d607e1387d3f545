"""From a compressed model to a bundle on disk: convert, check, describe, write whole or not at all."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hanji.compression.compressed import CompressedModel
from hanji.export.answers import Answers, ask
from hanji.export.artifacts import Converted, convert, file_entry
from hanji.export.config import FORMATS, Format, check_unknown_user
from hanji.export.golden import golden_table, replay_tolerance
from hanji.export.json_files import json_bytes
from hanji.export.manifest import UNKNOWN_ITEM, UNKNOWN_USER, Policies, knows_no_users, manifest_table
from hanji.export.model_card import model_card
from hanji.export.parity import K, Measured, measured
from hanji.export.reference import Reference, reference
from hanji.export.tfjs_node import TfjsMissingError
from hanji.export.tolerances import TOLERANCES
from hanji.runtime.bundle import CHECKSUM, MANIFEST
from hanji.runtime.manifest import Artifact, Parity
from hanji.runtime.manifest_reader import parse_manifest
from hanji.training.data import Catalogue
from hanji.training.errors import RecipeError
from hanji.training.files import atomic_directory
from hanji.training.progress import tell


@dataclass(frozen=True)
class BundleSummary:
    """What was written: where, and the artifacts with their bytes and parity."""

    path: Path
    artifacts: tuple[Artifact, ...]

    def lines(self) -> list[str]:
        """The summary for a person, one line an artifact."""
        return [*map(_line, self.artifacts), f"The bundle is in {self.path}"]


def export_bundle(
    compressed: CompressedModel,
    out: Path,
    *,
    formats: Sequence[Format] = FORMATS,
    unknown_user: str = "popularity",
    unknown_item: str = "skip",
    replace: bool = False,
) -> BundleSummary:
    """Write ``compressed`` as a bundle, the directory ``out``.

    Every artifact is run in its real engine and held against the Keras model; only TF.js may go unchecked,
    where Node.js or its packages are missing; that is said aloud and stands in the manifest.
    ``unknown_user`` is "popularity" or "error", and for a history model left out; ``unknown_item`` is
    "skip" or "error".

    Raises RecipeError for an option that does not exist, ConversionError for an artifact that cannot be
    made or drifts past its tolerance, EngineError for a missing engine, HanjiError if ``out`` is taken
    (unless ``replace``) or cannot be written. Then nothing is left behind.
    """
    _check_options("formats", formats, FORMATS)
    _check_options("unknown_user", [unknown_user], UNKNOWN_USER)
    _check_options("unknown_item", [unknown_item], UNKNOWN_ITEM)
    check_unknown_user(unknown_user, knows_no_users=knows_no_users(compressed))
    with atomic_directory(out, replace=replace) as aside:
        catalogue = compressed.full.catalogue
        expected = reference(compressed.model, catalogue.users, catalogue.items)
        checked = [_checked(compressed, target, expected) for target in FORMATS if target in formats]
        _write(aside, _contents(compressed, expected, checked, Policies(unknown_user, unknown_item)))
    return BundleSummary(out, tuple(entry.converted.artifact for entry in checked))


@dataclass(frozen=True)
class _Checked:
    """An artifact with its parity, and what a device can replay where there was an engine to ask."""

    converted: Converted
    replay: tuple[Answers, float] | None


def _checked(compressed: CompressedModel, target: Format, expected: Reference) -> _Checked:
    converted = convert(compressed.model, expected.scores.shape[1], compressed.scheme, target)
    try:
        answers = ask(converted, expected.all_questions)
    except TfjsMissingError as error:
        tell(f"{target} is NOT checked in its engine: {error}")
        return _Checked(_with_parity(converted, Parity(checked=False, reason=str(error))), None)
    allowed = TOLERANCES[target][compressed.scheme]
    parity = measured(converted.artifact, expected, answers, allowed)
    tolerance = replay_tolerance(converted.artifact, expected, allowed)
    return _Checked(_with_parity(converted, parity), (answers, tolerance))


def _with_parity(converted: Converted, parity: Parity) -> Converted:
    artifact = dataclasses.replace(converted.artifact, parity=parity)
    return dataclasses.replace(converted, artifact=artifact)


def _contents(
    compressed: CompressedModel, expected: Reference, checked: Sequence[_Checked], policies: Policies
) -> dict[str, bytes]:
    """Every file of the bundle by its path, the manifest and its checksum last."""
    catalogue = compressed.full.catalogue
    artifacts = [entry.converted.artifact for entry in checked]
    replays = {entry.converted.artifact.format: entry.replay for entry in checked if entry.replay}
    users = {} if knows_no_users(compressed) else {"users.json": json_bytes({"ids": catalogue.user_ids})}
    data = {
        **users,
        "items.json": json_bytes(_items_table(catalogue)),
        "golden.json": json_bytes(golden_table(catalogue, expected, replays)),
        "MODEL_CARD.md": model_card(compressed, artifacts).encode(),
    }
    entries = [file_entry(path, content) for path, content in data.items()]
    manifest = json_bytes(manifest_table(compressed, artifacts, entries, policies), readable=True)
    parse_manifest(manifest)  # what cannot be read must not be written
    checksum = f"{hashlib.sha256(manifest).hexdigest()}  {MANIFEST}\n".encode()
    converted = {path: content for entry in checked for path, content in entry.converted.contents.items()}
    return {**converted, **data, MANIFEST: manifest, CHECKSUM: checksum}


def _items_table(catalogue: Catalogue) -> dict[str, object]:
    return {
        "ids": catalogue.item_ids,
        "titles": catalogue.titles,
        "genres": catalogue.genres,
        "popularity": catalogue.popularity,
    }


def _write(directory: Path, contents: Mapping[str, bytes]) -> None:
    for path, content in contents.items():
        target = directory / path
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)


def _line(artifact: Artifact) -> str:
    parity = artifact.parity
    found = f"NOT CHECKED in its engine: {parity.reason}"
    if isinstance(parity, Measured):
        found = (
            f"top-{K} overlap {parity.top10_overlap:.3f} (at least {parity.minimum_top10_overlap:g}), "
            f"typical difference {parity.typical_error:.2g} (at most {parity.typical_tolerance:.2g}) "
            f"in {parity.engine}"
        )
    return f"{artifact.format} {artifact.precision}, {artifact.bytes:,} bytes: {found}"


def _check_options(name: str, chosen: Sequence[str], known: Sequence[str]) -> None:
    unknown = [option for option in chosen if option not in known]
    if unknown or not chosen:
        found = ", ".join(unknown) or "none"
        raise RecipeError(f"{name}: expected some of {', '.join(known)}, found {found}")


__all__ = ["BundleSummary", "export_bundle"]
