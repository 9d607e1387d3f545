"""Where workers wait for one another: arrival in any order, strangers, and waiting in vain."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor

import pytest

from hanji.training.cluster.environment import Cluster
from hanji.training.cluster.meeting import meet
from hanji.training.errors import HanjiError, RecipeError


@pytest.fixture
def addresses() -> tuple[str, ...]:
    """Of three workers, none of which listens yet."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return (f"127.0.0.1:{port}", "127.0.0.1:1", "127.0.0.1:2")


def test_all_continue_when_all_have_arrived(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HANJI_CLUSTER_TIMEOUT", "20")
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(meet, Cluster(addresses, index)) for index in (2, 0)]
        host, port = addresses[0].split(":")
        for _ in range(100):
            try:
                with socket.create_connection((host, int(port)), timeout=0.1) as stranger:
                    stranger.sendall(b"GET / HTTP/1.1\r\n\r\n")
                break
            except OSError:
                continue
        assert not any(one.done() for one in waiting)
        meet(Cluster(addresses, 1))
        for one in waiting:
            one.result(timeout=20)


@pytest.mark.parametrize(
    ("index", "missing"), [(0, r"worker 1 \(127.0.0.1:1\), worker 2"), (1, r"worker 0 \(")]
)
def test_waiting_in_vain_names_the_missing(
    addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, index: int, missing: str
) -> None:
    monkeypatch.setenv("HANJI_CLUSTER_TIMEOUT", "0.5")
    with pytest.raises(HanjiError, match=rf"worker {index} of 3 waited 0.5 s in vain for {missing}"):
        meet(Cluster(addresses, index))


@pytest.mark.parametrize("value", ["soon", "0", "-1", "inf", "nan"])
def test_an_unusable_timeout(addresses: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("HANJI_CLUSTER_TIMEOUT", value)
    with pytest.raises(RecipeError, match="HANJI_CLUSTER_TIMEOUT: expected a number of seconds"):
        meet(Cluster(addresses, 0))


def test_a_port_in_use(addresses: tuple[str, ...]) -> None:
    with (
        socket.create_server(("", int(addresses[0].split(":")[1]))),
        pytest.raises(HanjiError, match="the chief cannot listen on port"),
    ):
        meet(Cluster(addresses, 0))
