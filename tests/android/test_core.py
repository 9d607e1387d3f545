"""The core of android_demo: compiled for Android 7.0, and compared with the Python runtime on this JVM."""

from __future__ import annotations

import os
import re
import struct
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import ANDROID, BUILD, ROOT

CORE = ANDROID / "core" / "src"
SOURCES = sorted(CORE.rglob("*.kt"))
OUT = ROOT / "out" / "android"
MAX_LINE_LENGTH = 110
MAX_FILE_LINES = 300

# The Java classes that the core may use. All are in Android 7.0, which lacks java.nio.file, java.time and
# java.util.Base64. Android's own classes and networking are not allowed.
JAVA = (
    r"java/lang/\w+(\$\w+)?|java/lang/annotation/\w+|java/io/\w+|java/math/\w+|java/nio/\w*Buffer"
    r"|java/nio/ByteOrder|java/nio/charset/\w+|java/security/MessageDigest"
    r"|java/util/(Collection|Collections|Arrays|ArrayList|EnumSet|HashMap|HashSet|Iterator|LinkedHashMap"
    r"|LinkedHashSet|List|Map|Map\$Entry|Set|Locale|NoSuchElementException)"
)
ALLOWED = re.compile(rf"hanji/.*|kotlin/.*|ai/onnxruntime/.*|org/tensorflow/lite/.*|org/bytedeco/.*|{JAVA}")
MISSING_IN_ANDROID_7 = re.compile(r"java/lang/(invoke|module|ProcessHandle|StackWalker|Record)\b.*")

pytestmark = pytest.mark.timeout(1500)


@pytest.fixture(scope="module")
def junit_output(build_tools: None, bundles: Path, python_results: Path) -> str:
    """The output of the core's tests."""
    script = [sys.executable, str(BUILD / "test_core.py"), "--out", str(OUT)]
    done = subprocess.run(
        [*script, "--bundles", str(bundles), "--answers", str(python_results)],
        capture_output=True,
        text=True,
        timeout=1200,
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-8000:]
    return done.stdout


def test_the_core_passes_its_tests(junit_output: str) -> None:
    assert re.search(r"^OK \(\d+ tests\)", junit_output, re.MULTILINE), junit_output
    assert "I" not in re.findall(r"^[.IE]+", junit_output, re.MULTILINE)[0], "a test was skipped"


def test_the_core_uses_only_classes_of_android_7(junit_output: str) -> None:
    used = {name for path in (OUT / "core").rglob("*.class") for name in class_names(path.read_bytes())}
    assert len(used) > 100
    assert sorted(name for name in used if not ALLOWED.fullmatch(name)) == []
    assert sorted(name for name in used if MISSING_IN_ANDROID_7.fullmatch(name)) == []


def test_the_onnxruntime_of_the_tests_has_no_network_code(junit_output: str) -> None:
    code = "import downloads; print(*downloads.fetched([downloads.ONNXRUNTIME_JVM]).values())"
    environment = {**os.environ, "PYTHONPATH": str(BUILD)}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(done.stdout.strip()) as jar:
        libraries = [jar.read(name) for name in jar.namelist() if re.search(r"linux-.*\.so$", name)]
    assert libraries
    for content in libraries:
        assert not re.search(rb"\0(getaddrinfo|connect|socket|sendto)\0|events\.data\.", content)


def test_nothing_is_logged_or_sent() -> None:
    forbidden = re.compile(
        r"\b(println|System\.(out|err)|java\.net|java\.util\.logging|android\.|printStackTrace)"
    )
    for path in CORE.joinpath("main").rglob("*.kt"):
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


def test_lengths_of_files_and_lines() -> None:
    assert SOURCES
    for path in (*SOURCES, *BUILD.glob("*.py")):
        lines = path.read_text(encoding="utf-8").splitlines()
        assert len(lines) <= MAX_FILE_LINES, f"{path}: {len(lines)} lines"
        long = [number for number, line in enumerate(lines, 1) if len(line) > MAX_LINE_LENGTH]
        assert not long, f"{path}: longer than {MAX_LINE_LENGTH} characters: lines {long}"


def test_lengths_of_functions() -> None:
    for path in SOURCES:
        for name, length in function_lengths(path.read_text(encoding="utf-8")):
            assert length <= 60, f"{path}: {name} has {length} lines"


def test_downloads_with_another_hash_are_rejected(tmp_path: Path) -> None:
    maven = tmp_path / "bin" / "mvn"
    maven.parent.mkdir()
    # A fake Maven that writes other files to the output directory of the given project
    maven.write_text(
        "#!/bin/sh\nproject=$4\n"
        "to=$(sed -n 's/.*<outputDirectory>\\(.*\\)<\\/outputDirectory>.*/\\1/p' \"$project\")\n"
        'echo "another file" > "$to/hamcrest-core-1.3.jar"; echo "another file" > "$to/junit-4.13.2.jar"\n'
    )
    maven.chmod(0o755)
    code = "from downloads import *\ntry: fetched(JUNIT)\nexcept BuildError as error: print(error)"
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path), "PYTHONPATH": str(BUILD)}
    environment["PATH"] = f"{maven.parent}{os.pathsep}{os.environ['PATH']}"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "junit:junit:4.13.2: expected sha256 8e495b63" in done.stdout
    assert not list(tmp_path.rglob("*.jar"))


def class_names(content: bytes) -> Iterator[str]:
    """The classes that a .class file refers to, from its constant pool."""
    sizes = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4}
    texts: dict[int, str] = {}
    classes = []
    at, number, count = 10, 1, struct.unpack_from(">H", content, 8)[0]
    while number < count:
        kind = content[at]
        if kind == 1:
            length = struct.unpack_from(">H", content, at + 1)[0]
            texts[number] = content[at + 3 : at + 3 + length].decode(errors="replace")
            at += 3 + length
        else:
            if kind == 7:
                classes.append(struct.unpack_from(">H", content, at + 1)[0])
            at += 1 + sizes[kind]
        number += 2 if kind in (5, 6) else 1  # long and double take two entries
    for index in classes:
        name = re.sub(r"^\[+L?|;$", "", texts[index])
        if len(name) > 1:  # not an array of a primitive type
            yield name


def function_lengths(text: str) -> Iterator[tuple[str, int]]:
    """The name and number of lines of each function, which ends at the closing brace with its indentation."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        found = re.match(r"^( *)(?:[a-z]+ )*fun (?:<.*?> )?([\w.]+)\(", line)
        if found:
            closing = found[1] + "}"
            end = next((at for at in range(start + 1, len(lines)) if lines[at].rstrip() == closing), start)
            blank = next((at for at in range(start, len(lines)) if not lines[at].strip()), len(lines))
            yield found[2], (end if line.endswith("{") or end < blank else blank) - start + 1
