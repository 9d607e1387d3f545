"""The Python API as users run it: scripts without a line of output of their own, each with one task alone."""

from __future__ import annotations

import ast
import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "python_api.py"
LOADED = "import sys; print(*sorted(name for name in sys.modules if name.startswith('hanji.')))"

IMAGES = """
import numpy as np

from hanji.compression import ImageQuantize, ImageRecipe, Preprocessing, compress
from hanji.export import evaluate, export_bundle
from hanji.runtime import Classifier
from hanji.training import ImageDataset, ImageModelConfig, ImageTrainingConfig, train

rng = np.random.default_rng(0)
labels = np.arange(240) % 3
images = np.clip(rng.normal(60, 20, (240, 12, 12, 1)) + 60 * labels[:, None, None, None], 0, 255)
dataset = ImageDataset.from_arrays(images.astype(np.uint8), labels)
epochs = []
shape = dict(stem_channels=8, stem_stride=1, channels=(8,), blocks=(1,), strides=(2,))
training = ImageTrainingConfig(epochs=3, batch_size=32)
trained = train(dataset, ImageModelConfig("cnn", **shape), training, on_epoch=epochs.append)
assert [(end.epoch, end.epochs) for end in epochs] == [(1, 3), (2, 3), (3, 3)]
assert epochs[-1].loss > 0 and set(epochs[-1].validation) >= {"top1", "nll"}
recipe = ImageRecipe("small", (ImageQuantize("int8", calibration_images=50),))
export_bundle(compress(trained, recipe, dataset), "ours", replace=True)

import tf_keras as keras  # imported earlier, TensorFlow itself would print

own = keras.Sequential([keras.Input((12, 12, 1)), keras.layers.Conv2D(4, 3, 2), keras.layers.Flatten()])
own.add(keras.layers.Dense(3))
described = Preprocessing(scale=1 / 255)
export_bundle(compress(own, recipe, dataset, preprocessing=described), "theirs")
for bundle in ("ours", "theirs"):
    assert set(evaluate(bundle, dataset)) >= {"top1"}
    with Classifier.open(bundle) as classifier:
        assert len(classifier.classify(dataset.test.images[0], k=3)) == 3
"""


def run_script(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run Python code in ``folder``, with an environment that sets nothing of TensorFlow's."""
    quiet = {name: value for name, value in os.environ.items() if not name.startswith("TF_")}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True, check=False)


def test_the_example_runs_without_noise_and_without_classifiers(tmp_path: Path) -> None:
    done = run_script(f"exec(compile(open({str(EXAMPLE)!r}).read(), 'example', 'exec')); {LOADED}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    metrics, recommended, modules = done.stdout.splitlines()
    assert ast.literal_eval(metrics)["hr_at_10"] > 0.2
    # The history is of items 3 modulo 5, and so is nearly all that is liked together with them.
    assert sum(item % 5 == 3 for item in ast.literal_eval(recommended)) >= 4
    assert "hanji.training.recommenders.train" in modules
    assert ".classifiers" not in modules


def test_image_classifiers_run_without_noise_and_without_recommenders(tmp_path: Path) -> None:
    done = run_script(f"{IMAGES}\n{LOADED}", tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    (modules,) = done.stdout.splitlines()
    assert "hanji.training.classifiers.train" in modules
    assert ".recommenders" not in modules


def test_the_example_is_short() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    tree = ast.parse(text)
    code = tree.body[1:]  # without the docstring
    lines = {number for node in code for number in range(node.lineno, (node.end_lineno or 0) + 1)}
    modules = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    assert len(lines) <= 15
    assert len(modules) <= 4
