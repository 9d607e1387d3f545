"""The evaluator in a separate process, so that a crash of a converter fails only one recipe.

    python -m hanji.studies.search.worker SETUP.json

reads one request per line from stdin and writes one line of JSON per response to its original stdout; output
of libraries goes to stderr. One process serves many recipes, because starting TensorFlow takes seconds.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import IO, Any

from hanji.studies.search.evaluator import DETERMINISTIC_ERRORS, Built, Evaluator, Finished, Shape
from hanji.studies.search.setup import Setup
from hanji.studies.variant import Variant
from hanji.training.errors import HanjiError, RecipeError
from hanji.training.files import write_text_atomic

_CLOSING_S = 10.0


class WorkerError(HanjiError):
    """The process ended without a response; the error may not recur."""


class Worker:
    """An Evaluator in a separate process, which is started on first use and again after a crash."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.terminate()
            self._wait(self._process)

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """See Evaluator."""
        shapes = self._call("shapes", [_as_json(variant) for variant in variants])
        return [shape if isinstance(shape, str) else Shape(**shape) for shape in shapes]

    def untrained_bytes(self, shape: Variant) -> int:
        """See Evaluator."""
        return int(self._call("untrained_bytes", _as_json(shape)))

    def untrained_ms(self, shape: Variant) -> float:
        """See Evaluator."""
        return float(self._call("untrained_ms", _as_json(shape)))

    def build(self, variant: Variant, resume_from: Variant | None) -> Built:
        """See Evaluator."""
        return Built(**self._call("built", _as_json(variant), resume_from and _as_json(resume_from)))

    def finish(self, winner: Variant) -> Finished:
        """See Evaluator."""
        return Finished(**self._call("finished", _as_json(winner)))

    def _call(self, method: str, *arguments: Any) -> Any:
        process = self._process or self._start()
        if process.stdin is None or process.stdout is None:
            raise WorkerError("the worker process has no pipes; run the command again")
        try:
            process.stdin.write(json.dumps([method, *arguments]) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._wait(process)) from None
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise WorkerError(self._wait(process))
        response = json.loads(line)
        if "crash" in response:
            self._wait(process)
            raise WorkerError(response["crash"])
        if "error" in response:
            raise (RecipeError if response["lasting"] else HanjiError)(response["error"])
        return response["found"]

    def _start(self) -> subprocess.Popen[str]:
        self._setup.work.mkdir(parents=True, exist_ok=True)
        request = self._setup.work / "setup.json"
        write_text_atomic(request, json.dumps(self._setup.as_json()) + "\n")
        self._process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "hanji.studies.search.worker", str(request)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        return self._process

    def _wait(self, process: subprocess.Popen[str]) -> str:
        """Wait for the process to end; returns how it ended, for an error message."""
        self._process = None
        try:
            code = process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code >= 0:
            return f"the worker process ended with exit code {code}"
        memory = ", possibly out of memory" if -code == signal.SIGKILL else ""
        name = signal.Signals(-code).name
        return f"the worker process was terminated by signal {-code} ({name}){memory}"


def serve(open_evaluator: Callable[[], Evaluator], requests: IO[str], responses: IO[str]) -> None:
    """Respond to requests until the stream ends; errors other than HanjiError end the process.

    The evaluator is opened by the first request, so that data that cannot be read is reported in a response.
    """
    evaluator: Evaluator | None = None
    for line in requests:
        method, *arguments = json.loads(line)
        try:
            evaluator = evaluator or open_evaluator()
            response: dict[str, Any] = {"found": _methods(evaluator)[method](*arguments)}
        except HanjiError as error:
            response = {"error": str(error), "lasting": isinstance(error, DETERMINISTIC_ERRORS)}
        except MemoryError:
            response = {"crash": "not enough memory"}
        _send(responses, response)


def _methods(evaluator: Evaluator) -> dict[str, Callable[..., Any]]:
    return {
        "shapes": lambda variants: [
            shape if isinstance(shape, str) else asdict(shape)
            for shape in evaluator.shapes([*map(_variant, variants)])
        ],
        "untrained_bytes": lambda shape: evaluator.untrained_bytes(_variant(shape)),
        "untrained_ms": lambda shape: evaluator.untrained_ms(_variant(shape)),
        "built": lambda variant, resume_from: asdict(
            evaluator.build(_variant(variant), resume_from and _variant(resume_from))
        ),
        "finished": lambda winner: asdict(evaluator.finish(_variant(winner))),
    }


def _send(responses: IO[str], response: dict[str, Any]) -> None:
    responses.write(json.dumps(response) + "\n")
    responses.flush()


def _as_json(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "tables": list(variant.tables)}


def _variant(content: dict[str, Any]) -> Variant:
    return Variant(content["name"], tuple(content["tables"]))


def main() -> None:
    """Serve requests until stdin is closed; interruptions are handled by the parent process."""
    from hanji.training.progress import show_progress

    show_progress()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    responses = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    default_hook = sys.excepthook

    def report_crash(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        default_hook(kind, error, trace)
        _send(responses, {"crash": f"{kind.__name__}: {' '.join(str(error).split())[:300]}"})

    sys.excepthook = report_crash
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    from hanji.studies.search.local_evaluator import LocalEvaluator

    setup = Setup.from_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    serve(lambda: LocalEvaluator(setup), sys.stdin, responses)


if __name__ == "__main__":
    main()


__all__ = ["Worker", "WorkerError", "serve"]
