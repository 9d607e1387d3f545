"""Downloads from Maven Central for the APK, besides those of the core; pinned like in ``downloads``."""

from __future__ import annotations

from downloads import Download

ONNXRUNTIME_ANDROID = Download(
    "com.microsoft.onnxruntime",
    "onnxruntime-android",
    "1.28.0",
    "f351a0638696f54b35184290dbc001d66daae17281ad0b548d2c70347d53b8a9",
    "aar",
)
"""ONNX Runtime for Android, in the version that the core is tested with; since 1.29 it has telemetry.

Maven Central returned 404 for it where this project is built, so the file has not been verified here: its
SHA-256 is the one that several public projects have pinned.
"""
ANDROID_NEWEST = Download(
    "org.robolectric",
    "android-all",
    "17-robolectric-16653203",
    "60f983b8bf180fa0790596c22a130c79ecf18b6d991b719de23100d4d6ff61a1",
)
"""Android 17, API 37, which the app is compiled and linked against."""
TARGET_SDK = 37
MIN_SDK = 24

R8 = Download(
    "com.android.tools",
    "r8",
    "8.7.18",
    "58366f77067207c39a17d469de7b05701d2877212a9c55201bcb0af43e59e903",
)
"""Android's compiler from class files to dex, which also shrinks; it is not part of the APK."""

__all__ = ["ANDROID_NEWEST", "MIN_SDK", "ONNXRUNTIME_ANDROID", "R8", "TARGET_SDK"]
