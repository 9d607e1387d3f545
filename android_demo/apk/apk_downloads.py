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

DX = Download(
    "com.jakewharton.android.repackaged",
    "dalvik-dx",
    "16.0.1",
    "1e4b645628e3bdb097b5331d669e177ef235a551582a8c646dbe36865e541907",
)
PROGUARD = (
    Download(
        "com.guardsquare",
        "proguard-base",
        "7.10.0",
        "022854eb4c6f4bd761b2e3ff19d832e98227ff498fd8fcc788b313f55810a555",
    ),
    Download(
        "com.guardsquare",
        "proguard-core",
        "9.4.0",
        "7af7c47c173711aca9edee7482ec27b33eb0a20345279d88022cb34f71710407",
    ),
    Download(
        "org.jetbrains.kotlin",
        "kotlin-stdlib",
        "2.4.0",
        "ccb14ff83fabcb11458b798dbc9824748ccdffeec79c9aba789e6ed1cda86b1c",
    ),
    Download(
        "org.jetbrains.kotlin",
        "kotlin-metadata-jvm",
        "2.4.0",
        "9aadc51c588e76c8cf3d83d4090e46a4b687f2edaa1fdf65aa9fe44223294927",
    ),
    Download(
        "com.google.code.gson",
        "gson",
        "2.11.0",
        "57928d6e5a6edeb2abd3770a8f95ba44dce45f3b23b7a9dc2b309c581552a78b",
    ),
    Download(
        "org.apache.logging.log4j",
        "log4j-api",
        "2.26.1",
        "f1810a4704ccce019d02bba029dc02a4f2ac0c997f647b465e7d409c1927f822",
    ),
    Download(
        "org.apache.logging.log4j",
        "log4j-core",
        "2.26.1",
        "2ec8c3bf5a6d7c89be8620116a2fc973f7dda1ad0261ad393c4d4726edfd3dcb",
    ),
    Download(
        "org.json",
        "json",
        "20231013",
        "0f18192df289114e17aa1a0d0a7f8372cc9f5c7e4f7e39adcf8906fe714fa7d3",
    ),
)
"""The shrinker and its dependencies; none of them is part of the APK."""

__all__ = ["ANDROID_NEWEST", "DX", "MIN_SDK", "ONNXRUNTIME_ANDROID", "PROGUARD", "TARGET_SDK"]
