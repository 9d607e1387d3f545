"""Export: a compressed model becomes a bundle of TFLite, ONNX and TF.js files, each checked in its engine.

    from hanji.export import build, evaluate, export_bundle

    export_bundle(compressed, "out/bundle")
    metrics = evaluate("out/bundle", dataset)

``build`` runs every stage of a recipe file. Importing this package does not load TensorFlow.
"""

from __future__ import annotations

import lazy_loader

# __init__.pyi lists the exported names and their modules; each is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
