"""Sorts pictures into folders by what they show: watch_folder.py BUNDLE INBOX SORTED

Needs hanji-runtime with an engine and the extra ``image``. Ctrl-C ends it.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hanji.runtime import Classifier, ImageError
from hanji.runtime.streams import every, folder


def main(bundle: str, inbox: str, sorted_into: str) -> None:
    # every, not latest: each picture counts, and those that wait do so on the disk.
    with Classifier.open(bundle) as classifier, every(folder(inbox, existing=True)) as frames:
        for frame in frames:
            try:
                place = Path(sorted_into, classifier.classify(frame.image).best.label)
            except ImageError as error:
                sys.stderr.write(f"{error}\n")
                place = Path(sorted_into, "unreadable")
            place.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(inbox, frame.name), place / frame.name)


if __name__ == "__main__":
    main(*sys.argv[1:4])
