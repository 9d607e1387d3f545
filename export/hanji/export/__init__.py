"""Export: one compressed model as a bundle with TFLite, ONNX and TF.js, each checked in its engine.

    from hanji.export import build, evaluate, export_bundle

    export_bundle(compressed, "out/bundle")
    metrics = evaluate("out/bundle", dataset)

``build`` runs every stage by a recipe file. Importing it loads no TensorFlow.
"""

from __future__ import annotations

import lazy_loader

# What each name is and where it comes from is in __init__.pyi; it is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
