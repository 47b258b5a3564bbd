"""What serves pages and takes messages."""

from __future__ import annotations

import socket

from overnight import http


def test_no_part_of_an_answer_waits_for_the_receipt_of_another() -> None:
    with http.listen("127.0.0.1", 0) as listener, socket.create_connection(listener.getsockname()):
        connection, _ = listener.accept()
        with connection:
            assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
