"""Official releases: which sites answer, downloads, checksums, archives."""

from __future__ import annotations

import hashlib
import json
import os
import posixpath
import shutil
import tarfile
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from http.client import HTTPException
from pathlib import Path
from typing import IO
from urllib.response import addinfourl

from toolchain.programs import Release

PROBE_SECONDS = 3
STALL_SECONDS = 15
PROGRESS_SECONDS = 10
CHUNK = 1 << 20


class UnavailableError(Exception):
    """A release can't be had or can't be checked; the reason. Another source may do."""


class ChecksumError(Exception):
    """A release isn't the file that its publisher's checksum describes. Nothing else may be tried silently."""


def mirrors() -> list[str]:
    """Where releases are looked for, in order: TOOLCHAIN_MIRROR, a comma-separated list as in GOPROXY.

    An entry is `direct` (the official sites; the default), `off` (nowhere), or the URL of a mirror, which has each
    file under its official host and path: `<mirror>/get.helm.sh/helm-v3.22.0-linux-amd64.tar.gz`.
    """
    return [entry.strip() for entry in os.environ.get("TOOLCHAIN_MIRROR", "direct").split(",") if entry.strip()]


def at_mirror(release: Release, mirror: str) -> Release:
    """The same release at an entry of `mirrors()`."""
    if mirror == "direct":
        return release
    base = mirror.rstrip("/") + "/"
    url, checksums = (base + where.partition("://")[2] for where in (release.url, release.checksums))
    return Release(url, checksums, release.members)


def answering(releases: Iterable[Release]) -> set[Release]:
    """Those releases whose sites answer within seconds, whatever they answer; each site is asked once, all at once."""
    wanted = {release: {_site(release.url), _site(release.checksums)} for release in releases}
    alive: set[str] = set()
    # Daemon threads and not an executor: a name server that never answers must not keep the program from going on.
    probes = [
        threading.Thread(target=_probe, args=(site, alive), daemon=True)
        for site in sorted(set().union(*wanted.values()))
    ]
    deadline = time.monotonic() + PROBE_SECONDS
    for probe in probes:
        probe.start()
    for probe in probes:
        probe.join(max(0.0, deadline - time.monotonic()))
    known = frozenset(alive)
    return {release for release, sites in wanted.items() if sites <= known}


class Downloads(ExitStack):
    """Fetches releases; a file that several programs come from is fetched once.

    What is fetched stays in the folder without a name, and is gone with this process, however it ends.
    """

    def __init__(self, folder: Path, say: Callable[[str], None]) -> None:
        super().__init__()
        self._folder = folder
        self._say = say
        self._files: dict[Release, IO[bytes]] = {}

    def unpack(self, release: Release, name: str, into: Path) -> None:
        """Puts a release's members (or the file itself, as `name`) into a folder, executable.

        Raises UnavailableError, or ChecksumError with the URL and both checksums.
        """
        whole = replace(release, members=())
        if whole not in self._files:
            self._files[whole] = self._fetch(whole)
        file = self._files[whole]
        file.seek(0)
        if not release.members:
            _write(file, into / name)
            return
        try:
            _extract(file, release.members, into)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise UnavailableError(f"{release.url} can't be unpacked: {error}") from error

    def _fetch(self, release: Release) -> IO[bytes]:
        expected = published_checksum(_read(release.checksums), _file_name(release.url), release.checksums)
        digest = hashlib.new("sha512" if len(expected) == 128 else "sha256")
        file = self.enter_context(tempfile.TemporaryFile(dir=self._folder))  # noqa: SIM115 (enter_context closes it)
        try:
            with _open(release.url) as response:
                for chunk in self._chunks(response):
                    digest.update(chunk)
                    file.write(chunk)
        except (OSError, HTTPException) as error:
            raise UnavailableError(f"{release.url}: {error}") from error
        if digest.hexdigest() != expected:
            raise ChecksumError(
                f"checksum mismatch: {release.url}\n  expected {expected} ({release.checksums})\n"
                f"  found    {digest.hexdigest()}\n  Nothing was installed from it. Try again later; if it stays, "
                "don't trust this site,\n  and set TOOLCHAIN_MIRROR=off to build from Go modules instead."
            )
        return file

    def _chunks(self, response: addinfourl) -> Iterator[bytes]:
        """The body, with a line on the way now and then; raises OSError if it is shorter than announced."""
        size, done, said = int(response.headers.get("Content-Length") or 0), 0, time.monotonic()
        while chunk := response.read(CHUNK):
            yield chunk
            done += len(chunk)
            if time.monotonic() - said >= PROGRESS_SECONDS:
                self._say(f"{done >> 20} of {size >> 20} MB")
                said = time.monotonic()
        if done < size:
            raise OSError(f"broke off after {done} of {size} bytes")


def published_checksum(text: str, file: str, url: str) -> str:
    """The SHA-256 or SHA-512 of a file, in lower-case hex, as its publisher's text states it.

    The text is one bare checksum, lines of "HEX  NAME", or GitHub's JSON description of a release. Raises
    UnavailableError if it states none for the file.
    """
    found = ""
    if text.lstrip().startswith("{"):
        found = _github_digest(text, file)
    else:
        lines = [line.split() for line in text.splitlines() if line.strip()]
        if len(lines) == 1 and len(lines[0]) == 1:
            found = lines[0][0]
        for words in lines:
            if len(words) == 2 and words[1].removeprefix("*").rpartition("/")[2] == file:
                found = words[0]
    found = found.lower()
    if len(found) not in {64, 128} or not set(found) <= set("0123456789abcdef"):
        raise UnavailableError(f"{url} states no SHA-256 or SHA-512 of {file}")
    return found


def _github_digest(text: str, file: str) -> str:
    try:
        assets = {asset["name"]: asset.get("digest") or "" for asset in json.loads(text)["assets"]}
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    return str(assets.get(file, "")).removeprefix("sha256:")


def _extract(archive: IO[bytes], members: Iterable[str], into: Path) -> None:
    """Only regular files, only those named, only by their last name: an archive can't write anywhere else."""
    with tarfile.open(fileobj=archive) as tar:
        found = {posixpath.normpath(member.name): member for member in tar}
        for member in members:
            source = tar.extractfile(found[member]) if member in found else None
            if source is None:
                raise tarfile.TarError(f"it has no file {member}")
            with source:
                _write(source, into / _file_name(member))


def _write(source: IO[bytes], target: Path) -> None:
    with target.open("wb") as out:
        shutil.copyfileobj(source, out)
    target.chmod(0o755)


def _probe(site: str, alive: set[str]) -> None:
    try:
        _open(site, PROBE_SECONDS, "HEAD").close()
    except urllib.error.HTTPError:
        pass
    except (OSError, HTTPException, ValueError):
        return
    alive.add(site)


def _read(url: str) -> str:
    try:
        with _open(url) as response:
            return str(response.read(CHUNK).decode(errors="replace"))
    except (OSError, HTTPException) as error:
        raise UnavailableError(f"{url}: {error}") from error


def _open(url: str, timeout: float = STALL_SECONDS, method: str = "GET") -> addinfourl:
    # GitHub's API refuses requests that don't say who asks. S310: these URLs are the table's and the operator's own.
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "private-chatgpt"})  # noqa: S310
    response: addinfourl = urllib.request.urlopen(request, timeout=timeout)  # noqa: S310
    return response


def _site(url: str) -> str:
    parts = urllib.parse.urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/"


def _file_name(url: str) -> str:
    return url.rpartition("/")[2]
