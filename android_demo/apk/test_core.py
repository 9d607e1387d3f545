"""Compiles the core for Android 7.0 and runs its tests on the local JVM.

    python android_demo/apk/test_core.py [--out DIR] [--bundles DIR] [--answers DIR]

``--bundles`` contains one bundle per folder, ``--answers`` the outputs of the Python runtime for them (see
tests/android); tests that need them are skipped otherwise.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core import CORE, compile_core, compile_tests, run_tests
from downloads import BuildError


def main() -> int:
    formatter = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=formatter)
    parser.add_argument("--out", type=Path, default=CORE.parents[1] / "out" / "android")
    parser.add_argument("--bundles", type=Path)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("tests", nargs="*", help="names of test classes (default: all)")
    arguments = parser.parse_args()
    out = arguments.out.resolve()
    given = {"hanji.bundles": arguments.bundles, "hanji.answers": arguments.answers}
    properties = {name: str(path.resolve()) for name, path in given.items() if path}
    try:
        core = compile_core(out)
        print(run_tests(out, [core], compile_tests(out, core), properties, arguments.tests))  # noqa: T201
    except BuildError as error:
        print(error, file=sys.stderr)  # noqa: T201
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
