"""Which sockets are told to notice that the other end is gone."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

from keywright.storage import postgres as servers

if TYPE_CHECKING:
    import pytest


def test_a_socket_of_the_same_host_needs_nothing() -> None:
    near, far = socket.socketpair()
    servers._keep_alive(near)
    servers._keep_alive(None)
    assert near.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 0
    near.close()
    far.close()


def test_elsewhere_than_on_linux_the_system_s_own_times_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(servers.sys, "platform", "darwin")
    with socket.socket() as wire:
        servers._keep_alive(wire)
        assert wire.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        assert wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 0
