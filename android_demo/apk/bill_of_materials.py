"""The software bill of materials of an APK, in CycloneDX 1.6: https://cyclonedx.org/docs/1.6/json/"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from downloads import Download


def bill_of_materials(apk: Path, name: str, version: str, parts: Iterable[Download]) -> bytes:
    """JSON that names the APK and the packages of Maven Central whose code is in it."""
    application = {
        "type": "application",
        "name": name,
        "version": version,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(apk.read_bytes()).hexdigest()}],
    }
    table = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {"component": application},
        "components": [_component(part) for part in parts],
    }
    return (json.dumps(table, indent=2) + "\n").encode()


def _component(part: Download) -> dict[str, Any]:
    qualifiers = [f"classifier={part.classifier}"] if part.classifier else []
    qualifiers += [] if part.kind == "jar" else [f"type={part.kind}"]
    return {
        "type": "library",
        "group": part.group,
        "name": part.name,
        "version": part.version,
        "purl": f"pkg:maven/{part.group}/{part.name}@{part.version}"
        + "?" * bool(qualifiers)
        + "&".join(qualifiers),
        "hashes": [{"alg": "SHA-256", "content": part.sha256}],
    }


__all__ = ["bill_of_materials"]
