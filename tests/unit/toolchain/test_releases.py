from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from toolchain.download import UnavailableError, published_checksum

if TYPE_CHECKING:
    from tests.unit.toolchain.conftest import ReleaseServer, Sandbox

FILE = """url = "https://releases.test/{name}-{version}"
checksums = "{url}.sha256\""""
ARCHIVE = """url = "https://releases.test/both.tar.gz"
checksums = "{url}.sha256"
members = ["{name}"]"""
PROGRAM = b"#!/bin/sh\necho v1.0.0\n"


def test_an_official_release_with_the_right_checksum_is_taken_and_nothing_is_built(
    sandbox: Sandbox, releases: ReleaseServer
) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release=FILE)
    releases.publish("tool-1.0.0", b"#!/bin/sh\necho official v1.0.0\n")
    code, output = sandbox.run()
    assert (code, sandbox.builds(), sandbox.says("tool")) == (0, [], "official v1.0.0"), output
    assert f"downloading {releases.url}/releases.test/tool-1.0.0" in output


def test_a_wrong_checksum_stops_everything_and_names_url_expected_and_found(
    sandbox: Sandbox, releases: ReleaseServer
) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release=FILE)
    sandbox.add_program("other")
    releases.publish("tool-1.0.0", PROGRAM, checksum="ab" * 32)
    code, output = sandbox.run()
    assert code == 1
    for named in (f"{releases.url}/releases.test/tool-1.0.0\n", "ab" * 32, hashlib.sha256(PROGRAM).hexdigest()):
        assert named in output
    assert (sandbox.builds(), sandbox.installed("tool"), sandbox.installed("other")) == ([], [], [])
    assert sandbox.leftovers() == []


def test_two_programs_of_one_archive_fetch_it_once(sandbox: Sandbox, releases: ReleaseServer) -> None:
    sandbox.add_program("first", release=ARCHIVE)
    sandbox.add_program("second", release=ARCHIVE)
    releases.publish_archive("both.tar.gz", first=b"#!/bin/sh\necho 1.0.0 first\n", second=PROGRAM)
    code, output = sandbox.run()
    assert (code, sandbox.says("first"), sandbox.says("second")) == (0, "1.0.0 first", "v1.0.0"), output
    assert releases.requests.count("/releases.test/both.tar.gz") == 1


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ("no release", "404"),
        ("no checksum", "404"),
        ("a login page", "states no SHA-256 or SHA-512 of tool-1.0.0"),
        ("another patch", "not tool 1.0.0: `tool --version` says 'v1.0.01'"),
        ("another major", "not tool 1.0.0: `tool --version` says 'v11.0.0'"),
        ("half of it", "broke off after 11 of 22 bytes"),
        ("another system", "tool 1.0.0 does not run"),
    ],
)
def test_a_release_that_cannot_be_used_is_named_and_the_program_is_built(
    sandbox: Sandbox, releases: ReleaseServer, wrong: str, reason: str
) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release=FILE)
    contents = {
        "another patch": b"#!/bin/sh\necho v1.0.01\n",
        "another major": b"#!/bin/sh\necho v11.0.0\n",
        "another system": b"\x7fELF of another processor",
    }
    releases.publish("tool-1.0.0", contents.get(wrong, PROGRAM))
    if wrong == "half of it":
        releases.cut_off.add("tool-1.0.0")
    if wrong == "no release":
        (releases.folder / "tool-1.0.0").unlink()
    if wrong == "no checksum":
        (releases.folder / "tool-1.0.0.sha256").unlink()
    if wrong == "a login page":
        (releases.folder / "tool-1.0.0.sha256").write_text("<html><body>Please log in</body></html>")
    code, output = sandbox.run()
    assert (code, len(sandbox.builds()), sandbox.says("tool")) == (0, 1, "v1.0.0"), output
    assert reason in output


def test_an_archive_without_the_program_is_named_and_the_program_is_built(
    sandbox: Sandbox, releases: ReleaseServer
) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release=ARCHIVE)
    releases.publish_archive("both.tar.gz", readme=b"nothing else")
    code, output = sandbox.run()
    assert (code, len(sandbox.builds())) == (0, 1), output
    assert "it has no file tool" in output


def test_a_site_that_takes_connections_but_never_answers_costs_seconds_only(sandbox: Sandbox) -> None:
    sandbox.add_go()
    sandbox.add_program("tool", release=FILE)
    with socket.create_server(("127.0.0.1", 0)) as silent, socket.create_server(("127.0.0.1", 0)) as trickling:
        sites = [f"127.0.0.1:{server.getsockname()[1]}" for server in (silent, trickling)]
        threading.Thread(target=trickle, args=(trickling,), daemon=True).start()
        started = time.monotonic()
        code, output = sandbox.run(TOOLCHAIN_MIRROR=",".join(f"http://{site}" for site in sites))
        seconds = time.monotonic() - started
    assert (code, len(sandbox.builds())) == (0, 1), output
    assert f"no answer within 3 s for releases at {', '.join(sorted(sites))}" in output
    assert 2.5 < seconds < 25, "without a limit for the whole answer, it takes a minute"


def trickle(server: socket.socket) -> None:
    """Answers a byte now and then, so that no single wait for it is long, until the other side has gone."""
    connection, _ = server.accept()
    with connection, suppress(OSError):
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 100:
            connection.sendall(bytes([byte]))
            time.sleep(0.5)


def test_the_next_mirror_is_asked_when_one_is_down(sandbox: Sandbox, releases: ReleaseServer) -> None:
    sandbox.add_program("tool", release=FILE)
    releases.publish("tool-1.0.0", PROGRAM)
    with socket.create_server(("127.0.0.1", 0)) as closed:
        down = f"http://127.0.0.1:{closed.getsockname()[1]}"
    code, output = sandbox.run(TOOLCHAIN_MIRROR=f"{down}, {releases.url}/")
    assert (code, sandbox.says("tool")) == (0, "v1.0.0"), output


def test_the_first_mirror_that_has_a_release_gives_it(sandbox: Sandbox, releases: ReleaseServer) -> None:
    for name in ("first", "second"):
        sandbox.add_program(name, release=FILE)
    releases.publish("second-1.0.0", b"#!/bin/sh\necho v1.0.0 of the root\n")
    for name in ("first", "second"):
        content = b"#!/bin/sh\necho v1.0.0 of the other folder\n"
        (releases.folder.parent / "other" / releases.folder.name).mkdir(parents=True, exist_ok=True)
        releases.publish(f"../other/{releases.folder.name}/{name}-1.0.0", content)
    code, output = sandbox.run(TOOLCHAIN_MIRROR=f"{releases.url},{releases.url}/other")
    assert (code, sandbox.says("first"), sandbox.says("second")) == (
        0,
        "v1.0.0 of the other folder",
        "v1.0.0 of the root",
    ), output


def test_no_site_is_asked_when_everything_is_there(sandbox: Sandbox, releases: ReleaseServer) -> None:
    sandbox.add_program("tool", release=FILE)
    releases.publish("tool-1.0.0", PROGRAM)
    assert sandbox.run()[0] == 0
    asked = len(releases.requests)
    code, output = sandbox.run()
    assert (code, len(releases.requests)) == (0, asked)
    assert "tool 1.0.0                           already there" in output


SHA256, SHA512 = "0123456789abcdef" * 4, "fedcba9876543210" * 8


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (SHA256, SHA256),
        (SHA512.upper() + "\n", SHA512),
        (f"{'0' * 64}  other.tar.gz\n{SHA256}  tool.tar.gz\n", SHA256),
        (f"{SHA256} *tool.tar.gz\n", SHA256),
        (f"{SHA512}  ./dist/tool.tar.gz\n", SHA512),
        (json.dumps({"assets": [{"name": "a"}, {"name": "tool.tar.gz", "digest": f"sha256:{SHA256}"}]}), SHA256),
    ],
    ids=["bare", "bare upper-case sha512", "list", "binary mark", "folder", "github"],
)
def test_a_checksum_is_read_in_the_ways_it_is_published(text: str, expected: str) -> None:
    assert published_checksum(text, "tool.tar.gz", "https://releases.test/sums") == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        f"{'0' * 40}  tool.tar.gz\n",
        f"{SHA256}  other-tool.tar.gz\n",
        f"{SHA256[:-1]}g\n",
        "<html>",
        "{not json",
        json.dumps({"message": "rate limit exceeded"}),
        json.dumps({"assets": [{"name": "tool.tar.gz", "digest": None}]}),
    ],
    ids=["empty", "sha1", "another file's", "no hex", "html", "broken json", "github error", "github without digest"],
)
def test_a_text_without_the_checksum_is_never_taken_for_one(text: str) -> None:
    with pytest.raises(UnavailableError, match=r"https://releases.test/sums states no SHA-256 or SHA-512 of tool"):
        published_checksum(text, "tool.tar.gz", "https://releases.test/sums")
