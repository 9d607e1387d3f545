"""Downloads from Maven Central, pinned by version and SHA-256.

Maven downloads the files, so that configured mirrors and proxies are used, and this module verifies them.
They are stored in the user's cache directory and verified again on each use.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.sax.saxutils import escape


class BuildError(Exception):
    """A requirement of the build is missing or a step failed; the message states what to try."""


@dataclass(frozen=True)
class Download:
    """A file of Maven Central; ``kind`` is its extension, "jar" or "aar", ``classifier`` its variant."""

    group: str
    name: str
    version: str
    sha256: str
    kind: str = "jar"
    classifier: str = ""

    @property
    def file_name(self) -> str:
        variant = f"-{self.classifier}" if self.classifier else ""
        return f"{self.name}-{self.version}{variant}.{self.kind}"


KOTLIN = "2.2.21"
KOTLIN_STDLIB = Download(
    "org.jetbrains.kotlin",
    "kotlin-stdlib",
    KOTLIN,
    "6558a3d233da56a20934b32159f9db5f86ed5816ef098f78a2c223dc6abb79dd",
)
KOTLIN_COMPILER = (
    Download(
        "org.jetbrains.kotlin",
        "kotlin-compiler-embeddable",
        KOTLIN,
        "9588fa696ac5507af764fd5660df6894185e12704ec1bc3f5cb772af4987f295",
    ),
    KOTLIN_STDLIB,
    Download(
        "org.jetbrains.kotlin",
        "kotlin-script-runtime",
        KOTLIN,
        "2b1519b427b514d1536c1b425674b03fe914af637924028e9959c6625442df51",
    ),
    Download(
        "org.jetbrains.kotlin",
        "kotlin-reflect",
        "1.6.10",
        "3277ac102ae17aad10a55abec75ff5696c8d109790396434b496e75087854203",
    ),
    Download(
        "org.jetbrains.kotlin",
        "kotlin-daemon-embeddable",
        KOTLIN,
        "91c0673c22e44b054ae0314d323860ebe1f3aff3f0ebc74fff82c4733dde09be",
    ),
    Download(
        "org.jetbrains.kotlinx",
        "kotlinx-coroutines-core-jvm",
        "1.8.0",
        "9860906a1937490bf5f3b06d2f0e10ef451e65b95b269f22daf68a3d1f5065c5",
    ),
    Download(
        "org.jetbrains",
        "annotations",
        "13.0",
        "ace2a10dc8e2d5fd34925ecac03e4988b2c0f851650c94b8cef49ba1bd111478",
    ),
)
"""The compiler and its dependencies; only the standard library is part of the APK."""

ONNXRUNTIME_JVM = Download(
    "com.microsoft.onnxruntime",
    "onnxruntime",
    "1.28.0",
    "3a9dc00bed7ee467ded8a257f99fc216570d385f8b06053570d33e9b5d7c7a37",
)
"""The desktop package, with the same Java API as the Android package; for tests."""
TFLITE = Download(
    "org.tensorflow",
    "tensorflow-lite",
    "2.16.1",
    "34b065817e294e7dd3569504e8b9454938ceae453b6a459da54d5f6e45d3c94e",
    "aar",
)
TFLITE_API = Download(
    "org.tensorflow",
    "tensorflow-lite-api",
    "2.16.1",
    "885b95bc9e47a4aa5cf8e71523aed9b05e397cfef1ea09773f13fea8b649fcee",
    "aar",
)
_JAVACPP = "1.5.13"
JAVACPP = Download(
    "org.bytedeco",
    "javacpp",
    _JAVACPP,
    "077f27d663cc928adce43e912a90ec06f97f92f120ca02d414735ae0fb1c743c",
)
"""The Java classes that the library below is called through."""
JAVACPP_TFLITE = Download(
    "org.bytedeco",
    "tensorflow-lite",
    f"2.20.0-{_JAVACPP}",
    "f6e60b78bf13754a005ce838dc607fc3923d27170ec4e0661d3cf066d8141643",
)
JAVACPP_TFLITE_LIBRARIES = {
    classifier: replace(JAVACPP_TFLITE, sha256=sha256, classifier=classifier)
    for classifier, sha256 in {
        "android-arm64": "78ae1c9b6ff3ad974428de25d935dbec33d3afae0095eeb555f871c26491bb03",
        "android-x86_64": "2245ade3b7f06365320109e8623f07fadd843b10b3b87a2377872a71b27d2242",
        "linux-x86_64": "9bba5aaa6c53a005404a3f1b4bc4789d2bb1ec3dbe17896829822c883832542b",
    }.items()
}
"""TensorFlow Lite's native library by system and processor; that for Linux is for tests."""
ANDROID_24 = Download(
    "org.robolectric",
    "android-all",
    "7.0.0_r1-robolectric-r1",
    "567bfa3cd3a8c9c5ca736bd86b3f90ff4d6a7ba333b9cfea6ff7d81924f90ce9",
)
"""Android 7.0, API 24, in place of the SDK's android.jar; most of java.* is missing and comes from a JDK."""
JUNIT = (
    Download("junit", "junit", "4.13.2", "8e495b634469d64fb8acfa3495a065cbacc8a0fff55ce1e31007be4c16dc57d3"),
    Download(
        "org.hamcrest",
        "hamcrest-core",
        "1.3",
        "66fdef91e9739348df7a096aa384a5685f4e875584cce89386a7a47251c4d8e9",
    ),
)

_MAVEN_PLUGIN = "3.6.1"


def cache_directory() -> Path:
    """The directory of downloads, which is kept between builds."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "hanji" / "android"


def fetched(downloads: Iterable[Download]) -> dict[Download, Path]:
    """Download missing files and return the paths of all; BuildError if a file is not available.

    Files with another SHA-256 than the pinned one are rejected, including cached ones.
    """
    cache = cache_directory()
    unique = list(dict.fromkeys(downloads))
    missing = [download for download in unique if not _is_cached(cache / download.file_name, download)]
    if missing:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as directory:
            _fetch(missing, Path(directory))
    return {download: cache / download.file_name for download in unique}


def _is_cached(path: Path, download: Download) -> bool:
    return path.is_file() and _sha256(path) == download.sha256


def _fetch(downloads: list[Download], directory: Path) -> None:
    """Download files to ``directory`` with Maven, verify them, and move them to the cache, its parent."""
    maven = shutil.which("mvn")
    if maven is None:
        raise BuildError("Maven, which downloads the jars, is not installed; try: apt-get install maven")
    project = directory / "pom.xml"
    project.write_text(_project(downloads, directory), encoding="utf-8")
    command = [maven, "--quiet", "--batch-mode", "--file", str(project), "dependency:copy"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode:
        reason = "\n".join(line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line)
        raise BuildError(f"Maven could not download the jars; check access to Maven Central\n{reason}")
    for download in downloads:
        found = directory / download.file_name
        digest = _sha256(found)
        if digest != download.sha256:
            raise BuildError(
                f"{download.group}:{download.name}:{download.version}: expected sha256 {download.sha256}, "
                f"found {digest}: not the file that was pinned in {Path(__file__).name}; remove it from "
                "Maven's local repository and try again"
            )
        found.replace(directory.parent / download.file_name)


def _project(downloads: list[Download], directory: Path) -> str:
    """A Maven project that only copies these files."""
    items = "".join(
        f"<artifactItem><groupId>{item.group}</groupId><artifactId>{item.name}</artifactId>"
        f"<version>{item.version}</version><type>{item.kind}</type>"
        + (f"<classifier>{item.classifier}</classifier>" if item.classifier else "")
        + "</artifactItem>"
        for item in downloads
    )
    return (
        '<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>'
        "<groupId>hanji</groupId><artifactId>downloads</artifactId><version>1</version>"
        "<packaging>pom</packaging><build><plugins><plugin><groupId>org.apache.maven.plugins</groupId>"
        f"<artifactId>maven-dependency-plugin</artifactId><version>{_MAVEN_PLUGIN}</version>"
        f"<configuration><outputDirectory>{escape(str(directory))}</outputDirectory>"
        f"<artifactItems>{items}</artifactItems></configuration></plugin></plugins></build></project>\n"
    )


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while block := stream.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


__all__ = [
    "ANDROID_24",
    "JAVACPP",
    "JAVACPP_TFLITE",
    "JAVACPP_TFLITE_LIBRARIES",
    "JUNIT",
    "KOTLIN",
    "KOTLIN_COMPILER",
    "KOTLIN_STDLIB",
    "ONNXRUNTIME_JVM",
    "TFLITE",
    "TFLITE_API",
    "BuildError",
    "Download",
    "cache_directory",
    "fetched",
]
