"""`import hanji.runtime` compared with `import numpy`, in alternating processes.

    python benchmarks/import_time.py

The result is the median over the rounds of the ratio of wall times, after subtracting the time of an empty
program from both.
"""

from __future__ import annotations

import subprocess
import sys
import time

from common import save, spread, target_line

PAIRS = 41


def seconds(code: str) -> float:
    """Wall time of one interpreter that runs ``code``."""
    start = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - start


def main() -> None:
    for code in ("pass", "import numpy", "import hanji.runtime"):
        seconds(code)  # fills the file cache
    rounds = [
        (seconds("pass"), seconds("import numpy"), seconds("import hanji.runtime")) for _ in range(PAIRS)
    ]
    whole = spread([runtime / numpy for _, numpy, runtime in rounds])
    alone = spread([(runtime - empty) / (numpy - empty) for empty, numpy, runtime in rounds])
    save("import-time", {"pairs": PAIRS, "whole_process_ratio": whole, "import_alone_ratio": alone})
    print(
        target_line("import hanji.runtime / import numpy, imports alone", alone["median"], 1.2, at_most=True)
    )
    print(f"whole processes: {whole['median']:.3f} [{whole['min']:.3f}, {whole['max']:.3f}]")


if __name__ == "__main__":
    main()
