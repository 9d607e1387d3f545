"""Notifies systemd that a service is ready, alive or stopping, with datagrams to NOTIFY_SOCKET."""

from __future__ import annotations

import logging
import os
import socket
import time

from hanji.runtime.errors import HanjiError
from hanji.runtime.terminal import printable_line


class ServiceManager:
    """Notifications to systemd. All methods are no-ops without NOTIFY_SOCKET, set for ``Type=notify``."""

    def __init__(self) -> None:
        """Connect to NOTIFY_SOCKET; HanjiError if that fails."""
        self._socket: socket.socket | None = None
        address = os.environ.get("NOTIFY_SOCKET", "")
        if not address:
            return
        connected = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            connected.connect("\0" + address[1:] if address.startswith("@") else address)
        except OSError as error:
            connected.close()
            raise HanjiError(
                f"NOTIFY_SOCKET={address}: cannot be reached: {error.strerror or error}"
            ) from error
        connected.setblocking(False)  # a manager that does not read must not stop this process
        self._socket = connected
        self._watchdog_interval_s = _watchdog_interval_s()
        self._beat_at = float("-inf")

    def ready(self, status: str) -> None:
        self._send(f"READY=1\nSTATUS={printable_line(status)}")

    def beat(self) -> None:
        """Send a watchdog keep-alive, at most twice per WatchdogSec=."""
        if self._socket is None or self._watchdog_interval_s is None:
            return
        now = time.monotonic()
        if now - self._beat_at >= self._watchdog_interval_s:
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
            self._socket.send(text.encode(errors="replace"))
        except OSError as error:
            # Not fatal: if notifications keep failing, the watchdog of systemd decides.
            message = text.splitlines()[0]
            logger = logging.getLogger("hanji.runtime")
            logger.warning("cannot send %s to systemd: %s", message, error.strerror)


def _watchdog_interval_s() -> float | None:
    """Half the watchdog timeout; None if there is no watchdog, or not for this process."""
    microseconds, process = os.environ.get("WATCHDOG_USEC", ""), os.environ.get("WATCHDOG_PID", "")
    if not microseconds.isdecimal() or int(microseconds) == 0:
        return None
    if process and process != str(os.getpid()):
        return None
    return int(microseconds) / 2e6
