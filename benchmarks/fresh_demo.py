"""`make demo` in a fresh clone with an empty environment, twice.

    python benchmarks/fresh_demo.py

Clones HEAD into a temporary directory with a new home directory, so that no existing files are used, not even
the package cache; the second run reuses the files of the first.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from common import save, target_line

ROOT = Path(__file__).parents[1]
PASSED_ON = (
    "PATH",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "NODE_EXTRA_CA_CERTS",
)  # the certificates are needed behind a proxy


def main() -> None:
    with tempfile.TemporaryDirectory() as directory:
        clone, home = Path(directory, "hanji"), Path(directory, "home")
        home.mkdir()
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        environment = {name: os.environ[name] for name in PASSED_ON if name in os.environ} | {
            "HOME": str(home)
        }
        first, second = (timed(clone, environment) for _ in range(2))
    save("fresh-demo", {"first_seconds": first, "second_seconds": second})
    print(target_line("make demo on a fresh machine, seconds", first, 360, at_most=True))
    print(target_line("make demo again, seconds", second, 120, at_most=True))


def timed(clone: Path, environment: dict[str, str]) -> float:
    """Seconds of one `make demo`."""
    start = time.monotonic()
    subprocess.run(["make", "demo"], cwd=clone, env=environment, check=True)
    return round(time.monotonic() - start, 1)


if __name__ == "__main__":
    main()
