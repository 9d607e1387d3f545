"""Top 10 for one history: hanji's recommend() compared with implicit's, interleaved in one run, one thread.

    python benchmarks/device_speed.py out/benchmark-next-item/device-seed-0/bundle

implicit (ALS, float32, with as many items and factors as the bundle's model) folds the same history in
(``recalculate_user=True``), the equivalent operation for a user who was not in the training data. Its latency
for a user with known factors is measured as well. Both exclude the items of the history. Histories have 165
items, the mean of MovieLens-1M.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read when numpy is imported

import numpy as np
from common import interleaved_us, parser, save, spread, target_line
from implicit.als import AlternatingLeastSquares
from scipy import sparse

from hanji.runtime import Recommender

ROUNDS = 9
RUNS = 500
LENGTH = 165


def main() -> None:
    options = parser(__doc__)
    options.add_argument("bundle", type=Path)
    args = options.parse_args()
    result: dict[str, object] = {"rounds": ROUNDS, "runs": RUNS, "length": LENGTH}
    for engine in ("litert", "onnxruntime"):
        with Recommender.open(args.bundle, engine=engine) as recommender:
            times = rounds(recommender, factors_of(recommender))
        result[engine] = {name: spread(values) for name, values in times.items()}
        for kind in ("folded_in", "known"):
            ratios = np.array(times["hanji_us"]) / np.array(times[f"implicit_{kind}_us"])
            ratio = spread(ratios.tolist())
            line = target_line(
                f"{engine}: recommend() / implicit, user {kind}", ratio["median"], 1.0, at_most=True
            )
            print(line, f"[{ratio['min']:.3f}, {ratio['max']:.3f}]")
            result[f"{engine}_over_implicit_{kind}"] = ratio
    save("device-speed", result)


def factors_of(recommender: Recommender) -> int:
    """The number of factors of the bundle's model, from its recipe."""
    steps = recommender.manifest.recipe.steps
    sizes = [step["embedding_size"] for step in steps if "embedding_size" in step]
    return int(str(sizes[-1]))


def rounds(recommender: Recommender, factors: int) -> dict[str, list[float]]:
    """Median microseconds per call, by round."""
    times: dict[str, list[float]] = {}
    rng = np.random.default_rng(0)
    ids = recommender.items.ids.values
    for number in range(ROUNDS):
        seen = np.sort(rng.choice(len(ids), LENGTH, replace=False))
        calls = implicit_calls(seen, len(ids), factors, number)
        history = [ids[index] for index in seen]
        calls["hanji_us"] = lambda history=history: recommender.recommend(history=history, k=10)
        for name, values in interleaved_us(calls, turns=RUNS, warm_up=20).items():
            times.setdefault(name, []).append(values)
    return times


def implicit_calls(seen: np.ndarray, items: int, factors: int, seed: int) -> dict[str, Callable[[], object]]:
    """implicit's recommend() with and without fold-in, with random factors, which do not affect the time."""
    rng = np.random.default_rng(seed)
    model = AlternatingLeastSquares(factors=factors, num_threads=1, use_gpu=False, random_state=seed)
    model.item_factors = rng.standard_normal((items, factors)).astype(np.float32)
    model.user_factors = rng.standard_normal((1, factors)).astype(np.float32)
    row = sparse.csr_matrix((np.ones(len(seen), np.float32), (np.zeros(len(seen), int), seen)), (1, items))
    return {
        "implicit_folded_in_us": lambda: model.recommend(0, row, N=10, recalculate_user=True),
        "implicit_known_us": lambda: model.recommend(0, row, N=10),
    }


if __name__ == "__main__":
    main()
