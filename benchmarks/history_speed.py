"""`recommend()` of a model that knows order, compared with an order-blind one of about as many bytes.

    python benchmarks/history_speed.py

Both have MovieLens-1M's number of items, random 4-bit rows (their values do not affect the time) and the
sizes of examples/movielens-1m-device.toml and examples/movielens-1m-order-blind.toml, and alternate in one
process.
"""

from __future__ import annotations

import tempfile
from contextlib import ExitStack
from pathlib import Path

from common import interleaved_us, parser, save, spread, target_line
from untrained import export_untrained

from hanji.runtime import Recommender

ITEMS = 3706
LENGTHS = (20, 165, 600)  # MovieLens-1M's mean is 165
ROUNDS = 7
TURNS = 200
MODELS = {
    "order": {
        "embedding_size": 72,
        "user_units": 48,
        "history_pooling": "timescales",
        "history_heads": 6,
    },
    "order-blind": {"embedding_size": 96, "user_units": 32, "history_pooling": "sum"},
}


def main() -> None:
    parser(__doc__).parse_args()
    result: dict[str, object] = {}
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        opened: dict[str, Recommender] = {}
        for name, sizes in MODELS.items():
            export_untrained(folder / name, ITEMS, "int4-rows", **sizes)
            opened[name] = stack.enter_context(Recommender.open(folder / name, engine="litert"))
            result[f"{name} bytes"] = (folder / name / "model.tflite").stat().st_size
        for length in LENGTHS:
            history = list(range(0, ITEMS, ITEMS // length))[:length]
            ratios = [ratio(opened, history) for _ in range(ROUNDS)]
            result[str(length)] = measured = spread(ratios)
            line = target_line(f"{length} items, time ratio", measured["median"], 1.2, at_most=True)
            print(f"{line} [{measured['min']:.2f}, {measured['max']:.2f}]")
    print(result)
    save("history-speed", result)


def ratio(opened: dict[str, Recommender], history: list[int]) -> float:
    """The time of the model that knows order relative to the other one's, from alternating calls."""
    calls = {name: lambda each=each: each.recommend(history=history) for name, each in opened.items()}
    times = interleaved_us(calls, turns=TURNS)
    return times["order"] / times["order-blind"]


if __name__ == "__main__":
    main()
