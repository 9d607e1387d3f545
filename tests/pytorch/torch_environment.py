"""PyTorch in an environment of its own: a Python that has it, or Debian's packages, unpacked.

TORCH_PYTHON names a Python with torch (and what its exporter needs: onnx, onnxscript). Without it, Debian's
python3-torch and all that it depends on are unpacked into the user's cache, if HANJI_SET_UP_TORCH is set, as
`make pytorch` does: 250 MB to download, 1 GB on disk. Nothing is installed into the system.
"""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

import platformdirs

sys.path.insert(0, str(Path(__file__).parents[1] / "pi"))
from debian import RELEASE, MissingError, own_architecture, unpack

SECONDS = 300


@dataclass(frozen=True)
class Torch:
    """A Python that can import torch."""

    python: Path
    environment: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: object) -> str:
        """Run a Python program, which must succeed, and return its stdout."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        command = [str(self.python), *map(str, arguments)]
        environment = {**own, **self.environment}
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=SECONDS)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def find_torch() -> Torch:
    """The Python that TORCH_PYTHON names, or Debian's; MissingError without them."""
    if named := os.environ.get("TORCH_PYTHON"):
        return Torch(Path(named))
    root = platformdirs.user_cache_path("hanji-tests") / f"torch-{RELEASE}"
    if not root.is_dir():
        if not os.environ.get("HANJI_SET_UP_TORCH"):
            raise MissingError("PyTorch is not set up: `make pytorch`")
        root.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=root.parent) as staging:
            made = Path(staging)
            unpack(["python3-torch"], own_architecture(), made / "root", made / "apt")
            (made / "root").rename(root)
    return _debian(root)


def _debian(root: Path) -> Torch:
    (libraries,) = root.glob("usr/lib/*-linux-gnu")
    paths = [
        libraries,
        *(libraries / name for name in ("blas", "lapack")),
        root / "lib" / libraries.name,
        root / "usr/lib",
    ]
    environment = {
        "LD_LIBRARY_PATH": os.pathsep.join(map(str, paths)),
        "PYTHONHOME": str(root / "usr"),
        "PYTHONPATH": str(root / "usr/lib/python3/dist-packages"),
    }
    return Torch(root / "usr/bin/python3.11", environment)
