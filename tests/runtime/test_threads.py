"""One open bundle and many threads: the same answers bit for bit, a clean end, warm-up, and forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hanji.runtime import Classifier, HanjiError, Recommender

ENGINES = ["litert", "onnxruntime"]
THREADS, CALLS = 8, 150
Ask = Callable[[int], Any]


@pytest.fixture(params=["user", "history", "picture"])
def opened(request: pytest.FixtureRequest) -> Callable[[str], tuple[Any, Ask]]:
    """Opens a bundle with an engine; beside it a question for each number, answered in bytes and objects."""
    kind = request.param
    path = request.getfixturevalue(
        {"user": "bundle", "history": "history_bundle", "picture": "image_bundle"}[kind]
    )

    def of_users(recommender: Recommender) -> Ask:
        def ask(number: int) -> Any:
            user, items = 100 + number % 20, [5000 + number % 30, 5001]
            pairs = recommender.score_pairs([user, user], items)
            return recommender.scores(user).tobytes(), pairs.tobytes(), recommender.recommend(user, 5)

        return ask

    def of_histories(recommender: Recommender) -> Ask:
        def ask(number: int) -> Any:
            history = [5000 + (number + 7 * step) % 30 for step in range(1 + number % 9)]
            scores = recommender.scores(history=history).tobytes()
            return scores, recommender.recommend(history=history, k=4, explain=2)

        return ask

    def of_images(classifier: Classifier) -> Ask:
        def ask(number: int) -> Any:
            shape = (6 + number % 5, 5 + number % 3, 3)
            image_input = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
            return classifier.probabilities(image_input).tobytes(), classifier.classify(image_input, 3)

        return ask

    def open_one(engine: str) -> tuple[Any, Ask]:
        if kind == "picture":
            classifier = Classifier.open(path, engine=engine)
            return classifier, of_images(classifier)
        recommender = Recommender.open(path, engine=engine)
        return recommender, (of_users if kind == "user" else of_histories)(recommender)

    return open_one


@pytest.mark.parametrize("engine", ENGINES)
def test_threads_get_the_answers_of_one(opened: Callable[[str], tuple[Any, Ask]], engine: str) -> None:
    session, ask = opened(engine)
    with session:
        alone = [ask(number) for number in range(CALLS)]
        together = threading.Barrier(THREADS)

        def work(thread: int) -> list[int]:
            together.wait()
            order = np.random.default_rng(thread).permutation(CALLS).tolist()
            return [number for number in order if ask(number) != alone[number]]

        with ThreadPoolExecutor(THREADS) as pool:
            wrong = [number for found in pool.map(work, range(THREADS)) for number in found]
    assert wrong == []


@pytest.mark.parametrize("engine", ENGINES)
def test_closing_while_others_ask(opened: Callable[[str], tuple[Any, Ask]], engine: str) -> None:
    session, ask = opened(engine)
    expected = ask(0)
    asked = threading.Semaphore(0)

    def work(_: int) -> tuple[bool, str]:
        right = True
        while True:
            try:
                right = right and ask(0) == expected
            except HanjiError as error:
                return right, str(error)
            asked.release()

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(work, range(4))
        for _ in range(40):
            asked.acquire()
        session.close()
        session.close()
        answers = list(found)
    assert answers == [(True, f"this {type(session).__name__} is closed; open the bundle again")] * 4


def test_the_first_image_files_may_come_in_several_threads(image_bundle: Path, tmp_path: Path) -> None:
    """Pillow is imported by the first of them, while the others look whether it is there."""
    pillow = pytest.importorskip("PIL.Image")
    path = tmp_path / "grey.png"
    pillow.new("L", (9, 9), 77).save(path)
    program = (
        "import sys, threading; from concurrent.futures import ThreadPoolExecutor\n"
        "from hanji.runtime import Classifier\n"
        "classifier, start = Classifier.open(sys.argv[1], engine='onnxruntime'), threading.Barrier(12)\n"
        "def ask(_): start.wait(); return classifier.classify(sys.argv[2])\n"
        "with ThreadPoolExecutor(12) as pool: assert len(set(pool.map(ask, range(12)))) == 1"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", program, str(image_bundle), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr


class Counted:
    """An engine that counts what it is asked."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def run(self, signature: str, inputs: dict[str, Any]) -> Any:
        self.asked.append((signature, inputs))
        return self.engine.run(signature, inputs)


@pytest.mark.parametrize("engine", ENGINES)
def test_warm_up(opened: Callable[[str], tuple[Any, Ask]], engine: str) -> None:
    session, ask = opened(engine)
    expected = ask(3)
    session._engine = counted = Counted(session._engine)
    assert session.warm_up() is None
    signatures = [signature for signature, _ in counted.asked]
    assert sorted(signatures) == sorted(session.artifact.signatures)
    session.warm_up(runs=3)
    assert len(counted.asked) == 4 * len(signatures)
    assert ask(3) == expected
    with pytest.raises(HanjiError, match="warm_up: expected 1 run or more, found 0"):
        session.warm_up(0)
    session.close()
    with pytest.raises(HanjiError, match="is closed"):
        session.warm_up()


@pytest.fixture
def fork() -> Iterator[Callable[[Callable[[], None]], int]]:
    """Runs something in a fork; its exit code, negative for a signal, such as the one that ends a hang."""
    if not hasattr(os, "fork"):
        pytest.skip("this system has no fork")

    def run(child: Callable[[], None]) -> int:
        process = os.fork()
        if process == 0:
            signal.alarm(20)
            code = 1
            try:
                child()
                code = 0
            finally:
                os._exit(code)
        return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])

    yield run


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fork_is_told_to_open_its_own(
    opened: Callable[[str], tuple[Any, Ask]], engine: str, fork: Callable[[Callable[[], None]], int]
) -> None:
    session, ask = opened(engine)
    expected = ask(1)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            ask(2)

    def child() -> None:
        with pytest.raises(
            HanjiError, match=r"opened before this process was forked.*open the bundle in the new"
        ):
            ask(1)
        session.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:  # the worker holds the engine's lock most of the time: a fork that asked would wait for ever
        assert [fork(child) for _ in range(5)] == [0] * 5
    finally:
        stop.set()
        worker.join()
    assert ask(1) == expected


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fork_may_open_one(
    opened: Callable[[str], tuple[Any, Ask]], engine: str, fork: Callable[[Callable[[], None]], int]
) -> None:
    _, ask = opened(engine)
    expected = ask(1)

    def child() -> None:
        _, own = opened(engine)
        assert own(1) == expected

    assert fork(child) == 0
