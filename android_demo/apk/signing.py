"""Signs an APK with a debug key that is made for it and thrown away.

The key proves nothing but that the file was not changed after: an APK for other people wants a key of
its owner's, kept somewhere safe, and `apksigner sign` by hand.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path

from tools import run

_SUBJECT = "CN=hanji debug, O=throw-away key"
_ALIAS = "debug"


def sign(unsigned: Path, target: Path, min_sdk: int) -> None:
    """Write ``unsigned``, signed, to ``target`` (schemes v2 and v3; v1 is for Android before 7)."""
    with tempfile.TemporaryDirectory() as folder:
        keys = Path(folder) / "debug.p12"
        word = Path(folder) / "word"
        word.touch(mode=0o600)
        word.write_text(secrets.token_hex(16))
        _make_key(keys, word)
        options = ["--ks", str(keys), "--ks-key-alias", _ALIAS, "--ks-pass", f"file:{word}"]
        schemes = [
            "--v1-signing-enabled",
            "false",
            "--v2-signing-enabled",
            "true",
            "--v4-signing-enabled",
            "false",
        ]
        minimum = ["--min-sdk-version", str(min_sdk)]
        run(["apksigner", "sign", *options, *schemes, *minimum, "--out", str(target), str(unsigned)])


def _make_key(keys: Path, word: Path) -> None:
    store = ["-keystore", str(keys), "-storetype", "PKCS12", "-storepass:file", str(word)]
    kind = ["-alias", _ALIAS, "-keyalg", "RSA", "-keysize", "2048", "-validity", "10000", "-dname", _SUBJECT]
    run(["keytool", "-genkeypair", "-noprompt", *store, *kind])
