"""Training on a server: data, models and metrics of recommenders and image classifiers.

    from hanji.training import Dataset, load_dataset, train

    dataset = Dataset.from_arrays(users, items, timestamps=times)
    trained = train(dataset)

Importing this package does not load TensorFlow. Progress is logged to the logger ``hanji``;
``show_progress()`` prints it to stderr.
"""

from __future__ import annotations

import os

import lazy_loader

# Must be set before TensorFlow is first imported; its C++ code logs to stderr otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# __init__.pyi lists the public names and their modules; each is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
