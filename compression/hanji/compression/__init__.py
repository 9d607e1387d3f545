"""Compression of trained models: distillation, pruning and quantization, one recipe of steps per task.

    from hanji.compression import Distil, Quantize, Recipe, compress

    recipe = Recipe("small", (Distil(embedding_size=32), Quantize("int8-qat")))
    compressed = compress(trained, recipe, dataset)

Importing it loads no TensorFlow.
"""

from __future__ import annotations

import lazy_loader

# __init__.pyi lists the public names and their modules; each module is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
