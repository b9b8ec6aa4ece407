"""Bytes through a command's frames, on a connection that is played: how it may end, and what is then known."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from unittest import mock

import pytest
from kubernetes.client import ApiClient
from websocket import ABNF, WebSocketConnectionClosedException, WebSocketTimeoutException

from ops.backing_up import streaming
from ops.backing_up.streaming import BrokenStreamError, Container
from ops.backing_up.tools import ToolError, dump, restore, tell

WELL = b"\x03" + json.dumps({"status": "Success"}).encode()
CLOSED = WebSocketConnectionClosedException()
SUM = "ab" * 32


def badly(code: int) -> bytes:
    causes = [{"reason": "ExitCode", "message": str(code)}]
    return b"\x03" + json.dumps({"status": "Failure", "message": "long", "details": {"causes": causes}}).encode()


class Played:
    """A connection on which the other side says these frames, and hears what it is sent."""

    def __init__(self, *frames: bytes | Exception, breaks_after: int = 1000) -> None:
        self._frames = list(frames)
        self._breaks_after = breaks_after
        self.heard: list[bytes] = []
        self._here, self._there = socket.socketpair()
        self.sock = SimpleNamespace(
            recv_data_frame=self._receive, settimeout=lambda seconds: None, close=self._close, sock=self._here
        )

    def _receive(self, control: bool) -> tuple[int, Any]:
        frame = self._frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return ABNF.OPCODE_BINARY, SimpleNamespace(data=frame)

    def _close(self) -> None:
        self._here.close()
        self._there.close()

    def write_channel(self, channel: int, data: bytes) -> None:
        if len(self.heard) == self._breaks_after:
            raise BrokenPipeError
        assert channel == 0
        self.heard.append(data)


@pytest.fixture
def container() -> Container:
    return Container(ApiClient(), "chat", "pod", "worker")


def on(connection: Played) -> Any:
    return mock.patch.object(streaming, "stream", lambda *arguments, **options: connection)


def test_bytes_arrive_as_they_were_sent_whatever_they_are(container: Container) -> None:
    data = bytes(range(256))
    found = bytearray()
    with on(Played(b"\x01" + data, b"\x02" + f"sha256 {SUM}\n".encode(), b"\x01" + data, b"\x01", WELL, CLOSED)):
        dumped = dump(container, found.extend)
    assert bytes(found) == data * 2 and dumped.sha256 == SUM


def test_what_comes_after_the_status_counts_too(container: Container) -> None:
    found = bytearray()
    with on(Played(WELL, b"\x02" + f"sha256 {SUM}\n".encode(), b"\x01late", CLOSED)):
        dump(container, found.extend)
    assert found == b"late"


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (CLOSED, "broke before the command had ended; the last that it said: half"),
        (ConnectionResetError("reset"), "the connection broke"),
        (WebSocketTimeoutException("slow"), "nothing came for 300 seconds; the last that it said: half"),
    ],
)
def test_a_connection_that_ends_first_is_an_error(container: Container, end: Exception, words: str) -> None:
    with on(Played(b"\x01some", b"\x02half\n", end)), pytest.raises(BrokenStreamError, match=words):
        dump(container, lambda data: None)


def test_a_failed_command_is_an_error_with_its_code_and_last_words(container: Container) -> None:
    with on(Played(b"\x02one\ntwo\n", badly(3), CLOSED)), pytest.raises(ToolError, match=r"exit code 3") as caught:
        dump(container, lambda data: None)
    assert "two" in str(caught.value) and "long" not in str(caught.value)


def test_success_without_the_last_line_is_no_success(container: Container) -> None:
    for run in (
        lambda: dump(container, lambda data: None),
        lambda: restore(container, 4, iter([b"some"])),
        lambda: tell(container, "look"),
    ):
        with on(Played(WELL, CLOSED)), pytest.raises(ToolError, match="the connection to the node broke"):
            run()


def test_all_that_is_sent_is_heard_and_documents_are_counted(container: Container) -> None:
    said = b"\x02" + b"now\tfinished restoring LibreChat.users (2 documents, 0 failures)\nall is in\n"
    connection = Played(said, WELL, CLOSED)
    with on(connection):
        assert restore(container, 4, iter([b"so", b"me"])) == {"users": 2}
    assert connection.heard == [b"so", b"me"]


def test_a_command_that_ends_before_it_has_heard_all_is_still_listened_to(container: Container) -> None:
    def endless() -> Iterator[bytes]:
        while True:
            yield b"x"

    with on(Played(b"\x02no space\n", badly(1), CLOSED, breaks_after=3)), pytest.raises(ToolError, match="no space"):
        restore(container, 1_000_000, endless())


def test_what_the_database_refuses_is_said_without_the_script(container: Container) -> None:
    refused = b"\x01" + json.dumps({"refused": "Authentication failed."}).encode() + b"\n"
    with on(Played(refused, badly(1), CLOSED)), pytest.raises(ToolError) as caught:
        tell(container, "look")
    assert str(caught.value) == "the database refuses: Authentication failed."


def test_a_full_disk_ends_the_stream_with_its_own_error(container: Container) -> None:
    def full(data: bytes) -> None:
        raise OSError(28, "No space left on device")

    with on(Played(b"\x01some", CLOSED)), pytest.raises(OSError, match="No space left"):
        dump(container, full)
