"""What Ollama holds, asked of a real HTTP server and of real files; no port-forward here."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from ops.preflight_checks.findings import CouldNotTellError
from ops.standing.models import DOWNLOADS, Download, Models, ask, parse_downloads, tagged
from tests.ollama_api import serving


@contextmanager
def connected(answers: Mapping[str, Any]) -> Iterator[HTTPConnection]:
    """A connection to a server that answers so."""
    with serving(answers) as port, closing(HTTPConnection("127.0.0.1", port, timeout=5)) as connection:
        yield connection


def test_models_that_are_complete_and_models_in_memory_are_told_apart() -> None:
    tags = {"models": [{"name": "qwen3:0.6b", "size": 1}, {"name": "llama3.2:1b"}]}
    with connected({"/api/tags": tags, "/api/ps": {"models": [{"name": "llama3.2:1b"}]}}) as connection:
        assert ask(connection) == (("llama3.2:1b", "qwen3:0.6b"), ("llama3.2:1b",))


def test_an_ollama_without_a_model_holds_none() -> None:
    with connected({"/api/tags": {"models": None}, "/api/ps": {"models": []}}) as connection:
        assert ask(connection) == ((), ())


@pytest.mark.parametrize(
    ("answers", "told"),
    [
        ({}, "Ollama answers /api/tags with 404"),
        ({"/api/tags": "<html>"}, "what answers /api/tags is no Ollama"),
        ({"/api/tags": {"tags": []}}, "what answers /api/tags is no Ollama"),
        ({"/api/tags": []}, "what answers /api/tags is no Ollama"),
        ({"/api/tags": {"models": ["x"]}}, "what answers /api/tags is no Ollama"),
        ({"/api/tags": {"models": []}}, "Ollama answers /api/ps with 404"),
    ],
)
def test_what_is_no_ollama_is_not_taken_for_one_without_models(answers: dict[str, Any], told: str) -> None:
    with connected(answers) as connection, pytest.raises(CouldNotTellError) as error:
        ask(connection)
    assert told in str(error.value)


def test_a_server_that_is_away_could_not_tell() -> None:
    with connected({}) as connection:
        pass
    with pytest.raises(CouldNotTellError, match="Ollama does not answer /api/tags"):
        ask(connection)


def test_a_name_without_a_tag_is_the_latest() -> None:
    assert [tagged(name) for name in ("llama3.2", "llama3.2:1b", "hf.co:443/a/b", "a/b:q4")] == [
        "llama3.2:latest",
        "llama3.2:1b",
        "hf.co:443/a/b:latest",
        "a/b:q4",
    ]
    assert Models(("llama3.2", "qwen3:0.6b"), ("llama3.2:latest",)).missing == ("qwen3:0.6b",)


def run(models: Path) -> str:
    """What the command prints that is run in Ollama's pod, here for a folder."""
    environment = {"PATH": os.environ["PATH"], "OLLAMA_MODELS": str(models)}
    return subprocess.run(["sh", "-c", DOWNLOADS], env=environment, capture_output=True, text=True, check=True).stdout


def test_a_download_is_as_far_as_its_sparse_file_takes_disk(tmp_path: Path) -> None:
    blobs = tmp_path / "blobs"
    blobs.mkdir()
    (blobs / "sha256-done").write_bytes(b"x" * 4096)
    # As Ollama makes it: the full size at once, then parts at their offsets, each with a file that counts.
    with (blobs / "sha256-begun-partial").open("wb") as file:
        file.truncate(64 * 2**20)
        file.seek(32 * 2**20)
        file.write(os.urandom(4 * 2**20))
    (blobs / "sha256-begun-partial-0").write_text('{"N":0,"Offset":0,"Size":67108864,"Completed":0}')
    (found,) = parse_downloads(run(tmp_path))
    assert found.size == 64 * 2**20
    assert 4 * 2**20 <= found.arrived < 6 * 2**20


def test_no_download_is_told_from_a_command_that_did_not_run(tmp_path: Path) -> None:
    assert parse_downloads(run(tmp_path)) == ()
    assert parse_downloads("10 1 512\nthat was all\n") == (Download(10, 10),), "a block may be larger than the file"
    for printed in ("", "10 1 512\n", "sh: stat: not found\n"):
        with pytest.raises(CouldNotTellError, match="can't be listed"):
            parse_downloads(printed)
