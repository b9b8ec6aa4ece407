"""What the toolchain's tests share: a made-up table of programs, a stand-in `go`, a server of releases on loopback."""

import hashlib
import http.server
import io
import os
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import pytest

from toolchain.programs import load
from toolchain.store import Store

INSTALL = Path(__file__).parents[3] / "toolchain" / "install.py"
SITE = "releases.test"
WAIT_SECONDS = 60
RUN_SECONDS = 300
"""For a run to its end: without a build cache, Go compiles its standard library first."""

# What the installer calls of `go`: "env", "mod download -json", "build … -o FILE". It writes FILE in two steps, as a
# linker does, and a child of it ticks as long as it works.
STAND_IN_GO = """#!/bin/sh
PATH=/usr/bin:/bin
case "$1" in
env) printf '%s\\n%s\\n' "${FAKE_GO_VERSION:-go1.26.8}" "${FAKE_GO_TOOLCHAIN:-local}"; exit;;
mod)
  if [ -z "$FAKE_GO_MODULE" ]; then printf '{\n\t"Error": "dial tcp: no such host"\n}\n'; exit 1; fi
  printf '{"Dir": "%s"}' "$FAKE_GO_MODULE"; exit;;
esac
log=$(dirname "$0")/log
echo $$ > "$log.pid"
echo "build GOFLAGS=$GOFLAGS $*" >> "$log"
if [ -n "$FAKE_GO_ERROR" ]; then echo some/package >&2; echo "$FAKE_GO_ERROR" >&2; exit 1; fi
while [ "$1" != -o ]; do shift; done
printf '#!/bin/sh\\n' > "$2"
(i=0; while [ $i -lt ${FAKE_GO_TICKS:-0} ]; do echo tick >> "$log.ticks"; sleep 0.1; i=$((i+1)); done) & wait $!
printf 'echo %s\\n' "${FAKE_GO_SAYS:-v1.0.0}" >> "$2"
chmod +x "$2"
"""


def _heed_signals() -> None:
    """A shell starts background jobs, CI among them, with these ignored, and every child inherits that."""
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_DFL)


class ReleaseServer:
    """Serves `folder` as a mirror of the official sites, with no page at its root; `requests` are the paths asked for.

    Of a file named in `cut_off` it announces all and sends half.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder / SITE
        self.folder.mkdir(parents=True)
        self.requests: list[str] = []
        self.cut_off: set[str] = set()
        asked, cut_off = self.requests, self.cut_off

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
                asked.append(self.path)

            def log_message(self, *args: object) -> None: ...

            def list_directory(self, path: str | os.PathLike[str]) -> None:
                self.send_error(404)

            def do_GET(self) -> None:
                if self.path.rpartition("/")[2] not in cut_off:
                    return super().do_GET()
                content = Path(self.translate_path(self.path)).read_bytes()
                self.send_response(200)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content[: len(content) // 2])

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def publish(self, name: str, content: bytes, checksum: str | None = None) -> None:
        """A file, and its SHA-256 (or a wrong one) beside it."""
        (self.folder / name).write_bytes(content)
        (self.folder / f"{name}.sha256").write_text(checksum or hashlib.sha256(content).hexdigest())

    def publish_archive(self, name: str, **members: bytes) -> None:
        """A tar.gz of files named as tar names them when it packs a folder: with a leading `./`."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for member, content in members.items():
                info = tarfile.TarInfo(f"./{member}")
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
        self.publish(name, buffer.getvalue())

    def close(self) -> None:
        """Stops serving."""
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Sandbox:
    """A table of made-up programs, an empty store, and a PATH that holds nothing but what a test puts there."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    tables: list[str] = field(default_factory=list)

    @property
    def store(self) -> Path:
        return self.folder / "store"

    @property
    def table(self) -> Path:
        return self.folder / "programs.toml"

    def add_program(self, name: str, *, release: str = "", go: str = "") -> Path:
        """Adds a program with a module of its own to the table; returns the module's folder."""
        module = self.folder / "modules" / name
        module.mkdir(parents=True, exist_ok=True)
        (module / "go.mod").write_text(f"module toolchain/{name}\n\ngo 1.26.0\n")
        (module / "go.sum").write_text("")
        self.tables.append(
            f'[program.{name}]\nversion = "1.0.0"\ngroup = "deploy"\ncheck = ["--version"]\n'
            + (f"[program.{name}.release]\n{release}\n" if release else "")
            + f'[program.{name}.go]\nmodule = "{name}"\npackage = "."\nseconds = 1\n{go}\n'
            + f'[module.{name}]\nsource = "example.test/{name} v{{version}}"\n'
        )
        self.table.write_text("\n".join(self.tables))
        return module

    def add_go(self) -> None:
        """Puts the stand-in `go` on PATH."""
        go = self.folder / "path" / "go"
        go.write_text(STAND_IN_GO)
        go.chmod(0o755)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Starts the installer."""
        return subprocess.Popen(
            [sys.executable, INSTALL, "--programs", self.table, *arguments],
            env=self.environment | environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            preexec_fn=_heed_signals,
        )

    def run(self, *arguments: str, **environment: str) -> tuple[int, str]:
        """Runs the installer; its exit code and everything it said."""
        process = self.start(*arguments, **environment)
        output, _ = process.communicate(timeout=RUN_SECONDS)
        return process.returncode, output

    def builds(self) -> list[str]:
        """The calls of the stand-in's `go build`."""
        log = self.folder / "path" / "log"
        return log.read_text().splitlines() if log.exists() else []

    def ticks(self) -> int:
        """How long builds have worked so far, in tenths of seconds."""
        log = self.folder / "path" / "log.ticks"
        return len(log.read_text().splitlines()) if log.exists() else 0

    def build_group(self) -> int:
        """The process group of the build that was started last."""
        return int((self.folder / "path" / "log.pid").read_text())

    def wait_for_tick(self) -> None:
        """Returns when a build is at work, its program half written."""
        deadline = time.monotonic() + WAIT_SECONDS
        while self.ticks() < 2:  # By then the installer holds the process that it has started.
            assert time.monotonic() < deadline, "no build has started"
            time.sleep(0.01)

    def installed(self, name: str) -> list[Path]:
        """The files of a program's versions in the store."""
        return sorted(path for path in self.store.glob(f"{name}/[!.]*/*") if path.is_file())

    def says(self, name: str) -> str:
        """What the program says when it is run from the folder for PATH."""
        path = Store(self.store).bin(load(self.table))
        return subprocess.run([path / name], capture_output=True, text=True, check=True, env={}).stdout.strip()

    def leftovers(self) -> list[str]:
        """Scratch files and folders of runs in the store; locks are there to stay."""
        return [path.name for path in self.store.rglob(".*") if path.name != ".lock"]


@pytest.fixture
def sandbox(tmp_path: Path) -> Sandbox:
    (tmp_path / "path").mkdir()
    return Sandbox(
        tmp_path,
        {
            "PATH": str(tmp_path / "path"),
            "HOME": str(tmp_path),
            "TOOLCHAIN_DIR": str(tmp_path / "store"),
            "TOOLCHAIN_MIRROR": "off",
            "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
        },
    )


@pytest.fixture
def releases(tmp_path: Path, sandbox: Sandbox) -> Iterator[ReleaseServer]:
    """A server that the sandbox takes releases from."""
    server = ReleaseServer(tmp_path / "served")
    sandbox.environment["TOOLCHAIN_MIRROR"] = server.url
    yield server
    server.close()
