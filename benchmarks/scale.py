"""Training at the size of real data: `hanji data prepare`, alternating least squares compared with implicit,
and time and memory of the classical models.

    python benchmarks/scale.py [--section prepare|als|classical|train|sampling|workers ...]

``prepare``: CSV files of 10 M rows with text ids and of 100 M rows with integer ids, under a memory limit.
``als``: one epoch with 64 factors on interactions of MovieLens-20M's shape, and the NDCG@10 after eight, in
turn with implicit's (conjugate gradients, its default), all cores. ``classical``: the models of `hanji
baselines` and the ensemble teacher, each fitted and evaluated in a process of its own, whose peak of resident
memory counts. ``train``: `hanji build` of whole data sets, and ``sampling``: sampled and exact softmax, see
scale_training. ``workers``: two workers and one process, see scale_workers. The interactions are synthetic:
users have tastes, and both users and items are skewed.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from common import parser, save, spread, target_line
from scale_training import SHAPES, sampling_section, train_section
from scale_workers import workers_section

USERS, ITEMS, INTERACTIONS = 138_493, 26_744, 20_000_000
FACTORS, ROUNDS, EPOCHS = 64, 3, 8
TASTES = 8
PIECE = 1 << 20
SIZES = ((2_000, 20_000, 100_000), (50_000, 20_000, 1_000_000), (5_200, 43_300, 60_000))
"""Users, items and interactions of the section ``classical``."""


@dataclass(frozen=True)
class Prepared:
    """A file of interactions to prepare, the memory limit, and the targets."""

    rows: int
    users: int
    items: int
    text_ids: bool
    memory: str
    most_seconds: float
    most_gigabytes: float


PREPARED = (
    Prepared(10_000_000, 500_000, 100_000, True, "2GB", 40, 2.0),
    Prepared(100_000_000, 1_000_000, 100_000, False, "4GB", 480, 4.0),
)

MODELS = ("popularity", "content", "user-neighbours", "item-neighbours", "ease", "als", "ensemble")


def main() -> None:
    options = parser(__doc__)
    options.add_argument(
        "--section",
        action="append",
        choices=("prepare", "als", "classical", "train", "sampling", "workers"),
    )
    options.add_argument(
        "--shape", action="append", choices=SHAPES, help="only these, of the section train; all if omitted"
    )
    options.add_argument("--scale", type=float, default=1.0, help="fraction of the sizes")
    options.add_argument("--fit", nargs=4, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.fit:
        print(json.dumps(fitted(args.fit[0], *map(int, args.fit[1:]))))
        return
    sections = {
        "prepare": lambda: save("scale-prepare", prepare_section(args.scale)),
        "als": lambda: save("scale-als", als_section(args.scale)),
        "classical": lambda: save("scale-classical", classical_section()),
        "train": lambda: train_section(drawn, args.shape),
        "sampling": lambda: save("scale-sampling", sampling_section(drawn)),
        "workers": lambda: save("scale-workers", workers_section()),
    }
    for name in args.section or sections:
        sections[name]()


def drawn(users: int, items: int, count: int, seed: int = 0):
    """``count`` interactions (users int32 [n], items int32 [n], times int64 [n]), made in pieces.

    Each user and each item occurs, as in real data.
    """
    rng = np.random.default_rng(seed)
    activity = np.cumsum(np.minimum(rng.pareto(1.3, users) + 0.2, 20.0))
    popularity = np.cumsum(1.0 / np.arange(1, items + 1) ** 0.9)
    order = rng.permutation(items)

    def users_of(number: int):
        return np.searchsorted(activity, rng.random(number) * activity[-1]).astype(np.int64)

    def items_of(user):
        rank = np.searchsorted(popularity, rng.random(len(user)) * popularity[-1])
        # Half of a user's items are of the user's own taste.
        own = rng.random(len(user)) < 0.5
        return order[np.where(own, (rank // TASTES * TASTES + user % TASTES) % items, rank)]

    owners = users_of(items)
    others = np.setdiff1d(np.arange(users), owners)
    each = np.concatenate([owners * items + np.arange(items), others * items + items_of(others)])
    pairs = np.zeros(0, np.int64)
    while len(pairs) < count:
        pieces = [users_of(PIECE) for _ in range(1 + (count - len(pairs)) // PIECE)]
        pairs = np.unique(np.concatenate([pairs, *(user * items + items_of(user) for user in pieces)]))
    more = rng.choice(np.setdiff1d(pairs, each), count - len(each), replace=False)
    pairs = np.sort(np.concatenate([each, more]))
    times = rng.integers(0, 1 << 30, count)
    return (pairs // items).astype(np.int32), (pairs % items).astype(np.int32), times


def prepare_section(scale: float) -> dict[str, object]:
    """Seconds and peak memory of `hanji data prepare`, in a process of its own."""
    rows = []
    for spec in PREPARED:
        with tempfile.TemporaryDirectory() as scratch:
            source, out = Path(scratch, "source"), Path(scratch, "out")
            source.mkdir()
            write_interactions(source / "log.csv", spec, scale)
            command = [Path(sys.executable).with_name("hanji"), "data", "prepare", source, "--out", out]
            start = time.perf_counter()
            process = subprocess.Popen(
                [*map(str, command), "--memory", spec.memory], stdout=subprocess.DEVNULL
            )
            _, status, usage = os.wait4(process.pid, 0)
            seconds, peak = time.perf_counter() - start, usage.ru_maxrss * 1024
            if status:
                sys.exit("hanji data prepare failed")
            row = {**vars(spec), "bytes": (source / "log.csv").stat().st_size}
            rows.append({**row, "seconds": seconds, "peak_bytes": peak})
        name = f"{int(spec.rows * scale):,} rows, {'text' if spec.text_ids else 'integer'} ids"
        print(target_line(f"{name}: seconds", seconds, spec.most_seconds, at_most=True))
        print(target_line(f"{name}: peak GB", peak / 1e9, spec.most_gigabytes, at_most=True))
    return {"rows": rows, "scale": scale}


def write_interactions(path: Path, spec: Prepared, scale: float) -> None:
    """A CSV file of skewed interactions with columns user_id, item_id and timestamp."""
    import duckdb

    users, items, rows = (max(int(count * scale), 100) for count in (spec.users, spec.items, spec.rows))
    ids = ("format('u{:08x}-c', u)", "format('SKU-{:07d}', i)") if spec.text_ids else ("u", "i")
    duckdb.sql(
        f"COPY (SELECT {ids[0]} AS user_id, {ids[1]} AS item_id, "
        "1500000000 + CAST(floor(random() * 1e8) AS INTEGER) AS timestamp FROM ("
        f"SELECT CAST(floor(pow(random(), 1.5) * {users}) AS INTEGER) AS u, "
        f"CAST(floor(pow(random(), 3) * {items}) AS INTEGER) AS i FROM range({rows}))) TO '{path}' (HEADER)"
    )


def als_section(scale: float) -> dict[str, object]:
    """Seconds per epoch and NDCG@10 of both implementations, in alternating rounds."""
    from implicit.cpu.als import AlternatingLeastSquares
    from scipy import sparse
    from threadpoolctl import threadpool_limits

    from hanji.training.recommenders.baselines.als import Als

    users, items = int(USERS * scale), int(ITEMS * scale)
    user, item, _ = drawn(users, items, int(INTERACTIONS * scale))
    train, held_out = split(user, item, users, items)
    weighted = sparse.csr_matrix(train)

    def ours(epochs: int):
        model = Als.fit(train, factors=FACTORS, epochs=epochs)
        return model.fold_in(train), model.items

    def rival(epochs: int):
        model = AlternatingLeastSquares(
            FACTORS, regularization=0.01, alpha=3.0, iterations=epochs, random_state=0
        )
        with threadpool_limits(1, "blas"):  # as it asks for
            model.fit(weighted, show_progress=False)
        return np.asarray(model.user_factors), np.asarray(model.item_factors)

    seconds: dict[str, list[float]] = {"hanji": [], "implicit": []}
    for _ in range(ROUNDS):
        for name, fit in (("hanji", ours), ("implicit", rival)):
            seconds[name].append(_seconds(lambda fit=fit: fit(2)) - _seconds(lambda fit=fit: fit(1)))
    ratios = [ours / theirs for ours, theirs in zip(seconds["hanji"], seconds["implicit"], strict=True)]
    quality = {name: ndcg(*fit(EPOCHS), held_out) for name, fit in (("hanji", ours), ("implicit", rival))}
    print(f"{train.nnz:,} interactions of {users:,} users × {items:,} items, {FACTORS} factors")
    print(f"seconds per epoch: {seconds}; NDCG@10 after {EPOCHS} epochs: {quality}")
    print(target_line("one epoch / implicit's", spread(ratios)["median"], 1.0, at_most=True))
    print(target_line("NDCG@10 / implicit's", quality["hanji"] / quality["implicit"], 1.0, at_most=False))
    return {
        "interactions": train.nnz,
        "users": users,
        "items": items,
        "factors": FACTORS,
        "seconds_per_epoch": {name: spread(values) for name, values in seconds.items()},
        "ratio": spread(ratios),
        "ndcg_at_10": quality,
        "peak_bytes": _peak_bytes(),
    }


def split(user, item, users: int, items: int):
    """The histories without one random item per user, and (users, items, 99 negatives) of 20,000 users."""
    from hanji.training.recommenders.baselines.histories import histories_of
    from hanji.training.recommenders.data.interactions import Interactions
    from hanji.training.recommenders.data.split import leave_out

    parts = leave_out(Interactions(user, item, None), np.arange(users), items, seed=0)
    some = np.random.default_rng(0).permutation(len(parts.test))[:20_000]
    candidates = np.concatenate([parts.test.items[some, None], parts.test.negatives[some]], axis=1)
    return histories_of(parts.train, users=users, items=items), (parts.test.users[some], candidates)


def ndcg(user_factors, item_factors, held_out) -> float:
    """NDCG@10 of the held-out item among its negatives."""
    from hanji.training.recommenders import metrics

    users, candidates = held_out
    scores = np.einsum("uf,ucf->uc", user_factors[users], item_factors[candidates])
    return metrics.ndcg(metrics.positive_ranks(scores, candidates))


def classical_section() -> dict[str, object]:
    """Seconds and peak memory of each model at each size."""
    rows = []
    for users, items, count in SIZES:
        for model in MODELS:
            command = [sys.executable, __file__, "--fit", model, str(users), str(items), str(count)]
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            rows.append({"model": model, **json.loads(done.stdout.splitlines()[-1])})
            row = rows[-1]
            print(
                f"{model:<16} {row['users']:,} × {row['items']:,}: {row['seconds']:.1f} s, "
                f"{row['peak_bytes'] / 1e9:.2f} GB above {row['data_bytes'] / 1e9:.2f} GB, "
                f"NDCG@10 {row['ndcg_at_10']:.4f}"
            )
    return {"rows": rows}


def fitted(name: str, users: int, items: int, count: int) -> dict[str, float]:
    """Time, memory and NDCG@10 of one model, in this process."""
    from hanji.training.recommenders.baselines.baselines import candidates
    from hanji.training.recommenders.baselines.ensemble import fit_ensemble
    from hanji.training.recommenders.baselines.histories import evaluate_scores, histories_of
    from hanji.training.recommenders.data import Dataset
    from hanji.training.recommenders.data.validation import train_validation_split

    user, item, time_of = drawn(users, items, count)
    dataset = Dataset.from_arrays(user, item, timestamps=time_of)
    catalogue = dataset.catalogue
    before, start = _peak_bytes(), time.monotonic()
    if name == "ensemble":
        scores = fit_ensemble(train_validation_split(dataset, 0), seed=0).scores
    else:
        train = histories_of(dataset.train, users=catalogue.users, items=catalogue.items)
        chosen = next(one for one in candidates(factors=FACTORS, seed=0) if one.name == name)
        scores = chosen.fit(train, catalogue).scores
    found = evaluate_scores(scores, dataset)
    return {
        "users": catalogue.users,
        "items": catalogue.items,
        "interactions": len(dataset.train),
        "seconds": time.monotonic() - start,
        "data_bytes": before,
        "peak_bytes": _peak_bytes() - before,
        "ndcg_at_10": found["ndcg_at_10"],
    }


def _seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


if __name__ == "__main__":
    main()
