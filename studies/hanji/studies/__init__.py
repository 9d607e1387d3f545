"""Studies: many recipes on one model and one dataset, measured alike, and searches under a budget.

from hanji.studies import compare, read_study

compared = compare(read_study(Path("study.toml")), data=None, out=Path("out/study"))
"""

from __future__ import annotations

import lazy_loader

# What each name is and where it comes from is in __init__.pyi; it is imported when it is first used.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
