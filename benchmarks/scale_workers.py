"""The section ``workers`` of scale.py: two workers compared with one process.

Each process has one core of its own and one thread. Both fit the same history model in alternating rounds,
and reach the same metrics. The seconds of an epoch include its validation. CPU seconds are those of the
chief: they depend less on other load, but leave out what it waits for the other worker.

    python benchmarks/scale.py --section workers
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from itertools import pairwise

from common import spread, target_line

SIZE = (10_000, 10_000, 200_000)
"""Users, items and interactions."""

CASES = {"exact softmax": None, "4,096 sampled items": 4_096}
EPOCHS, BATCH, ROUNDS = 5, 512, 3
SPEED_UP, SAME = 1.7, 1e-3


def workers_section(rounds: int = ROUNDS) -> dict[str, object]:
    """The speed-up of two workers, and the differences of their metrics from those of one process."""
    found = {name: compared(sampled, rounds) for name, sampled in CASES.items()}
    for name, row in found.items():
        print(f"{name}: speed-up {row['speed_up']}, ratio of CPU seconds {row['cpu_ratio']}")
        print(target_line(f"{name}: speed-up", row["speed_up"]["median"], SPEED_UP, at_most=False))
        print(target_line(f"{name}: difference of a metric", row["difference"], SAME, at_most=True))
    return {
        "size": SIZE,
        "batch_size": BATCH,
        "epochs": EPOCHS,
        "cases": found,
    }


def compared(sampled: int | None, rounds: int) -> dict[str, object]:
    """An epoch with one process and with two, in alternating rounds, and the metrics."""
    if len(os.sched_getaffinity(0)) < 2:
        sys.exit("the section workers needs two cores")
    cores = sorted(os.sched_getaffinity(0))[:2]
    runs = [(fitted(cores[:1], sampled), fitted(cores, sampled)) for _ in range(rounds)]
    one, two = runs[-1]
    differences = [abs(two["metrics"][name] - value) for name, value in one["metrics"].items()]
    return {
        "runs": runs,
        "speed_up": spread([one["seconds"] / two["seconds"] for one, two in runs]),
        "cpu_ratio": spread([one["cpu_seconds"] / two["cpu_seconds"] for one, two in runs]),
        "difference": max(differences),
    }


def fitted(cores: list[int], sampled: int | None) -> dict[str, object]:
    """What the chief of one worker on each of the ``cores`` measures."""
    from hanji.training.cluster.environment import tf_config
    from hanji.training.cluster.launcher import free_addresses

    addresses = free_addresses(len(cores))
    threads = ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS", "OMP_NUM_THREADS")
    processes = [
        subprocess.Popen(
            [sys.executable, __file__, str(core), str(sampled or 0)],
            env=os.environ | dict.fromkeys(threads, "1") | {"TF_CONFIG": tf_config(addresses, index)},
            stdout=subprocess.PIPE,
            text=True,
        )
        for index, core in enumerate(cores)
    ]
    outputs = [process.communicate()[0] for process in processes]
    if any(process.returncode for process in processes):
        sys.exit("a worker failed")
    return json.loads(outputs[0].splitlines()[-1])


def main() -> None:
    """One worker: fit on the core in the arguments, and print the seconds of an epoch and the metrics."""
    core, sampled = map(int, sys.argv[1:])
    os.sched_setaffinity(0, {core})
    from hanji.training.quiet import import_tensorflow

    import_tensorflow()
    from scale import drawn

    from hanji.training import Dataset, ModelConfig, TrainingConfig, train

    users, items, times = drawn(*SIZE)
    dataset = Dataset.from_arrays(users, items, timestamps=times)
    model = ModelConfig(type="history", embedding_size=64, hidden_units=(), user_units=32)
    training = TrainingConfig(
        epochs=EPOCHS,
        batch_size=BATCH,
        pretraining_epochs=1,
        held_back=0.3,
        patience=EPOCHS,
        sampled_items=sampled or None,
    )
    ends: list[tuple[float, float]] = []
    trained = train(
        dataset,
        model,
        training,
        on_epoch=lambda _: ends.append((time.perf_counter(), time.process_time())),
    )
    seconds, cpu_seconds = (
        statistics.median(after - before for before, after in pairwise(clock))
        for clock in zip(*ends, strict=True)
    )
    print(json.dumps({"seconds": seconds, "cpu_seconds": cpu_seconds, "metrics": trained.metrics}))


if __name__ == "__main__":
    main()
