"""Studies: comparisons of many recipes on one model and data set, and searches under a budget.

from hanji.studies import compare, read_study

comparison = compare(read_study(Path("study.toml")), data=None, out=Path("out/study"))
"""

from __future__ import annotations

import lazy_loader

# __init__.pyi lists the public names and their modules; each module is imported on first use.
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
