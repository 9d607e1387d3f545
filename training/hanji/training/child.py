"""Runs native code that may crash, such as a converter, in a process of its own.

    python -m hanji.training.child MODULE:FUNCTION REQUEST RESPONSE

calls the function with the keyword arguments in the JSON file REQUEST. An error that it raises is written to
RESPONSE.
"""

from __future__ import annotations

import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hanji.training.errors import ConversionError, HanjiError


def call_in_child(function: str, arguments: Mapping[str, Any], *, what: str, hint: str) -> None:
    """Call ``function``, given as "module:name", in a new process; ``arguments`` must be ready for JSON.

    Its results must be files. Raises ConversionError with the message of a HanjiError that the function
    raises, and for a process that ends in any other way: ``what`` is the subject of that message ("the
    converter"), ``hint`` what to try.
    """
    with tempfile.TemporaryDirectory(prefix="hanji-child-") as directory:
        request, response = Path(directory, "request.json"), Path(directory, "response.json")
        request.write_text(json.dumps(arguments), encoding="utf-8")
        command = [sys.executable, "-m", "hanji.training.child", function, str(request), str(response)]
        environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
        done = subprocess.run(  # noqa: S603
            command, capture_output=True, text=True, check=False, env=environment
        )
        if response.exists():
            raise ConversionError(json.loads(response.read_text(encoding="utf-8")))
    if done.returncode:
        raise ConversionError(f"{what} {_ending(done.returncode, done.stderr)}; {hint}")


def _ending(code: int, stderr: str) -> str:
    if code < 0:
        return f"died of signal {-code} ({signal.strsignal(-code) or 'unknown'})".lower()
    lines = [line.strip() for line in stderr.splitlines() if line.strip()]
    return f"ended with exit code {code}: {lines[-1] if lines else 'nothing on stderr'}"


def main() -> None:
    """Call the function of the request; exit with 1 if it raises a HanjiError."""
    function, request, response = sys.argv[1:]
    module, _, name = function.partition(":")
    try:
        getattr(importlib.import_module(module), name)(
            **json.loads(Path(request).read_text(encoding="utf-8"))
        )
    except HanjiError as error:
        Path(response).write_text(json.dumps(str(error)), encoding="utf-8")
        sys.exit(1)


if __name__ == "__main__":
    main()


__all__ = ["call_in_child"]
