"""The models that Ollama holds, asked of its API through a port-forward; nothing is pulled or loaded by asking.

`/api/tags` lists models that are complete, `/api/ps` those in memory. How far a pull is, Ollama tells only whoever
began it: a second caller of `/api/pull` would begin one where none runs. So that is read off the disk, in the pod: a
download is a sparse file `<blob>-partial` of its full size (server/download.go of Ollama, read 2026-11), and what has
arrived is what it takes on disk. Of which model a blob is a part, nobody says before the last one is there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any

from kubernetes import client
from kubernetes.stream import portforward, stream

from components import ports
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.reading import in_short

TIMEOUT = 5
"""Seconds for one answer of Ollama, or of the command in its pod."""
END = "that was all"
DOWNLOADS = (
    'for file in "${OLLAMA_MODELS:-${HOME:-/root}/.ollama/models}"/blobs/*-partial; do '
    f'[ ! -e "$file" ] || stat -c "%s %b %B" "$file"; done; echo "{END}"'
)
"""Prints size, blocks taken and bytes of a block for each blob that is not complete."""


@dataclass(frozen=True)
class Download:
    """One blob of a model that is being pulled, in bytes."""

    arrived: int
    size: int


@dataclass(frozen=True)
class Models:
    """What Ollama holds of what the stack asks for."""

    asked: tuple[str, ...]
    present: tuple[str, ...]
    loaded: tuple[str, ...] = ()
    """Those in memory."""
    downloads: tuple[Download, ...] | None = ()
    """Blobs that are not complete; None where that could not be told."""

    @property
    def missing(self) -> tuple[str, ...]:
        """Models that are asked for and not there."""
        there = set(map(tagged, self.present))
        return tuple(model for model in self.asked if tagged(model) not in there)


def tagged(model: str) -> str:
    """The model's name as Ollama lists it: without a tag it is `latest`."""
    return model if ":" in model.rpartition("/")[2] else f"{model}:latest"


def read_models(api: client.ApiClient, namespace: str, pod: str, asked: Sequence[str]) -> Models:
    """What the pod's Ollama holds; raises CouldNotTellError."""
    with _forwarded(api, namespace, pod) as connection:
        present, loaded = ask(connection)
    models = Models(tuple(asked), present, loaded)
    if not models.missing:
        return models
    try:
        downloads: tuple[Download, ...] | None = parse_downloads(_run(api, namespace, pod, DOWNLOADS))
    except CouldNotTellError:
        downloads = None
    return Models(models.asked, present, loaded, downloads)


def ask(connection: HTTPConnection) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The models that are complete and those in memory; raises CouldNotTellError where that is no Ollama."""
    return _names(connection, "/api/tags"), _names(connection, "/api/ps")


def parse_downloads(printed: str) -> tuple[Download, ...]:
    """What DOWNLOADS printed; raises CouldNotTellError where it did not run to its end."""
    *lines, last = printed.strip().splitlines() or [""]
    if last != END:
        raise CouldNotTellError("the files in its pod can't be listed")
    found = [[int(number) for number in line.split()] for line in lines]
    return tuple(Download(min(blocks * block, size), size) for size, blocks, block in found)


def _names(connection: HTTPConnection, path: str) -> tuple[str, ...]:
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise CouldNotTellError(f"Ollama answers {path} with {answer.status} {answer.reason}")
        listed = json.loads(body)["models"] or []
        return tuple(sorted(str(model["name"]) for model in listed))
    except (OSError, HTTPException) as error:
        raise CouldNotTellError(f"Ollama does not answer {path}: {error or type(error).__name__}") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CouldNotTellError(f"what answers {path} is no Ollama") from error


@contextmanager
def _forwarded(api: client.ApiClient, namespace: str, pod: str) -> Iterator[HTTPConnection]:
    """A connection to the pod's port; raises CouldNotTellError with the kubelet's word where there is none."""
    forward: Any
    try:
        ask_for = client.CoreV1Api(api).connect_get_namespaced_pod_portforward
        forward = portforward(ask_for, pod, namespace, ports=str(ports.OLLAMA), _request_timeout=TIMEOUT)
    except (client.ApiException, OSError) as error:
        raise CouldNotTellError(f"no port-forward to pod {pod}: {_reason(error)}") from error
    with closing(forward):
        socket = forward.socket(ports.OLLAMA)
        socket.settimeout(TIMEOUT)
        # HTTP/1.1 keeps the connection open for the second question; http.client takes the socket as it is.
        connection = HTTPConnection("localhost", ports.OLLAMA, timeout=TIMEOUT)
        connection.sock = socket
        try:
            yield connection
        except CouldNotTellError as error:
            said = forward.error(ports.OLLAMA)
            raise CouldNotTellError(f"no port-forward to pod {pod}: {said}" if said else str(error)) from error


def _run(api: client.ApiClient, namespace: str, pod: str, script: str) -> str:
    """What a script prints in the pod's first container; raises CouldNotTellError."""
    try:
        printed = stream(
            client.CoreV1Api(api).connect_get_namespaced_pod_exec,
            pod,
            namespace,
            command=["sh", "-c", script],
            stdout=True,
            stderr=False,
            stdin=False,
            tty=False,
            _request_timeout=TIMEOUT,
        )
    except (client.ApiException, OSError) as error:
        raise CouldNotTellError(f"no command in pod {pod}: {_reason(error)}") from error
    return str(printed)


def _reason(error: client.ApiException | OSError) -> str:
    """The API server's word on why there is no stream; the client puts it behind all headers of the answer."""
    found = re.search(r'"message":"([^"]+)"', str(getattr(error, "reason", "")))
    return found[1] if found else in_short(error)
