"""Tells systemd that a service is ready, alive or stopping: datagrams to the socket NOTIFY_SOCKET names."""

from __future__ import annotations

import logging
import os
import socket
import time

from hanji.runtime.errors import HanjiError


class ServiceManager:
    """systemd, or nobody: without NOTIFY_SOCKET (a unit of ``Type=notify`` has it) all does nothing."""

    def __init__(self) -> None:
        """HanjiError for a NOTIFY_SOCKET that nobody listens at."""
        self._socket: socket.socket | None = None
        address = os.environ.get("NOTIFY_SOCKET", "")
        if not address:
            return
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            connected.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError as error:
            connected.close()
            raise HanjiError(f"NOTIFY_SOCKET={address}: cannot be reached: {error.strerror}") from error
        self._socket = connected
        self._beat_every_s = _beat_every_s()
        self._beat_at = float("-inf")

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={' '.join(status.split())}")

    def beat(self) -> None:
        """The watchdog's sign of life, sent at most twice in the time that WatchdogSec= allows."""
        if self._socket is None or self._beat_every_s is None:
            return
        now = time.monotonic()
        if now - self._beat_at >= self._beat_every_s:
            self._beat_at = now
            self._send("WATCHDOG=1")

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self, text: str) -> None:
        if self._socket is None:
            return
        try:
            self._socket.send(text.encode())
        except OSError as error:
            # Whether the service may go on untold is for systemd to decide, by its watchdog.
            what = text.splitlines()[0]
            logging.getLogger("hanji.runtime").warning("systemd cannot be told %s: %s", what, error.strerror)


def _beat_every_s() -> float | None:
    """Half of what the watchdog allows, None if there is none or it is not meant for this process."""
    microseconds, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(microseconds) / 2e6


__all__ = ["ServiceManager"]
