"""One open bundle and many threads: bit-identical results, closing, warm-up, and forks."""

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
Query = Callable[[int], Any]


@pytest.fixture(params=["user", "history", "image"])
def opened(request: pytest.FixtureRequest) -> Callable[[str], tuple[Any, Query]]:
    """Opens a bundle with an engine; also returns a function that runs a deterministic query by number."""
    kind = request.param
    path = request.getfixturevalue(
        {"user": "bundle", "history": "history_bundle", "image": "image_bundle"}[kind]
    )

    def of_users(recommender: Recommender) -> Query:
        def query(number: int) -> Any:
            user, items = 100 + number % 20, [5000 + number % 30, 5001]
            pairs = recommender.score_pairs([user, user], items)
            return recommender.scores(user).tobytes(), pairs.tobytes(), recommender.recommend(user, 5)

        return query

    def of_histories(recommender: Recommender) -> Query:
        def query(number: int) -> Any:
            history = [5000 + (number + 7 * step) % 30 for step in range(1 + number % 9)]
            scores = recommender.scores(history=history).tobytes()
            return scores, recommender.recommend(history=history, k=4, explain=2)

        return query

    def of_images(classifier: Classifier) -> Query:
        def query(number: int) -> Any:
            shape = (6 + number % 5, 5 + number % 3, 3)
            image_input = np.random.default_rng(number).integers(0, 256, shape, np.uint8)
            return classifier.probabilities(image_input).tobytes(), classifier.classify(image_input, 3)

        return query

    def open_one(engine: str) -> tuple[Any, Query]:
        if kind == "image":
            classifier = Classifier.open(path, engine=engine)
            return classifier, of_images(classifier)
        recommender = Recommender.open(path, engine=engine)
        return recommender, (of_users if kind == "user" else of_histories)(recommender)

    return open_one


@pytest.mark.parametrize("engine", ENGINES)
def test_concurrent_results_equal_sequential_ones(
    opened: Callable[[str], tuple[Any, Query]], engine: str
) -> None:
    session, query = opened(engine)
    with session:
        expected = [query(number) for number in range(CALLS)]
        barrier = threading.Barrier(THREADS)

        def work(thread: int) -> list[int]:
            barrier.wait()
            order = np.random.default_rng(thread).permutation(CALLS).tolist()
            return [number for number in order if query(number) != expected[number]]

        with ThreadPoolExecutor(THREADS) as pool:
            wrong = [number for found in pool.map(work, range(THREADS)) for number in found]
    assert wrong == []


@pytest.mark.parametrize("engine", ENGINES)
def test_closing_during_calls(opened: Callable[[str], tuple[Any, Query]], engine: str) -> None:
    session, query = opened(engine)
    expected = query(0)
    completed = threading.Semaphore(0)

    def work(_: int) -> tuple[bool, str]:
        correct = True
        while True:
            try:
                correct = correct and query(0) == expected
            except HanjiError as error:
                return correct, str(error)
            completed.release()

    with ThreadPoolExecutor(4) as pool:
        found = pool.map(work, range(4))
        for _ in range(40):
            completed.acquire()
        session.close()
        session.close()
        outcomes = list(found)
    assert outcomes == [(True, f"this {type(session).__name__} is closed; open the bundle again")] * 4


def test_the_first_image_files_can_be_read_by_several_threads(image_bundle: Path, tmp_path: Path) -> None:
    """One thread imports Pillow while the others check whether it is imported."""
    pillow = pytest.importorskip("PIL.Image")
    path = tmp_path / "grey.png"
    pillow.new("L", (9, 9), 77).save(path)
    program = (
        "import sys, threading; from concurrent.futures import ThreadPoolExecutor\n"
        "from hanji.runtime import Classifier\n"
        "classifier, start = Classifier.open(sys.argv[1], engine='onnxruntime'), threading.Barrier(12)\n"
        "def classify(_): start.wait(); return classifier.classify(sys.argv[2])\n"
        "with ThreadPoolExecutor(12) as pool: assert len(set(pool.map(classify, range(12)))) == 1"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(3):
        command = [sys.executable, "-c", program, str(image_bundle), str(path)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
        assert done.returncode == 0, done.stderr


class RecordingEngine:
    """An engine that records its calls."""

    def __init__(self, engine: Any) -> None:
        self.engine = engine
        self.calls: list[tuple[str, dict[str, Any]]] = []

    def run(self, signature: str, inputs: dict[str, Any]) -> Any:
        self.calls.append((signature, inputs))
        return self.engine.run(signature, inputs)


@pytest.mark.parametrize("engine", ENGINES)
def test_warm_up(opened: Callable[[str], tuple[Any, Query]], engine: str) -> None:
    session, query = opened(engine)
    expected = query(3)
    session._engine = recorder = RecordingEngine(session._engine)
    assert session.warm_up() is None
    signatures = [signature for signature, _ in recorder.calls]
    assert sorted(signatures) == sorted(session.artifact.signatures)
    session.warm_up(runs=3)
    assert len(recorder.calls) == 4 * len(signatures)
    assert query(3) == expected
    with pytest.raises(HanjiError, match="warm_up: expected 1 run or more, found 0"):
        session.warm_up(0)
    session.close()
    with pytest.raises(HanjiError, match="is closed"):
        session.warm_up()


@pytest.fixture
def fork() -> Iterator[Callable[[Callable[[], None]], int]]:
    """Runs a function in a fork and returns the exit code; negative for a signal, such as the timeout's."""
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
def test_a_fork_cannot_use_the_parents_session(
    opened: Callable[[str], tuple[Any, Query]], engine: str, fork: Callable[[Callable[[], None]], int]
) -> None:
    session, query = opened(engine)
    expected = query(1)
    stop = threading.Event()

    def work() -> None:
        while not stop.is_set():
            query(2)

    def child() -> None:
        with pytest.raises(
            HanjiError, match=r"opened before this process was forked.*open the bundle in the new"
        ):
            query(1)
        session.close()

    worker = threading.Thread(target=work)
    worker.start()
    try:  # the worker mostly holds the engine's lock, on which a forked child would deadlock
        assert [fork(child) for _ in range(5)] == [0] * 5
    finally:
        stop.set()
        worker.join()
    assert query(1) == expected


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
@pytest.mark.parametrize("engine", ENGINES)
def test_a_fork_can_open_a_bundle(
    opened: Callable[[str], tuple[Any, Query]], engine: str, fork: Callable[[Callable[[], None]], int]
) -> None:
    _, query = opened(engine)
    expected = query(1)

    def child() -> None:
        _, run_query = opened(engine)
        assert run_query(1) == expected

    assert fork(child) == 0


def test_no_call_after_closing(onnx_history_bundle: Path, image_bundle: Path) -> None:
    recommender = Recommender.open(onnx_history_bundle)
    item, image = recommender.items.ids.values[0], np.zeros((8, 8), np.uint8)
    classifier = Classifier.open(image_bundle)
    for session in (recommender, classifier):
        session.close()
        session.close()
    for call in (
        lambda: recommender.recommend(history=[item]),
        lambda: recommender.recommend(history=[]),  # by popularity, without the engine
        lambda: recommender.scores(history=[item]),
        lambda: recommender.why([item], item),
        recommender.self_test,
        recommender.warm_up,
        lambda: recommender.placement,
        lambda: classifier.classify(image),
        lambda: classifier.classify_batch([image]),
        lambda: classifier.probabilities(image),
        classifier.self_test,
        lambda: classifier.placement,
    ):
        with pytest.raises(HanjiError, match="is closed; open the bundle again"):
            call()
