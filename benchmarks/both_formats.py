"""Real networks in both formats and in int8: an ONNX file as ONNX and TFLite, a Keras network three ways.

    hanji setup-onnx2tf
    python benchmarks/both_formats.py

The networks and images are those of ``published_models.py``. Each ONNX file becomes a float bundle and an
int8 bundle with both formats; the time is that of the engine, float and int8 alternating on one thread. Each
Keras network is quantized by `hanji compress` as it is, and as the float32 ``.onnx`` and ``.tflite`` files
that hanji exports of it; the agreement is that of the best class with the float bundle, on all images.
"""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
from builds import HANJI, ROOT
from common import interleaved_us, parser, save, target_line
from published_files import FILES
from published_models import CALIBRATION, KERAS, RECIPE, drawn, extracted

from hanji.runtime import Classifier

ENGINES = {"tflite": "litert", "onnx": "onnxruntime"}
RUNS = 40
MIN_SPEEDUP = 2.0
MAX_LOSS = 0.01
KERAS_NETWORKS = ("CIFAR-10, ResNet", "visual wake words, MobileNet")
ONNX_NETWORKS = tuple(name for name, file in FILES.items() if file.path.endswith(".onnx"))


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-published-models")
    options.add_argument("--models", nargs="+", default=[*ONNX_NETWORKS, *KERAS_NETWORKS])
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    result: dict[str, object] = {}
    for name in args.models:
        result[name] = measured(name, args.out)
        print(f"{name}: {json.dumps(result[name])}", flush=True)
    save("both-formats", result)


def measured(name: str, out: Path) -> dict[str, object]:
    """The row of one network."""
    file, folder = FILES[name], out / name.replace(" ", "-")
    folder.mkdir(exist_ok=True)
    model = extracted(file, out / "packages", folder)
    (folder / "preprocessing.toml").write_text(file.keys)
    (folder / "labels.txt").write_text("\n".join(file.labels))
    (folder / "int8.toml").write_text(RECIPE.format(scheme="int8") + f"calibration_images = {CALIBRATION}\n")
    images = drawn(file, folder / "images")
    return keras_row(name, model, images) if model.suffix in KERAS else onnx_row(name, model, images)


def onnx_row(name: str, model: Path, images: Path) -> dict[str, object]:
    """Sizes, agreement with the original file and times of both formats."""
    folder, both = model.parent, ["--formats", "onnx,tflite"]
    given = ["--labels", folder / "labels.txt", "--preprocessing", folder / "preprocessing.toml"]
    hanji("bundle", model, *given, *both, "--pictures", images, "--out", folder / "both")
    quantized(model, images, folder / "both-int8", *given, *both)
    row: dict[str, object] = {
        "side": json.loads((folder / "both/manifest.json").read_text())["picture"]["height"]
    }
    for scheme, bundle in (("float", folder / "both"), ("int8", folder / "both-int8")):
        artifacts = json.loads((bundle / "manifest.json").read_text())["artifacts"]
        row[scheme] = {
            each["format"]: {
                "bytes": sum(part["bytes"] for part in each["files"]),
                "agreement": each["parity"].get("top1_agreement", "identical file"),
            }
            for each in artifacts
        }
    shared = set(row["float"]) & set(row["int8"])  # type: ignore[call-overload]
    row["times"] = {each: times(folder, ENGINES[each], images) for each in sorted(shared)}
    for each, found in row["times"].items():  # type: ignore[attr-defined]
        print(target_line(f"{name}, {each}: float / int8", found["faster"], MIN_SPEEDUP, at_most=False))
    return row


def times(folder: Path, engine: str, images: Path) -> dict[str, float]:
    """Median microseconds of the engine in float and in int8."""
    path = next(images.rglob("*.png"))
    with (
        Classifier.open(folder / "both", engine=engine) as full,
        Classifier.open(folder / "both-int8", engine=engine) as small,
    ):
        calls = {"float": full.engine_call(path), "int8": small.engine_call(path)}
        found = interleaved_us(calls, turns=RUNS, warm_up=5)
    return {**found, "faster": found["float"] / found["int8"]}


def keras_row(name: str, model: Path, images: Path) -> dict[str, object]:
    """How often int8 names the class of the float bundle: quantized as Keras, as ONNX and as TFLite.

    A file that is refused, as too few answers stay the same, has the refusal instead.
    """
    folder = model.parent
    (folder / "float.toml").write_text('name = "float"\ntask = "image-classification"\n')
    given = ["--data", images, "--preprocessing", folder / "preprocessing.toml"]
    hanji("compress", model, "--recipe", folder / "float.toml", *given, "--out", folder / "float-compressed")
    hanji("export", folder / "float-compressed", "--out", folder / "both")
    (folder / "levels.toml").write_text("scale = 1.0\n")
    quantized(model, images, folder / "keras-int8", *given[2:], formats=["--formats", "tflite"])
    row: dict[str, object] = {"keras": agreement(folder, "keras", images)}
    for each in ENGINES:
        exported = folder / "both" / f"model.{each}"
        if not exported.exists():
            row[each] = "left out of the float bundle"
            continue
        try:
            quantized(exported, images, folder / f"{each}-int8", "--preprocessing", folder / "levels.toml")
        except subprocess.CalledProcessError as error:
            row[each] = error.stderr.strip().splitlines()[-1].replace(f"{folder}/", "")
            continue
        row[each] = found = agreement(folder, each, images)
        loss = row["keras"] - found  # type: ignore[operator]
        print(target_line(f"{name}, {each}: agreement below Keras", loss, MAX_LOSS, at_most=True))
    return {"int8 agreement": row}


def agreement(folder: Path, kind: str, images: Path) -> float:
    """The share of images with the best class of the float bundle."""
    with Classifier.open(folder / "both") as full, Classifier.open(folder / f"{kind}-int8") as small:
        paths = sorted(images.rglob("*.png"))
        same = [full.classify(path, 1)[0].index == small.classify(path, 1)[0].index for path in paths]
    return float(np.mean(same))


def quantized(
    model: Path, images: Path, bundle: Path, *given: object, formats: list[str] | None = None
) -> None:
    """Compress ``model`` to int8 and export the bundle."""
    recipe, out = images.with_name("int8.toml"), bundle.with_name(f"{bundle.name}-compressed")
    hanji("compress", model, "--recipe", recipe, "--data", images, *given, "--out", out)
    hanji("export", out, "--out", bundle, *(formats or []))


def hanji(*command: object) -> None:
    """Run a command, which has to succeed."""
    subprocess.run([str(part) for part in (HANJI, *command)], check=True, capture_output=True, text=True)


if __name__ == "__main__":
    main()
