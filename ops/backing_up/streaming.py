"""Runs a command in a pod and streams bytes out of it or into it, through the API server.

The client's own `WSClient.update` reads on for as long as frames arrive and appends them to what it has (kubernetes
37, read 2026-11): a database would have to fit into memory, many times copied. So frames are read here, one by one.
"""

from __future__ import annotations

import json
import select
import ssl
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kubernetes import client
from kubernetes.stream import stream
from kubernetes.stream.ws_client import ERROR_CHANNEL, STDERR_CHANNEL, STDIN_CHANNEL, STDOUT_CHANNEL
from websocket import ABNF, WebSocketConnectionClosedException, WebSocketException, WebSocketTimeoutException

from ops.preflight_checks.reading import in_short

IDLE = 300
"""Seconds without a byte after which the connection is given up."""
CHUNK = 64 * 1024
SAID = 1_000_000
"""Bytes of what the command says on stderr that are kept: the last ones."""
Sink = Callable[[bytes], None]


class BrokenStreamError(RuntimeError):
    """The connection ended before the command did, or never was; the message says what is known."""


@dataclass(frozen=True)
class Ended:
    """A command that ran to its end."""

    failure: str
    """Empty where it ended well, else the kubelet's word, which has the exit code."""
    said: str
    """What it wrote to stderr."""


@dataclass(frozen=True)
class Container:
    """Where commands are run."""

    api: client.ApiClient
    namespace: str
    pod: str
    name: str

    def run(self, command: Sequence[str], sink: Sink, source: Iterable[bytes] | None = None) -> Ended:
        """Run a command: what it prints goes to `sink`, `source` goes to its stdin, which stays open after that.

        Raises BrokenStreamError, and what `sink` and `source` raise.
        """
        connection = self._connection(command, stdin=source is not None)
        try:
            connection.sock.settimeout(IDLE)
            return _Conversation(connection, sink).hold(iter(source or ()))
        finally:
            connection.sock.close()

    def _connection(self, command: Sequence[str], *, stdin: bool) -> Any:
        try:
            return stream(
                client.CoreV1Api(self.api).connect_get_namespaced_pod_exec,
                self.pod,
                self.namespace,
                container=self.name,
                command=list(command),
                stdin=stdin,
                stdout=True,
                stderr=True,
                tty=False,
                binary=True,
                _preload_content=False,
            )
        except (client.ApiException, OSError) as error:
            raise BrokenStreamError(f"no command can be run in pod {self.pod}: {in_short(error)}") from error


class _Conversation:
    """One command's frames; one thread both reads and writes, since Python's TLS sockets don't promise more."""

    def __init__(self, connection: Any, sink: Sink) -> None:
        self._connection = connection
        self._socket = connection.sock
        self._sink = sink
        self._said = bytearray()
        self._status: dict[str, Any] | None = None

    def hold(self, source: Any) -> Ended:
        """Read and write until the other side closes."""
        chunk = next(source, None)
        while True:
            if chunk is None or self._something_to_read():
                if not self._read():
                    break
            elif self._send(chunk):
                chunk = next(source, None)
            else:
                chunk = None
        if self._status is None:
            raise BrokenStreamError(_with_words("the connection broke before the command had ended", self._said))
        failure = "" if self._status.get("status") == "Success" else _in_short(self._status)
        return Ended(failure, self._said.decode(errors="replace"))

    def _send(self, chunk: bytes) -> bool:
        """Whether it was taken: a command that has ended takes nothing, and its last words are still to be read."""
        try:
            self._connection.write_channel(STDIN_CHANNEL, chunk)
        except (OSError, WebSocketException):
            return False
        return True

    def _read(self) -> bool:
        """Take one frame; False when there are no more."""
        try:
            code, frame = self._socket.recv_data_frame(True)
        except WebSocketConnectionClosedException:
            return False
        except (TimeoutError, WebSocketTimeoutException) as error:
            raise BrokenStreamError(_with_words(f"nothing came for {IDLE} seconds", self._said)) from error
        except (OSError, WebSocketException) as error:
            if self._status is None:
                raise BrokenStreamError(_with_words(f"the connection broke: {in_short(error)}", self._said)) from error
            return False
        if code == ABNF.OPCODE_CLOSE:
            return False
        if code in (ABNF.OPCODE_BINARY, ABNF.OPCODE_TEXT) and frame.data:
            self._take(frame.data[0], frame.data[1:])
        return True

    def _take(self, channel: int, data: bytes) -> None:
        if channel == STDOUT_CHANNEL and data:
            self._sink(data)
        elif channel == STDERR_CHANNEL:
            self._said += data
            del self._said[:-SAID]
        elif channel == ERROR_CHANNEL and data:
            self._status = json.loads(data)

    def _something_to_read(self) -> bool:
        plain = self._socket.sock
        if isinstance(plain, ssl.SSLSocket) and plain.pending():
            return True
        return bool(select.select([plain], [], [], 0)[0])


def _in_short(status: Mapping[str, Any]) -> str:
    """The kubelet's word, without the command, which some repeat."""
    causes = (status.get("details") or {}).get("causes") or ()
    code = next((cause["message"] for cause in causes if cause.get("reason") == "ExitCode"), None)
    return f"exit code {code}" if code else str(status.get("message") or "no reason given").splitlines()[0][:160]


def _with_words(text: str, said: bytes | bytearray) -> str:
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    return f"{text}; the last that it said: {lines[-1]}" if lines else text
