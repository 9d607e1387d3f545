"""Where the workers of a cluster wait for one another before TensorFlow connects them.

TensorFlow's chief waits for missing workers without end and without a word. Here, each worker reports to the
chief's address first, and whoever waits in vain says for whom.
"""

from __future__ import annotations

import contextlib
import os
import socket
import time

from hanji.training.cluster.environment import Cluster, host_and_port
from hanji.training.errors import HanjiError, RecipeError

VARIABLE = "HANJI_CLUSTER_TIMEOUT"
SECONDS = 600.0
_GREETING, _ANSWER = b"hanji worker ", b"begin\n"
_SECONDS_TO_GREET = 5.0  # something else than a worker may connect, such as a port scan
_SECONDS_BETWEEN_ATTEMPTS = 0.3


def meet(cluster: Cluster) -> None:
    """Return when all workers have arrived.

    HanjiError if that takes longer than HANJI_CLUSTER_TIMEOUT seconds, by default 600.
    """
    seconds = _patience()
    if cluster.is_chief:
        _receive(cluster, seconds)
    else:
        _report(cluster, seconds)


def _patience() -> float:
    text = os.environ.get(VARIABLE) or str(SECONDS)
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0.0 < seconds < float("inf"):
        raise RecipeError(
            f"the environment variable {VARIABLE}: expected a number of seconds, found {text!r}"
        )
    return seconds


def _receive(cluster: Cluster, seconds: float) -> None:
    """The chief: wait for the greeting of each other worker, then answer all."""
    missing, deadline = set(range(1, cluster.count)), time.monotonic() + seconds
    with contextlib.ExitStack() as stack, _listener(cluster) as listener:
        arrived: dict[int, socket.socket] = {}
        while missing:
            listener.settimeout(max(deadline - time.monotonic(), 0.001))
            try:
                connection = stack.enter_context(listener.accept()[0])
            except TimeoutError:
                raise _absent(cluster, sorted(missing), seconds) from None
            index = _greeted(connection)
            if index in range(1, cluster.count):
                arrived[index] = connection  # one that was started again replaces its former connection
                missing.discard(index)
        for connection in arrived.values():
            with contextlib.suppress(OSError):  # it died meanwhile, which TensorFlow will notice
                connection.sendall(_ANSWER)


def _listener(cluster: Cluster) -> socket.socket:
    port = host_and_port(cluster.addresses[0])[1]
    try:
        if socket.has_dualstack_ipv6():
            return socket.create_server(("", port), family=socket.AF_INET6, dualstack_ipv6=True)
        return socket.create_server(("", port))
    except OSError as error:
        raise HanjiError(
            f"the chief cannot listen on port {port}: {error.strerror or error}; free the port, or choose "
            "another in TF_CONFIG"
        ) from None


def _greeted(connection: socket.socket) -> int:
    """The index in a worker's greeting; -1 for anything else."""
    connection.settimeout(_SECONDS_TO_GREET)
    try:
        line = connection.makefile("rb").readline(len(_GREETING) + 16)
    except OSError:
        return -1
    number = line.removeprefix(_GREETING).strip()
    return int(number) if line.startswith(_GREETING) and number.isdigit() else -1


def _report(cluster: Cluster, seconds: float) -> None:
    """Another worker: greet the chief until it answers."""
    deadline = time.monotonic() + seconds
    while (left := deadline - time.monotonic()) > 0:
        try:
            with socket.create_connection(host_and_port(cluster.addresses[0]), timeout=left) as connection:
                connection.sendall(_GREETING + b"%d\n" % cluster.index)
                connection.settimeout(max(deadline - time.monotonic(), 0.001))
                if connection.makefile("rb").readline(len(_ANSWER)) == _ANSWER:
                    return
        except OSError:  # it is not there yet, or was started again, or its name is not known yet
            pass
        time.sleep(_SECONDS_BETWEEN_ATTEMPTS)
    raise _absent(cluster, [0], seconds)


def _absent(cluster: Cluster, missing: list[int], seconds: float) -> HanjiError:
    names = ", ".join(f"worker {index} ({cluster.addresses[index]})" for index in missing)
    return HanjiError(
        f"worker {cluster.index} of {cluster.count} waited {seconds:g} s in vain for {names}; check that "
        "every worker was started and that its address in TF_CONFIG can be reached, or wait longer with "
        f"{VARIABLE}"
    )


__all__ = ["VARIABLE", "meet"]
