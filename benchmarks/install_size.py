"""The installed size of `hanji-runtime[EXTRA]` on a Raspberry Pi, without numpy.

    python benchmarks/install_size.py

Installs the wheel of `make wheels` with each extra that has an engine for the board, on an emulated Pi
(tests/pi/emulated_pi.py), and sums the sizes of its files, with and without the bytecode that pip compiles.
numpy, which is always required, is not counted; 32-bit boards use Debian's package.
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

from common import parser, save, target_line

ROOT = Path(__file__).parents[1]
MAX_ADDED, MAX_WHEEL = 10_000_000, 150_000
INSTALLS = (("pi2", "tflite"), ("pi4", "litert"), ("pi4", "onnx"), ("pi4", "tflite"))


def main() -> None:
    parser(__doc__).parse_args()
    sys.path.insert(0, str(ROOT / "tests" / "pi"))
    from emulated_pi import set_up

    wheels = sorted((ROOT / "dist").glob("hanji_runtime-*.whl"))
    if not wheels:
        sys.exit("expected dist/hanji_runtime-*.whl; try: make wheels")
    results = {}
    for board, extra in INSTALLS:
        site = set_up(board).installed(extra, [f"hanji-runtime[{extra}]"])
        results[f"{board} {extra}"] = sizes(site)
        print(f"{board}, hanji-runtime[{extra}]: {results[f'{board} {extra}']}")
    wheel = wheels[-1].stat().st_size
    save("install-size", {"wheel_bytes": wheel, "added_bytes": results})
    added = results["pi2 tflite"]["with bytecode"]
    print(target_line("bytes of hanji-runtime[tflite] on a 32-bit Pi", added, MAX_ADDED, at_most=True))
    print(target_line("bytes of the wheel", wheel, MAX_WHEEL, at_most=True))


def sizes(site: Path) -> dict[str, int]:
    """Bytes of all files except numpy's: in total, without bytecode, and of the largest packages."""
    packages: Counter[str] = Counter()
    bytecode = 0
    for path in site.rglob("*"):
        package = path.relative_to(site).parts[0]
        if not path.is_file() or package.startswith((".made-of", "numpy")):
            continue
        packages[package] += path.stat().st_size
        bytecode += path.stat().st_size if path.suffix == ".pyc" else 0
    total = packages.total()
    return {"with bytecode": total, "without": total - bytecode, **dict(packages.most_common(3))}


if __name__ == "__main__":
    main()
