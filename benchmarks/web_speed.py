"""Latency of `recommend()` in Chromium, one thread: TF.js, LiteRT.js and onnxruntime-web.

    python benchmarks/web_speed.py [--rounds N] [--runs N] [--out DIR] [NAME=BUNDLE …]

NeuMF and NCF with a catalogue of MovieLens-1M's size (6,040 users, 3,706 items), in float32 and int8, and the
history model of `make demo`. The data is synthetic, and models are trained for only one epoch, since training
does not affect their speed. Bundles that are given are measured instead. The calls alternate, each model in
its own worker, in one page: web_demo/lab. Needs Node.js and Chromium; `npm ci` in web_demo installs the
other dependencies.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from common import parser, save, spread, target_line

ROOT = Path(__file__).parents[1]
WEB = ROOT / "web_demo"
OUT = ROOT / "out" / "benchmark-web-speed"
HANJI = Path(sys.executable).with_name("hanji")
ROUNDS = 15
RUNS = 60
DATA = """
[data]
format = "synthetic"
synthetic_users = 6040
synthetic_order = 0.0
synthetic_items = 3706
synthetic_interactions_per_user = 20

[training]
epochs = 1
batch_size = 16384
"""
# The full model and the student of examples/movielens-1m.toml, and the model of examples/ncf.toml.
MODELS = {
    "neumf-128": 'type = "neumf"\nembedding_size = 128\nmlp_embedding_size = 32\nhidden_units = [64, 32, 16]',
    "neumf-48": 'type = "neumf"\nembedding_size = 48\nmlp_embedding_size = 16\nhidden_units = [32, 16]',
    "ncf": 'type = "ncf"\nembedding_size = 32\nhidden_units = [128, 64, 32]\nbatch_normalization = true',
}
INT8 = '\n[[compression]]\ntype = "quantize"\nscheme = "int8"\n'
RECIPES = {
    "neumf-128-float32": (MODELS["neumf-128"], ""),
    "neumf-48-int8": (MODELS["neumf-48"], INT8),
    "ncf-float32": (MODELS["ncf"], ""),
    "ncf-int8": (MODELS["ncf"], INT8),
}
TARGETS_MS = {"tfjs": 10.0, "litert": 1.5}
ENGINES = {"tfjs": "TF.js wasm", "litert": "LiteRT.js", "onnxruntime": "onnxruntime-web"}


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=ROUNDS, help=f"interleaved rounds (default {ROUNDS})")
    options.add_argument("--runs", type=int, default=RUNS, help=f"calls per model and round (default {RUNS})")
    options.add_argument(
        "--out", type=Path, default=OUT, help="directory of the bundles, reused in later runs"
    )
    options.add_argument("bundles", nargs="*", metavar="NAME=BUNDLE", help="recommenders to measure instead")
    args = options.parse_args()
    given = {name: Path(path) for name, _, path in (each.partition("=") for each in args.bundles)}
    bundles = given or default_bundles(args.out)
    measured = in_chromium(bundles, args.rounds, args.runs)
    result: dict[str, object] = {
        "rounds": args.rounds,
        "runs": args.runs,
        "threads": 1,
        **{key: measured[key] for key in ("chromium", "node", "web_versions", "isolated")},
    }
    for name in bundles:
        result[name] = summary(name, measured["latencies"], bundles[name])
    save("web-speed-of-bundles" if given else "web-speed", result)


def default_bundles(out: Path) -> dict[str, Path]:
    return {name: bundle(name, out) for name in RECIPES} | {"history": ROOT / "out/demo/bundle"}


def bundle(name: str, out: Path) -> Path:
    """The bundle of a recipe, which is built if it does not exist yet."""
    path = out / name / "bundle"
    if not path.is_dir():
        model, compression = RECIPES[name]
        recipe = out / f"{name}.toml"
        out.mkdir(parents=True, exist_ok=True)
        recipe.write_text(
            f'name = "{name}"\nseed = 0\n{DATA}\n[model]\n{model}\n{compression}', encoding="utf-8"
        )
        subprocess.run([str(HANJI), "build", str(recipe), "--out", str(out / name)], check=True)
    return path


def in_chromium(bundles: dict[str, Path], rounds: int, runs: int) -> dict[str, Any]:
    """The results of web_demo/lab/measure.mjs: by model and engine, one latency per round."""
    for name in ("node", "npm"):
        if shutil.which(name) is None:
            sys.exit(f"{name} was not found; install Node.js 20.19 or newer")
    if not (WEB / "node_modules").is_dir():
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=WEB, check=True)
    arguments = [f"{name}={path.resolve()}" for name, path in bundles.items()]
    command = ["node", "lab/measure.mjs", str(rounds), str(runs), *arguments]
    done = subprocess.run(command, cwd=WEB, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    return measured


def summary(name: str, latencies: dict[str, list[dict[str, float]]], path: Path) -> dict[str, object]:
    """Milliseconds of each engine; prints whether they reach the targets."""
    result: dict[str, object] = {"items": item_count(path)}
    for engine, label in ENGINES.items():
        rounds = latencies[f"{name} {engine}"]
        calls, engine_calls = ([latency[key] for latency in rounds] for key in ("p50Ms", "engineP50Ms"))
        result[engine] = {"recommend_ms": spread(calls), "engine_ms": spread(engine_calls)}
        text = f"{name}, {label}: recommend() p50 in ms"
        median = spread(calls)["median"]
        target = TARGETS_MS.get(engine)
        print(target_line(text, median, target, at_most=True) if target else f"         {text}: {median:.4g}")
    return result


def item_count(path: Path) -> int:
    manifest = json.loads((path / "manifest.json").read_text(encoding="utf-8"))
    return int(manifest["ids"]["items"]["count"])


if __name__ == "__main__":
    main()
