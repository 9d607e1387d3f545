"""Runs an exported TF.js model in Node, on the WebAssembly backend that browsers use.

TF.js is installed in the user's cache, in a directory named after the hash of the lock file that pins all
versions. Nothing is installed unless ``install_tfjs`` is called, as ``hanji setup-tfjs`` does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import platformdirs

from hanji.runtime.errors import EngineError
from hanji.training.errors import ConversionError, HanjiError
from hanji.training.files import atomic_directory

CHECK = Path(__file__).parent / "tfjs_check"
OLDEST_NODE = 18
SETUP = "hanji setup-tfjs"
_RUN_TIMEOUT_S = 600
_INSTALL_TIMEOUT_S = 1800


class TfjsMissingError(EngineError):
    """Node.js or the TF.js packages are not installed."""


_UNSUPPORTED = ("Unknown op", "not registered for backend")
"""What TF.js says about an operation that it, or its wasm backend, does not have."""


@dataclass(frozen=True)
class TfjsCall:
    """One execution of the graph: int32 arrays by input name, and the name of the output to compute."""

    feeds: Mapping[str, npt.NDArray[np.int32]]
    output: str


@dataclass(frozen=True)
class TfjsOutputs:
    """The outputs of the calls (flat float32 arrays), and the version of TF.js that computed them.

    ``milliseconds`` is the time of each call, including the transfer of its output.
    """

    version: str
    outputs: tuple[npt.NDArray[np.float32], ...]
    milliseconds: tuple[float, ...] = ()


@dataclass(frozen=True)
class TfjsNode:
    """A Node.js executable with TF.js; ``packages`` is the directory that contains ``node_modules``."""

    node: str
    packages: Path

    def run(self, files: Mapping[str, bytes], calls: Sequence[TfjsCall]) -> TfjsOutputs:
        """Load a graph model from its files, given by name, and execute the calls one after another.

        Raises ConversionError if TF.js rejects the model or a call.
        """
        with tempfile.TemporaryDirectory(prefix="hanji-tfjs-") as directory:
            for name, content in files.items():
                (Path(directory) / name).write_bytes(content)
            response = self._execute({"model": directory, "calls": [_as_json(call) for call in calls]})
        outputs = (np.frombuffer(base64.b64decode(text), "<f4") for text in response["outputs"])
        return TfjsOutputs(response["version"], tuple(outputs), tuple(response["milliseconds"]))

    def _execute(self, request: dict[str, Any]) -> dict[str, Any]:
        command = [self.node, str(CHECK / "run_model.mjs"), str(self.packages)]
        try:
            done = subprocess.run(  # noqa: S603 - our own script and the user's own Node
                command, input=json.dumps(request), capture_output=True, text=True, timeout=_RUN_TIMEOUT_S
            )
        except subprocess.TimeoutExpired:
            raise ConversionError(
                f"TF.js: expected Node to finish within {_RUN_TIMEOUT_S} s, found it still running; "
                "export without TF.js"
            ) from None
        if done.returncode != 0:
            raise ConversionError(
                f"TF.js: expected Node to run the model, but it failed: {(reason := _reason(done.stderr))}; "
                f"{_remedy(reason)}"
            )
        response: dict[str, Any] = json.loads(done.stdout)
        return response


def _remedy(reason: str) -> str:
    if any(sign in reason for sign in _UNSUPPORTED):
        return "TF.js cannot run this operation: export without it, --formats tflite,onnx"
    return f"try `{SETUP} --force`, or export without TF.js: --formats tflite,onnx"


def find_tfjs() -> TfjsNode:
    """Node.js with the installed packages; TfjsMissingError if either is missing."""
    node, packages = _find_node(), packages_directory()
    if not (packages / "node_modules").is_dir():
        raise TfjsMissingError(f"TF.js is not installed; run `{SETUP}` once")
    return TfjsNode(node, packages)


def packages_directory() -> Path:
    """The directory of the packages for the current lock file, whether or not they are installed."""
    lock = (CHECK / "package-lock.json").read_bytes()
    return platformdirs.user_cache_path("hanji") / f"tfjs-{hashlib.sha256(lock).hexdigest()[:16]}"


def install_tfjs() -> TfjsNode:
    """Install the locked packages with npm, atomically: in a temporary directory that is then renamed.

    Raises TfjsMissingError without Node.js or npm, HanjiError if npm fails.
    """
    node, npm = _find_node(), shutil.which("npm")
    if npm is None:
        raise TfjsMissingError("npm was not found on the PATH; it usually comes with Node.js; install both")
    packages = packages_directory()
    with atomic_directory(packages, replace=True) as staging:
        for name in ("package.json", "package-lock.json"):
            shutil.copyfile(CHECK / name, staging / name)
        _npm_ci(npm, staging)
    return TfjsNode(node, packages)


def _npm_ci(npm: str, directory: Path) -> None:
    command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
    try:
        done = subprocess.run(  # noqa: S603 - npm from the PATH, with fixed arguments
            command, cwd=directory, capture_output=True, text=True, timeout=_INSTALL_TIMEOUT_S
        )
    except subprocess.TimeoutExpired:
        raise HanjiError(
            f"npm ci did not finish within {_INSTALL_TIMEOUT_S} s; check the network and try again"
        ) from None
    if done.returncode != 0:
        raise HanjiError(
            f"npm ci failed: {_reason(done.stderr)}; check the network and the npm registry, then try again"
        )


def _find_node() -> str:
    node = shutil.which("node")
    if node is None:
        raise TfjsMissingError(
            f"Node.js was not found on the PATH; install Node.js {OLDEST_NODE} or newer, then run `{SETUP}`"
        )
    done = subprocess.run([node, "--version"], capture_output=True, text=True)  # noqa: S603 - Node from the PATH
    match = re.match(r"v(\d+)\.", done.stdout)
    if match is None or int(match[1]) < OLDEST_NODE:
        found = done.stdout.strip() or "no version"
        raise TfjsMissingError(
            f"expected Node.js {OLDEST_NODE} or newer, found {found} at {node}; install a newer one"
        )
    return node


def _as_json(call: TfjsCall) -> dict[str, Any]:
    feeds = {
        name: {"shape": values.shape, "data": base64.b64encode(values.astype("<i4").tobytes()).decode()}
        for name, values in call.feeds.items()
    }
    return {"feeds": feeds, "output": call.output}


def _reason(stderr: str) -> str:
    """The line of Node's or npm's output that states the error."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    errors = [line for line in lines if "error" in line.lower()]
    return (errors or lines or ["no error message"])[0]


__all__ = [
    "SETUP",
    "TfjsCall",
    "TfjsMissingError",
    "TfjsNode",
    "TfjsOutputs",
    "find_tfjs",
    "install_tfjs",
    "packages_directory",
]
