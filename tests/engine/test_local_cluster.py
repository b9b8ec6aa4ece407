"""The local cluster behaves like a cluster, stays in its directory and leaves no trace."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, CoreV1Api

from local import cluster as local_cluster
from local import control_plane
from local.cluster import LocalCluster, pause, start, status, stop
from local.contents import connect
from local.control_plane import NAMES, MissingProgramsError, free_ports
from tests.engine.dead_programs import plane_of
from tests.engine.kube import (
    config_maps,
    create_claim,
    create_pod,
    empty_default_namespace,
    eventually,
    is_ready,
    read_pod,
)

REPOSITORY = Path(__file__).parents[2]


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[Path]:
    """Where a test makes a cluster of its own; a space in the path must not matter."""
    place = tmp_path / "a check out" / ".local"
    yield place
    stop(place)


class Trap:
    """A server on loopback that counts who knocks: it stands for the cluster of the user's own kubeconfig."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.contacts = 0
        threading.Thread(target=self._count, daemon=True).start()

    def _count(self) -> None:
        while True:
            connection, _ = self.listener.accept()
            self.contacts += 1
            connection.close()


def test_nothing_listens_outside_loopback(cluster: LocalCluster) -> None:
    listening = [address for pid in plane_of(cluster).running().values() for address in listening_addresses(pid)]
    assert len(listening) >= len(control_plane.PORT_OPTIONS)
    assert set(listening) == {"127.0.0.1"}


def test_two_checkouts_start_at_the_same_moment_and_never_touch_the_users_own_cluster(
    cluster: LocalCluster, api: ApiClient, directory: Path, tmp_path: Path
) -> None:
    trap, home = Trap(), tmp_path / "home"
    (home / ".kube").mkdir(parents=True)
    own = home / ".kube" / "config"
    own.write_text(users_kubeconfig(trap.port))
    environment = os.environ | {"HOME": str(home), "KUBECONFIG": str(own), "KWOK_RUNTIME": "docker"}
    other = tmp_path / "other"
    kept = create_claim(api, "of-the-first-cluster")
    try:
        ups = [run_cli("up", place, environment) for place in (directory, other)]
        outputs = [finish(up) for up in ups]
        assert [status(directory), status(other), status(cluster.directory)] == ["running"] * 3
        assert all("created in" in output and "nodes are SIMULATED" in output for output in outputs)
        assert f"export KUBECONFIG='{directory / 'kubeconfig'}'" in outputs[0]
        ours = {node_uid(place / "kubeconfig") for place in (directory, other, cluster.directory)}
        assert len(ours) == 3

        with connect(directory / "kubeconfig") as second:
            gone = create_claim(second, "of-the-second-cluster")
        assert "is gone" in finish(run_cli("down", directory, environment))
        finish(run_cli("down", other, environment))
    finally:
        stop(other)

    assert not processes_of(directory) and not processes_of(other)
    assert not directory.exists() and not other.exists() and not gone.exists()
    assert kept.exists() and status(cluster.directory) == "running"
    assert own.read_text() == users_kubeconfig(trap.port)
    assert [path for path in home.rglob("*") if path.is_file()] == [own]
    assert trap.contacts == 0
    assert trap_answers(trap)
    empty_default_namespace(api)


@pytest.mark.alone
def test_it_starts_within_15_seconds_and_a_running_one_is_reused_with_or_without_a_gpu_node(directory: Path) -> None:
    began = time.monotonic()
    first = start(directory, gpu=False)
    assert time.monotonic() - began < 15
    assert (first.origin, node_names(first)) == ("created", {"cpu-node"})
    before = plane_of(first).running()
    assert before.keys() == NAMES

    again = start(directory)
    assert (again.origin, node_names(again)) == ("reused", {"cpu-node", "gpu-node"})
    assert node_names(start(directory, gpu=False)) == {"cpu-node"}
    assert plane_of(again).running() == before


def test_a_node_that_is_not_marked_as_simulated_is_left_alone(cluster: LocalCluster) -> None:
    with connect(cluster.kubeconfig) as api:
        core = CoreV1Api(api)
        for name, annotations in (("somebodys", {}), ("simulated", {"kwok.x-k8s.io/node": "fake"})):
            body: Any = {"metadata": {"name": name, "annotations": annotations}}
            core.create_node(body)
        try:
            eventually(lambda: "Ready" in conditions_of(core, "simulated"))
            assert conditions_of(core, "somebodys") == set()
        finally:
            for name in ("somebodys", "simulated"):
                core.delete_node(name)


def conditions_of(core: CoreV1Api, node: str) -> set[str]:
    found: Any = core.read_node(node)
    return {item.type for item in found.status.conditions or ()}


def test_a_killed_cluster_is_started_again_with_its_data_and_a_ruined_one_is_made_anew(
    directory: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    first = start(directory)
    with connect(first.kubeconfig) as api:
        kept: Any = {"metadata": {"name": "kept"}}
        CoreV1Api(api).create_namespaced_config_map("default", kept)
        folder = create_claim(api, "before")
    for component in ("etcd", "kube-controller-manager"):
        os.kill(plane_of(first).running()[component], signal.SIGKILL)
    eventually(lambda: status(directory) == "stopped")

    # Without its programs nothing can be started, and nothing that is there may be thrown away.
    with monkeypatch.context() as patch, pytest.raises(MissingProgramsError):
        patch.setenv("PATH", "")
        start(directory)

    second = start(directory)
    assert (second.origin, second.name) == ("restarted", first.name)
    with connect(second.kubeconfig) as api:
        assert "kept" in [found.metadata.name for found in config_maps(api)]
        create_claim(api, "after")  # the controllers work too
        create_pod(api, "after", wait=False)
        # And kwok, once its predecessor's leases have run out; by default that would be after three minutes.
        eventually(lambda: is_ready(read_pod(api, "after")), 120)

    pause(directory)
    assert status(directory) == "stopped" and not processes_of(directory)
    (plane_of(second).workdir / "etcd" / "member" / "snap" / "db").write_bytes(b"torn by a power cut")
    assert folder.exists()
    capsys.readouterr()
    third = start(directory)
    assert third.origin == "recreated"
    said = capsys.readouterr().out
    assert "etcd has ended" in said and "created anew; what it held is gone" in said
    with connect(third.kubeconfig) as api:
        assert "kept" not in [found.metadata.name for found in config_maps(api)]
    assert not folder.exists()


def test_it_ends_without_trace_when_its_api_server_is_down(directory: Path) -> None:
    made = start(directory)
    neighbour = directory / "passphrase"
    neighbour.write_text("not the cluster's")
    with connect(made.kubeconfig) as api:
        folder = create_claim(api, "data")
    assert processes_of(directory)
    pause(directory)
    assert folder.exists()
    stop(directory)
    assert not folder.exists()
    assert list(directory.iterdir()) == [neighbour]
    assert status(directory) == "absent"


def test_its_processes_are_found_and_ended_after_its_directory_was_deleted(directory: Path) -> None:
    plane = plane_of(start(directory, gpu=False))
    shutil.rmtree(directory)
    assert plane.running().keys() == NAMES
    stop(directory)
    assert not processes_of(directory)


def test_a_port_that_somebody_took_meanwhile_leads_to_other_ports(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as somebody:
        taken = somebody.getsockname()[1]
        choices: list[Callable[[], list[int]]] = [
            lambda: [*free_ports(4), taken, *free_ports(1)],
            lambda: free_ports(6),
        ]
        assert control_plane.PORT_OPTIONS[4] == "kubeSchedulerPort"
        monkeypatch.setattr(control_plane, "free_ports", lambda count: choices.pop(0)())
        made = start(directory, gpu=False)
    assert not choices
    assert plane_of(made).running().keys() == NAMES


def test_programs_that_are_missing_are_named(directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    programs = control_plane.find_programs()
    for name in programs.keys() - {"kube-scheduler", "kwok"}:
        (tmp_path / name).symlink_to(programs[name])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MissingProgramsError) as error:
        start(directory)
    assert "not found on PATH: kube-scheduler, kwok.\n" in str(error.value)
    assert "make toolchain" in str(error.value)
    assert not any(directory.iterdir())


def test_status_tells_that_there_is_no_cluster(directory: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert local_cluster.main(["status", "--directory", str(directory)]) == 1
    assert capsys.readouterr().out == f"The local cluster in {directory} is absent.\n"
    assert local_cluster.main(["down", "--directory", str(directory)]) == 0
    assert capsys.readouterr().out == "There was no local cluster.\n"


def test_a_system_without_proc_finds_the_same_processes(cluster: LocalCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    by_proc = plane_of(cluster).running()
    monkeypatch.setattr(control_plane, "PROC", Path("/no/such/folder"))
    assert plane_of(cluster).running() == by_proc
    assert by_proc.keys() == NAMES


def node_names(cluster: LocalCluster) -> set[str]:
    with connect(cluster.kubeconfig) as api:
        nodes: list[Any] = CoreV1Api(api).list_node().items
    return {node.metadata.name for node in nodes}


def node_uid(kubeconfig: Path) -> str:
    with connect(kubeconfig) as api:
        node: Any = CoreV1Api(api).read_node("cpu-node")
    return str(node.metadata.uid)


def processes_of(directory: Path) -> list[str]:
    """Command lines of running processes that name this directory."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [line for line in found if str(directory) in line]


def listening_addresses(pid: int) -> list[str]:
    """Addresses on which a process listens, IPv6 ones as the kernel prints them."""
    inodes = set()
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(OSError):
            inodes.add(str(descriptor.readlink()).removeprefix("socket:[").removesuffix("]"))
    rows = [
        line.split() for table in ("tcp", "tcp6") for line in Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    ]
    local = [row[1].partition(":")[0] for row in rows if row[3] == "0A" and row[9] in inodes]
    return ["127.0.0.1" if address == "0100007F" else address for address in local]


def users_kubeconfig(port: int) -> str:
    return f"""apiVersion: v1
kind: Config
current-context: production
clusters: [{{name: production, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
contexts: [{{name: production, context: {{cluster: production, user: me}}}}]
users: [{{name: me, user: {{token: mine}}}}]
"""


def trap_answers(trap: Trap) -> bool:
    """Whether the trap would have counted a contact."""
    socket.create_connection(("127.0.0.1", trap.port)).close()
    return bool(eventually(lambda: trap.contacts))


def run_cli(command: str, directory: Path, environment: dict[str, str]) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-m", "local.cluster", command, "--directory", str(directory)]
    return subprocess.Popen(
        arguments, cwd=REPOSITORY, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finish(process: subprocess.Popen[str]) -> str:
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0, output
    return output
