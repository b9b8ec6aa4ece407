"""Builds programs with `go build` from Go modules."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from toolchain.programs import GoModule, ModuleFile, Program

LINK_FLAGS = "-s -w"
SIGN_OF_LIFE_SECONDS = 20
KILL_SECONDS = 5
HINTS = (
    ("no space left on device", "Free some disk space: modules and build cache need about 10 GB."),
    ("signal: killed", "It was killed, likely for want of memory: linking pulumi-resource-kubernetes takes 2.6 GB."),
    (
        "proxyconnect|dial tcp|no such host|i/o timeout|connection re|TLS handshake|reading http|GOPROXY=off",
        "Go modules can't be fetched from here. Set GOPROXY to a Go module proxy that this machine reaches, or\n"
        "TOOLCHAIN_MIRROR to a mirror of the official releases (toolchain/download.py), and run again.",
    ),
)


class BuildError(Exception):
    """A build ended with an error: the program, go's last lines, what to do."""


@dataclass(frozen=True)
class Go:
    """The `go` command of this machine; `switches` says that it fetches a newer Go by itself if go.mod asks for one."""

    command: str
    version: str
    switches: bool

    @classmethod
    def of_machine(cls) -> Go | None:
        """The first `go` on PATH, or None."""
        command = shutil.which("go")
        if command is None:
            return None
        answer = subprocess.run([command, "env", "GOVERSION", "GOTOOLCHAIN"], capture_output=True, text=True, cwd="/")
        version, choice, *_ = [*answer.stdout.splitlines(), "", ""]
        # Go before 1.21 knows no GOTOOLCHAIN, and prints an empty line.
        return cls(command, version.partition(" ")[0].removeprefix("go"), "auto" in choice or "path" in choice)

    def lacks(self, module: GoModule) -> str | None:
        """Why this Go can't build a module, or None."""
        if self.switches or _numbers(self.version) >= _numbers(module.go_version):
            return None
        return f"Go {module.go_version} or newer (found {self.version or 'an unknown version'}: {self.command})"


class Build:
    """One program's build, in a scratch folder of its own: nothing is written into the repository."""

    def __init__(self, go: Go, program: Program, scratch: Path, lock: int, say: Callable[[str], None]) -> None:
        """`lock` is a file descriptor that go inherits: the lock lasts until the last of its processes has ended."""
        self._go = go
        self._program = program
        self._source = scratch / "source"
        self._temporary = scratch / "tmp"
        self._log = scratch / "go.log"
        self._lock = lock
        self._say = say
        self._started = time.monotonic()

    def run(self, into: Path) -> None:
        """Puts the program and the files beside it into a folder; raises BuildError."""
        module = self._program.go.module
        self._temporary.mkdir()
        for file in module.files():
            copy = self._source / file.relative_to(module.folder)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, copy)
        for wanted in module.embed:
            self._copy(wanted, self._source / wanted.name)
        for name, package in module.generate:
            self._go_build(package, self._temporary / "generate")
            self._run([str(self._temporary / "generate")], f"generating {name}", output=self._source / name)
        self._go_build(self._program.go.package, into / self._program.name)
        for wanted in self._program.go.beside:
            self._copy(wanted, into / wanted.name)
            (into / wanted.name).chmod(0o755)

    def _go_build(self, package: str, output: Path) -> None:
        module = self._program.go.module
        flags = ["-mod=readonly", "-trimpath", "-buildvcs=false", "-v", "-o", str(output)]
        flags += ["-ldflags", " ".join((LINK_FLAGS, *module.ldflags))]
        flags += ["-tags", ",".join(module.tags)] if module.tags else []
        flags += [f"-gcflags={module.gcflags}"] if module.gcflags else []
        self._run([self._go.command, "build", *flags, package], f"go build {package}")

    def _copy(self, wanted: ModuleFile, target: Path) -> None:
        """Copies a file out of a module, which go fetches (checked against go.sum) if it isn't there."""
        answer = self._temporary / "module.json"
        command = [self._go.command, "mod", "download", "-json", wanted.module]
        self._run(command, f"fetching {wanted.module}", output=answer)
        shutil.copyfile(Path(json.loads(answer.read_text())["Dir"], wanted.path), target)

    def _run(self, command: Sequence[str], doing: str, output: Path | None = None) -> None:
        """Runs a command to its end, in a process group of its own that doesn't outlive us if we are told to stop."""
        with self._log.open("wb") as log, (output or self._log.with_suffix(".out")).open("wb") as out:
            process = subprocess.Popen(
                command,
                cwd=self._source,
                env=self._environment(),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=log,
                process_group=0,
                pass_fds=(self._lock,),
            )
            try:
                while (status := _wait(process, SIGN_OF_LIFE_SECONDS)) is None:
                    self._say(f"{time.monotonic() - self._started:.0f} s, {self._latest() or doing}")
            finally:
                _end_group(process)
        if status != 0:
            raise BuildError(self._failure(doing, output))

    def _environment(self) -> dict[str, str]:
        inherited = {key: value for key, value in os.environ.items() if key not in {"GOOS", "GOARCH", "GOEXPERIMENT"}}
        # GOFLAGS: an empty one would let through what `go env -w GOFLAGS=…` has stored. GOTMPDIR: what a killed go
        # leaves behind goes with the scratch folder.
        return inherited | {
            "CGO_ENABLED": "0",
            "GOFLAGS": "-mod=readonly",
            "GOWORK": "off",
            "GOTMPDIR": str(self._temporary),
            "PWD": str(self._source),
        }

    def _latest(self) -> str:
        lines = self._log.read_text(errors="replace").splitlines()
        packages = [line for line in lines if " " not in line]
        return f"{len(packages)} packages compiled, last {packages[-1]}" if packages else ""

    def _failure(self, doing: str, output: Path | None) -> str:
        # `go mod download -json` writes its error into its answer.
        text = "".join(file.read_text(errors="replace") for file in (self._log, output) if file)
        told = [line for line in text.splitlines() if " " in line and not line.startswith("go: downloading ")]
        hint = next((hint for signs, hint in HINTS if any(sign in text for sign in signs.split("|"))), "")
        return "\n  ".join([f"{self._program} can't be built: {doing} failed:", *told[-12:], *hint.splitlines()])


def _wait(process: subprocess.Popen[bytes], seconds: float) -> int | None:
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None


def _end_group(process: subprocess.Popen[bytes]) -> None:
    """Ends a process that still runs, and the compilers that it has started."""
    if process.poll() is not None:
        return
    os.killpg(process.pid, signal.SIGTERM)
    if _wait(process, KILL_SECONDS) is None:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _numbers(version: str) -> tuple[int, ...]:
    """`1.26.8` as (1, 26, 8), `1.27rc1` as (1, 27); an unknown version is lower than any."""
    parts = version.split(".")
    leading = ["".join(char if char.isdigit() else " " for char in part).split(" ")[0] for part in parts]
    return tuple(int(number) for number in leading if number)
