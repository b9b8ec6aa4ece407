"""Real servers of charts, on loopback: a chart repository over HTTP and an OCI registry."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import yaml

from components.charts import LIBRECHAT, OLLAMA
from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.control_plane import free_ports
from local.up import STAND_INS
from tests.engine.kube import eventually


@dataclass(frozen=True)
class ChartRepository:
    """Where charts are served over HTTP, and what has been asked for."""

    address: str
    requests: list[str]
    busy: set[int]
    """Which requests are answered by 503: their places in `requests`."""


def package_stand_ins(directory: Path, *, librechat: str = LIBRECHAT.version) -> Path:
    """A folder with packages of both stand-in charts, LibreChat's at that version; returns `directory`."""
    directory.mkdir()
    for chart, version in ((OLLAMA.name, OLLAMA.version), (LIBRECHAT.name, librechat)):
        folder = PROJECT_DIR / STAND_INS / chart
        helm("package", str(folder), "--version", version, "--destination", str(directory))
    return directory


@contextmanager
def chart_repository(packages: Path) -> Iterator[ChartRepository]:
    """The folder of packages as a chart repository: `helm repo index`, and any web server."""
    helm("repo", "index", str(packages))
    requests: list[str] = []
    busy: set[int] = set()

    class Handler(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            requests.append(self.path)
            if len(requests) - 1 in busy:
                self.send_error(503)
            else:
                super().do_GET()

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing is printed."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(packages))) as server:
        thread = threading.Thread(target=partial(server.serve_forever, poll_interval=0.05))
        thread.start()
        try:
            yield ChartRepository(f"http://127.0.0.1:{server.server_port}", requests, busy)
        finally:
            server.shutdown()
            thread.join()


@dataclass(frozen=True)
class Certificate:
    """A throw-away TLS certificate of localhost, and the authority that signed it."""

    certificate: Path
    key: Path
    authority: Path


def certificate_of(cluster: LocalCluster) -> Certificate:
    """What kwokctl made for the local cluster: good for localhost, and gone with the cluster."""
    folder = cluster.directory / "cluster" / ".kwok" / "clusters" / cluster.name / "pki"
    return Certificate(folder / "admin.crt", folder / "admin.key", folder / "ca.crt")


@dataclass(frozen=True)
class OciRegistry:
    """A registry; its clients need `tls.authority`."""

    host: str
    tls: Certificate

    def push(self, packages: Path, folder: str) -> str:
        """The packages, pushed to a folder of the registry; returns its address."""
        for file in sorted(packages.glob("*.tgz")):
            helm("push", str(file), f"{self.host}/{folder}", "--ca-file", str(self.tls.authority))
        return f"{self.host}/{folder}"


@contextmanager
def oci_registry(directory: Path, tls: Certificate) -> Iterator[OciRegistry]:
    """An OCI registry over TLS that keeps what is pushed in `directory`."""
    (port,) = free_ports(1)
    directory.mkdir()
    config = {
        "version": 0.1,
        "storage": {"filesystem": {"rootdirectory": str(directory / "blobs")}},
        "http": {"addr": f"127.0.0.1:{port}", "tls": {"certificate": str(tls.certificate), "key": str(tls.key)}},
    }
    (directory / "config.yaml").write_text(yaml.safe_dump(config))
    log = directory / "log"
    with log.open("w") as output:
        process = subprocess.Popen(
            ["registry", "serve", str(directory / "config.yaml")], stdout=output, stderr=subprocess.STDOUT
        )
    try:
        eventually(lambda: f"listening on 127.0.0.1:{port}" in log.read_text())
        yield OciRegistry(f"oci://localhost:{port}", tls)
    finally:
        process.terminate()
        process.wait(timeout=10)


def helm(*arguments: str) -> str:
    """What helm prints; fails with its complaint."""
    done = subprocess.run(["helm", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout
