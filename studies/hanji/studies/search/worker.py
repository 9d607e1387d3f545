"""The evaluator in a process of its own: a converter that crashes or takes all memory ends one recipe only.

    python -m hanji.studies.search.worker SETUP.json

reads one question a line on stdin and answers with a line of JSON on what was its stdout; whatever libraries
print goes to stderr. One process serves many recipes: starting TensorFlow anew would cost seconds each time.
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
    """The process ended before it had answered; another time it may not."""


class Worker:
    """An Evaluator in a process of its own, which is started when it is needed and again after a crash."""

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
            self._ended(self._process)

    def shapes(self, variants: Sequence[Variant]) -> list[Shape | str]:
        """See Evaluator."""
        found = self._ask("shapes", [_plain(variant) for variant in variants])
        return [one if isinstance(one, str) else Shape(**one) for one in found]

    def untrained_bytes(self, shape: Variant) -> int:
        """See Evaluator."""
        return int(self._ask("untrained_bytes", _plain(shape)))

    def untrained_ms(self, shape: Variant) -> float:
        """See Evaluator."""
        return float(self._ask("untrained_ms", _plain(shape)))

    def built(self, variant: Variant, resume_from: Variant | None) -> Built:
        """See Evaluator."""
        return Built(**self._ask("built", _plain(variant), resume_from and _plain(resume_from)))

    def finished(self, winner: Variant) -> Finished:
        """See Evaluator."""
        return Finished(**self._ask("finished", _plain(winner)))

    def _ask(self, what: str, *about: Any) -> Any:
        process = self._process or self._started()
        if process.stdin is None or process.stdout is None:
            raise WorkerError("the process that carries recipes out has no pipes; run the command again")
        try:
            process.stdin.write(json.dumps([what, *about]) + "\n")
            process.stdin.flush()
        except BrokenPipeError:
            raise WorkerError(self._ended(process)) from None
        line = process.stdout.readline()
        if not line.endswith("\n"):
            raise WorkerError(self._ended(process))
        answer = json.loads(line)
        if "crash" in answer:
            self._ended(process)
            raise WorkerError(answer["crash"])
        if "error" in answer:
            raise (RecipeError if answer["lasting"] else HanjiError)(answer["error"])
        return answer["found"]

    def _started(self) -> subprocess.Popen[str]:
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

    def _ended(self, process: subprocess.Popen[str]) -> str:
        """Wait for the end; what a person can make of it."""
        self._process = None
        try:
            code = process.wait(_CLOSING_S)
        except subprocess.TimeoutExpired:
            process.kill()
            code = process.wait()
        if code >= 0:
            return f"its process ended with exit code {code}"
        memory = ": was there not enough memory?" if -code == signal.SIGKILL else ""
        return f"its process ended by signal {-code} ({signal.Signals(-code).name}){memory}"


def serve(open_bench: Callable[[], Evaluator], questions: IO[str], answers: IO[str]) -> None:
    """Answer until there are no more questions; anything but a HanjiError ends the process.

    The evaluator is opened by the first question: data that cannot be read are an answer, too.
    """
    evaluator: Evaluator | None = None
    for line in questions:
        what, *about = json.loads(line)
        try:
            evaluator = evaluator or open_bench()
            answer: dict[str, Any] = {"found": _answers(evaluator)[what](*about)}
        except HanjiError as error:
            answer = {"error": str(error), "lasting": isinstance(error, DETERMINISTIC_ERRORS)}
        except MemoryError:
            answer = {"crash": "not enough memory"}
        _say(answers, answer)


def _answers(evaluator: Evaluator) -> dict[str, Callable[..., Any]]:
    return {
        "shapes": lambda asked: [
            one if isinstance(one, str) else asdict(one) for one in evaluator.shapes([*map(_variant, asked)])
        ],
        "untrained_bytes": lambda asked: evaluator.untrained_bytes(_variant(asked)),
        "untrained_ms": lambda asked: evaluator.untrained_ms(_variant(asked)),
        "built": lambda asked, resume_from: asdict(
            evaluator.built(_variant(asked), resume_from and _variant(resume_from))
        ),
        "finished": lambda asked: asdict(evaluator.finished(_variant(asked))),
    }


def _say(answers: IO[str], answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _plain(variant: Variant) -> dict[str, Any]:
    return {"name": variant.name, "tables": list(variant.tables)}


def _variant(plain: dict[str, Any]) -> Variant:
    return Variant(plain["name"], tuple(plain["tables"]))


def main() -> None:
    """Ends with its stdin; the one who asks decides what an interruption means."""
    from hanji.training.progress import show_progress

    show_progress()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    show = sys.excepthook

    def crashed(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        show(kind, error, trace)
        _say(answers, {"crash": f"{kind.__name__}: {' '.join(str(error).split())[:300]}"})

    sys.excepthook = crashed
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    from hanji.studies.search.local_evaluator import LocalEvaluator

    setup = Setup.of_json(json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")))
    serve(lambda: LocalEvaluator(setup), sys.stdin, answers)


if __name__ == "__main__":
    main()


__all__ = ["Worker", "WorkerError", "serve"]
