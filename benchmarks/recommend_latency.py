"""recommend() compared with the bare engine call of the same graph, interleaved in one run, one thread.

    python benchmarks/recommend_latency.py out/movielens-1m/bundle

Each round opens the bundle again and measures 2,000 alternating calls of each kind; the result is the median
over the rounds of the ratio of medians, with minimum and maximum.
"""

from __future__ import annotations

from pathlib import Path

from common import parser, save, spread, target_line

from hanji.export.recommenders.timing import benchmark

ROUNDS = 9
RUNS = 2000


def main() -> None:
    options = parser(__doc__)
    options.add_argument("bundle", type=Path)
    args = options.parse_args()
    result: dict[str, object] = {"rounds": ROUNDS, "runs": RUNS}
    for engine in ("litert", "onnxruntime"):
        reports = [benchmark(args.bundle, engine=engine, runs=RUNS) for _ in range(ROUNDS)]
        ratio = spread([report.p50_ratio for report in reports])
        result[engine] = {
            "items": reports[0].items,
            "precision": reports[0].precision,
            "p50_ratio": ratio,
            "recommend_p50_ms": spread([report.recommend.p50_ms for report in reports]),
            "engine_p50_ms": spread([report.engine_alone.p50_ms for report in reports]),
            "open_ms": spread([report.open_ms for report in reports]),
        }
        name = f"{engine}: recommend() p50 / engine p50 over {reports[0].items} items"
        print(
            target_line(name, ratio["median"], 1.2, at_most=True), f"[{ratio['min']:.3f}, {ratio['max']:.3f}]"
        )
    save("recommend-latency", result)


if __name__ == "__main__":
    main()
