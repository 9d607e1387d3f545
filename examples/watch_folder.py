"""Sorts images into folders by their predicted class: watch_folder.py BUNDLE INBOX SORTED

Needs hanji-runtime with an engine and the extra ``image``. Stop it with Ctrl-C.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from hanji.runtime import Classifier, ImageError
from hanji.runtime.streams import every, folder


def main(bundle: str, inbox: str, sorted_into: str) -> None:
    # every() instead of latest(): no image is skipped, and waiting images remain on disk.
    with Classifier.open(bundle) as classifier, every(folder(inbox, existing=True)) as frames:
        for frame in frames:
            try:
                target = Path(sorted_into, classifier.classify(frame.image).best.label)
            except ImageError as error:
                sys.stderr.write(f"{error}\n")
                target = Path(sorted_into, "unreadable")
            target.mkdir(parents=True, exist_ok=True)
            shutil.move(Path(inbox, frame.name), target / frame.name)


if __name__ == "__main__":
    main(*sys.argv[1:4])
