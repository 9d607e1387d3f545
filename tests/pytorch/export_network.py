"""Exports a small network with the code of docs/pytorch.md. Run by a Python that has PyTorch.

    python export_network.py CODE.py OUT

CODE.py is that code, for ``model`` and images of 32 × 24 pixels; OUT is a directory with images.npy, uint8
[n, 32, 24, 3]. Writes logits.onnx, softmax.onnx, and the network's own logits for the images into logits.npy.
"""

import sys
from os import chdir
from pathlib import Path

import numpy as np
import torch
from torch import nn

MEAN, STD = [0.485, 0.456, 0.406], [0.229, 0.224, 0.225]


def network() -> nn.Sequential:
    """Layers that exporters write in different ways: normalization, ReLU6, hard swish, pooling."""
    torch.manual_seed(0)
    made = nn.Sequential(
        nn.Conv2d(3, 8, 3, 2, 1, bias=False),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, 1, 1, groups=8),
        nn.ReLU6(),
        nn.Conv2d(8, 16, 1),
        nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(16, 3),
    )
    made[1].running_mean.normal_()
    made[1].running_var.uniform_(0.5, 2.0)
    made[-1].weight.data *= 20
    return made


def main(code: str, out: str) -> None:
    """Export the network with and without a softmax at its end."""
    source = compile(Path(code).read_text(), code, "exec")
    chdir(out)
    values = ((np.load("images.npy") / 255 - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2)
    made = network().eval()
    made[-1].bias.data -= answers(made, values).mean(0)  # no class wins everywhere
    np.save("logits.npy", answers(made, values).numpy())
    for name, model in (("softmax", nn.Sequential(made, nn.Softmax(1))), ("logits", made)):
        exec(source, {"model": model})  # noqa: S102
        Path("model.onnx").rename(f"{name}.onnx")


@torch.no_grad()
def answers(model: nn.Module, values: np.ndarray) -> torch.Tensor:
    """The outputs of a network for images float32 [n, 3, height, width]."""
    return model(torch.from_numpy(values.copy()))


if __name__ == "__main__":
    main(*sys.argv[1:])
