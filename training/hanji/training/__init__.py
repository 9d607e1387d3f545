"""Training on a server: data, models and metrics of recommenders and image classifiers.

    from hanji.training import Dataset, load_dataset, train

    dataset = Dataset.from_arrays(users, items, timestamps=times)
    trained = train(dataset)

Importing it loads no TensorFlow. Progress is logged by the logger ``hanji``; ``show_progress()`` shows it.
"""

from __future__ import annotations

import os

import lazy_loader

# Before TensorFlow is imported anywhere: its C++ side logs to stderr otherwise.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

# What each name is and where it comes from is in __init__.pyi; it is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
