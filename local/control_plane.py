"""The processes of a local cluster: kwokctl sets them up and starts them, this module watches and ends them."""

import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import SystemRandom
from typing import NamedTuple

import yaml


class ControlPlaneError(RuntimeError):
    """The control plane can't be started or ended; the message says which program and why."""


class PortTakenError(ControlPlaneError):
    """A component found its port in use: another program took it after it had been chosen."""


class MissingProgramsError(ControlPlaneError):
    """Programs of the control plane are not on PATH; the message names them."""


class Component(NamedTuple):
    """One process: kwokctl's name for it, the program, and kwokctl's option that holds the program's path."""

    name: str
    program: str
    option: str


COMPONENTS = (
    Component("etcd", "etcd", "etcdBinary"),
    Component("kube-apiserver", "kube-apiserver", "kubeApiserverBinary"),
    Component("kube-controller-manager", "kube-controller-manager", "kubeControllerManagerBinary"),
    Component("kube-scheduler", "kube-scheduler", "kubeSchedulerBinary"),
    Component("kwok-controller", "kwok", "kwokControllerBinary"),
)
NAMES = frozenset(component.name for component in COMPONENTS)

PORT_OPTIONS = (
    "etcdPeerPort",
    "etcdPort",
    "kubeApiserverPort",
    "kubeControllerManagerPort",
    "kubeSchedulerPort",
    "kwokControllerPort",
)

PROC = Path("/proc")


SIMULATED = "kwok.x-k8s.io/node=fake"
"""Annotation of the nodes whose pods kwok plays."""


@dataclass(frozen=True)
class ControlPlane:
    """The processes and files of the cluster `name`; every file is under `home`, which kwokctl takes for its $HOME."""

    home: Path
    name: str

    @property
    def workdir(self) -> Path:
        """The folder in which kwokctl keeps this cluster: etcd's data, certificates, logs, pids."""
        return self.home / ".kwok" / "clusters" / self.name

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig as kwokctl wrote it."""
        return self.workdir / "kubeconfig.yaml"

    def exists(self) -> bool:
        """Whether a cluster of this name was set up here, running or not."""
        return self.kubeconfig.is_file() and (self.workdir / "etcd" / "member").is_dir()

    def create(self, programs: dict[str, str]) -> None:
        """Set the cluster up on free ports and start its processes, without waiting until they serve."""
        self.home.mkdir(parents=True, mode=0o700)
        self._config.write_text(yaml.safe_dump(kwokctl_configuration(self.name, programs), sort_keys=False))
        self._kwokctl(programs, "create", "cluster", "--kubeconfig", "")

    def resume(self, programs: dict[str, str]) -> None:
        """Start the processes of a cluster that was set up before, on its old ports and data."""
        self.kill()
        self.start_missing(programs)

    def start_missing(self, programs: dict[str, str]) -> None:
        """Start those processes that don't run."""
        for component in COMPONENTS:
            link = self.workdir / "bin" / component.name
            link.unlink(missing_ok=True)
            link.symlink_to(programs[component.program])
        # kwokctl takes any process with a remembered pid for its own: after a reboot somebody else's, and always a
        # dead one that nobody has reaped yet.
        alive = self.running()
        for pid_file in self.workdir.glob("pids/*.pid"):
            if pid_file.stem not in alive:
                pid_file.unlink()
        self._kwokctl(programs, "start", "cluster")

    def running(self) -> dict[str, int]:
        """Component name → pid of this cluster's running processes."""
        return {name: pid for pid, name in _processes(self.home)}

    def check(self, needed: Collection[str] = NAMES) -> None:
        """Raise when one of the needed components has ended, with the last lines of its log.

        Raises PortTakenError if it found its port in use, else ControlPlaneError.
        """
        alive = self.running()
        for name in (component.name for component in COMPONENTS if component.name in needed):
            if name not in alive:
                log = self.workdir / "logs" / f"{name}.log"
                text = log.read_text(errors="replace") if log.is_file() else ""
                kind = PortTakenError if "address already in use" in text else ControlPlaneError
                raise kind(f"{name} has ended. The end of its log {log}:\n" + "\n".join(text.splitlines()[-5:]))

    def kill(self) -> None:
        """End every process of this cluster at once and wait until they are gone.

        Not `kwokctl stop`: that kills whatever now has a remembered pid (kwok 0.8.0, read 2026-11). SIGKILL loses
        nothing: etcd syncs a write before it acknowledges it.
        """
        deadline = time.monotonic() + 10
        while processes := _processes(self.home):
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"these processes don't end: {processes}")
            for pid, _ in processes:
                try:
                    os.kill(pid, signal.SIGKILL)
                except ProcessLookupError:
                    continue
            time.sleep(0.05)

    def remove(self) -> None:
        """End every process and delete every file of this cluster, its volumes included."""
        self.kill()
        volumes = self.volumes()
        for volume in volumes:
            shutil.rmtree(volume, ignore_errors=True)
        for parent in {volume.parent for volume in volumes}:
            with suppress(OSError):  # It holds another cluster's volumes, or that one has just removed it.
                parent.rmdir()
        if self.home.exists():
            shutil.rmtree(self.home)

    def volumes(self) -> set[Path]:
        """Folders of every persistent volume that this cluster ever provisioned.

        Read from etcd's files: this works with the API server down, finds retained and half-deleted volumes, and
        can't find another cluster's, since each folder name is a fresh UUID.
        """
        pattern = re.compile(rb"/tmp/hostpath_pv/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
        files = [path for path in (self.workdir / "etcd").rglob("*") if path.is_file()]
        return {Path(found.decode()) for file in files for found in pattern.findall(file.read_bytes())}

    @property
    def _config(self) -> Path:
        return self.home / "kwokctl.yaml"

    def _kwokctl(self, programs: dict[str, str], *arguments: str) -> None:
        # Only HOME is passed: kwokctl keeps everything under it, and never sees the user's KUBECONFIG, KWOK_* options
        # or proxies. (KWOK_WORKDIR is cut off at a space, kwok 0.8.0.) With an empty PATH it finds no kubectl of the
        # user's and takes the one that its configuration names.
        command = [programs["kwokctl"], "--config", str(self._config), "--name", self.name, *arguments]
        environment = {"HOME": str(self.home), "PATH": ""}
        try:
            done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
        except subprocess.TimeoutExpired as error:
            raise ControlPlaneError(f"{' '.join(command)} didn't end within {error.timeout} s.") from error
        if done.returncode != 0:
            raise ControlPlaneError(f"{' '.join(command)} ended with exit code {done.returncode}:\n{done.stderr}")


def find_programs() -> dict[str, str]:
    """Program name → absolute path on PATH; raises MissingProgramsError that names every missing one."""
    names = [component.program for component in COMPONENTS] + ["kwokctl", "true"]
    found = {name: path for name in names if (path := shutil.which(name))}
    if missing := [name for name in names if name not in found]:
        raise MissingProgramsError(
            f"not found on PATH: {', '.join(missing)}.\n"
            "  It is made of these programs. `make toolchain` installs them, and make's targets put them on PATH."
        )
    return {name: str(Path(path).absolute()) for name, path in found.items()}


def kwokctl_configuration(name: str, programs: dict[str, str]) -> dict[str, object]:
    """What kwokctl needs to know to make the cluster from local programs only, on free loopback ports."""
    options: dict[str, object] = {
        "runtime": "binary",
        # kwokctl's default is 0.0.0.0, with an etcd that asks for no password.
        "bindAddress": "127.0.0.1",
        # Were a neighbour's etcd to answer on our port, neither cluster could see or change the other's objects.
        "etcdPrefix": f"/{name}",
        # kwokctl would download kubectl only to wait for the API server. local.cluster waits by itself.
        "kubectlBinary": programs["true"],
    }
    options |= {component.option: programs[component.program] for component in COMPONENTS}
    options |= dict(zip(PORT_OPTIONS, free_ports(len(PORT_OPTIONS)), strict=True))
    api_server = {
        # Without a default route (a laptop that is offline) the API server finds no address of its own and ends. A
        # loopback address can't be published as the endpoint of the Service `kubernetes`, and nobody would call it.
        "advertise-address": "127.0.0.1",
        "endpoint-reconciler-type": "none",
        # The default has 254 addresses; `make bench` makes more Services than that.
        "service-cluster-ip-range": "10.96.0.0/16",
        # What an event tells is gone after an hour by default: on a laptop, people look in the afternoon at what they
        # deployed in the morning.
        "event-ttl": "24h",
    }
    # There is one of each. With elections, one that is killed blocks its successor for 15 s, and one that can't reach
    # the API server for 10 s (a laptop that was asleep) ends.
    scheduler = {"leader-elect": "false"}
    controllers = {
        "leader-elect": "false",
        "enable-hostpath-provisioner": "true",
        # A released volume may have to wait for the next round before it is deleted; the default is 15 s.
        "pvclaimbinder-sync-period": "1s",
    }
    # With all nodes to manage, kwok plays pods of nodes that others hold the lease of, too, whenever its pod controller
    # happens to start before its node controller (kwok 0.8.0, controller.go, initPodController; seen 2026-11).
    # It plays no pods until it holds the nodes' leases, and one that is started again takes them over when those of its
    # predecessor have run out: after 200 s by default. By then the controller manager may have marked all pods as not
    # ready (node-monitor-grace-period, 200 s too), and kwok makes no pod ready a second time (0.8.0, read 2026-11).
    kwok = {
        "manage-all-nodes": "false",
        "manage-nodes-with-annotation-selector": SIMULATED,
        "node-lease-duration-seconds": "40",
    }
    return {
        "apiVersion": "config.kwok.x-k8s.io/v1alpha1",
        "kind": "KwokctlConfiguration",
        "options": options,
        "componentsPatches": [
            _extra_arguments("kube-apiserver", api_server),
            _extra_arguments("kube-controller-manager", controllers),
            _extra_arguments("kube-scheduler", scheduler),
            _extra_arguments("kwok-controller", kwok),
        ],
    }


def free_ports(count: int) -> list[int]:
    """`count` different loopback ports on which nothing listens.

    They are random, so that clusters that start at the same moment rarely choose the same ones (PortTakenError tells),
    and below 32768, where Linux begins to hand out ports to outgoing connections.
    """
    ports: list[int] = []
    while len(ports) < count:
        port = SystemRandom().randrange(10000, 30000)
        if port not in ports and _is_free(port):
            ports.append(port)
    return ports


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _extra_arguments(component: str, arguments: dict[str, str]) -> dict[str, object]:
    return {"name": component, "extraArgs": [{"key": key, "value": value} for key, value in arguments.items()]}


def _processes(home: Path) -> list[tuple[int, str]]:
    """Pid and component name of each control plane process that belongs to `home`."""
    if not PROC.is_dir():
        return _processes_by_ps(home)
    found = []
    for process in PROC.glob("[0-9]*"):
        try:
            program = Path(os.fsdecode((process / "cmdline").read_bytes().split(b"\0")[0])).name
            # kwokctl starts each component in the cluster's folder. The link follows a folder that was moved, and
            # still names one that was deleted ("… (deleted)").
            if program in NAMES and (process / "cwd").readlink().is_relative_to(home):
                found.append((int(process.name), program))
        except OSError:
            continue  # It ended meanwhile, or is another user's.
    return found


def _processes_by_ps(home: Path) -> list[tuple[int, str]]:
    listing = subprocess.run(["ps", "-axww", "-o", "pid=,args="], capture_output=True, text=True, check=True).stdout
    ours = re.compile(rf"^\s*(\d+) {re.escape(str(home))}/.*?/bin/({'|'.join(NAMES)}) ", re.MULTILINE)
    return [(int(pid), name) for pid, name in ours.findall(listing)]
