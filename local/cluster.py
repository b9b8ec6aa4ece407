"""A real Kubernetes control plane on this machine, with simulated nodes: `python -m local.cluster up|down|status`.

etcd, the API server, the controllers and the scheduler are the real programs. The nodes are kwok's: pods on them are
scheduled and become Ready, Jobs complete, claims are bound to empty folders, but no container ever runs.
"""

import argparse
import fcntl
import hashlib
import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from local import contents
from local.control_plane import NAMES, ControlPlane, ControlPlaneError, PortTakenError, find_programs

START_TIMEOUT = 60  # seconds; on two cores one cluster takes 4 to 5, four that start at once take 8 (2026-11)
PORT_ATTEMPTS = 3

Origin = Literal["created", "reused", "restarted", "recreated"]
Status = Literal["running", "stopped", "absent"]
Say = Callable[[str], None]


@dataclass(frozen=True)
class LocalCluster:
    """A running local cluster.

    `kubeconfig` is the only file that names it, `context` its only context. `origin` tells what start() found:
    "recreated" means that a cluster was there which couldn't be started again, and that all it held is gone.
    """

    directory: Path
    name: str
    kubeconfig: Path
    context: str
    origin: Origin


def start(directory: Path, *, gpu: bool = True, say: Say = print) -> LocalCluster:
    """Make sure that the cluster of this directory runs and return it once pods can be scheduled.

    A running cluster is reused, one that has died or was paused is started again with its data, one that can't be is
    created anew, and `say` is told so. Without `gpu` the cluster has no GPU node. Raises ControlPlaneError with the
    reason when there is no cluster to be had; none of its processes is left running then.
    """
    directory = directory.resolve()
    with _locked(directory):
        plane = _control_plane(directory)
        origin = _bring_up(plane, gpu=gpu, say=say)
        kubeconfig = directory / "kubeconfig"
        kubeconfig.touch(mode=0o600)
        shutil.copyfile(plane.kubeconfig, kubeconfig)
    return LocalCluster(directory, plane.name, kubeconfig, context=f"kwok-{plane.name}", origin=origin)


def stop(directory: Path) -> None:
    """End the cluster of this directory without trace: its processes, files and volumes.

    A directory that is empty then goes too. Does nothing where there is no cluster. Raises ControlPlaneError when a
    process doesn't end.
    """
    directory = directory.resolve()
    with _locked(directory):
        _control_plane(directory).remove()
        (directory / "kubeconfig").unlink(missing_ok=True)
        with suppress(OSError):  # It holds something else.
            directory.rmdir()


def pause(directory: Path) -> None:
    """End the processes of the cluster but keep its data; start() goes on from there."""
    directory = directory.resolve()
    with _locked(directory):
        _control_plane(directory).kill()


def status(directory: Path) -> Status:
    """Whether the cluster of this directory serves, is stopped (or only half alive), or isn't there at all."""
    plane = _control_plane(directory.resolve())
    if not plane.exists() and not plane.running():
        return "absent"
    return "running" if _is_healthy(plane) else "stopped"


def _control_plane(directory: Path) -> ControlPlane:
    # The name makes contexts of several checkouts distinct. A checkout that was moved or copied gets a new name, hence
    # a new cluster: the paths of the old one are all over its configuration.
    fingerprint = hashlib.sha256(os.fsencode(directory)).hexdigest()[:8]
    return ControlPlane(home=directory / "cluster", name=f"private-chatgpt-{fingerprint}")


def _bring_up(plane: ControlPlane, *, gpu: bool, say: Say) -> Origin:
    if _is_healthy(plane):
        _serve(plane, gpu=gpu)
        return "reused"
    programs = find_programs()  # Before anything is touched: without them a cluster that is there stays as it is.
    if plane.exists():
        try:
            plane.resume(programs)
            _serve(plane, gpu=gpu)
            return "restarted"
        except ControlPlaneError as error:
            say(f"The local cluster can't be started again: {error}\nIt is created anew; what it held is gone.")
    elif plane.home.exists():
        say("A local cluster was made here only by half, or its folder was moved. It is created anew.")
    found = plane.home.exists()
    _create(plane, programs, gpu=gpu)
    return "recreated" if found else "created"


def _create(plane: ControlPlane, programs: dict[str, str], *, gpu: bool) -> None:
    for attempts_left in reversed(range(PORT_ATTEMPTS)):
        plane.remove()
        try:
            plane.create(programs)
            _serve(plane, gpu=gpu)
            return
        except BaseException as error:  # Ctrl-C too must not leave half a cluster running.
            plane.remove()
            if not isinstance(error, PortTakenError) or not attempts_left:
                raise


def _serve(plane: ControlPlane, *, gpu: bool) -> None:
    """Fill the starting cluster and return once pods can be scheduled on it."""
    with contents.connect(plane.kubeconfig) as api:
        _wait(
            lambda: None if contents.is_served(api) else "the API server",
            lambda: plane.check({"etcd", "kube-apiserver"}),
        )
        check = _reviving_once(plane)
        check()
        try:
            contents.fill(api, gpu=gpu)
            _wait(lambda: contents.pending(api), check)
        except contents.API_ERRORS as error:
            raise ControlPlaneError(f"the API server refused a request: {error}") from error


def _reviving_once(plane: ControlPlane) -> Callable[[], None]:
    """Checks that every program runs; what has ended is started again, once.

    On a busy machine the API server may take more than 10 s, and kube-controller-manager doesn't wait longer
    (Kubernetes 1.36.3, read 2026-11). It may end a moment after the API server began to answer, too.
    """
    revived = False

    def check() -> None:
        nonlocal revived
        try:
            plane.check()
        except PortTakenError:
            raise
        except ControlPlaneError:
            if revived:
                raise
            revived = True
            plane.start_missing(find_programs())

    return check


def _wait(pending: Callable[[], str | None], check: Callable[[], None]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while what := pending():
        check()
        if time.monotonic() > deadline:
            raise ControlPlaneError(f"after {START_TIMEOUT} s the cluster still waits for {what}.")
        time.sleep(0.1)


def _is_healthy(plane: ControlPlane) -> bool:
    if not plane.exists() or plane.running().keys() != NAMES:
        return False
    with contents.connect(plane.kubeconfig) as api:
        return contents.is_served(api)


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Let one process at a time work on the cluster of this directory."""
    directory.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(directory, os.O_RDONLY)  # The lock is on the folder itself and leaves no file behind.
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code, 1 for an error and for `status` of a cluster that isn't up."""
    parser = argparse.ArgumentParser(prog="python -m local.cluster", description="A cluster with simulated nodes.")
    parser.add_argument("command", choices=["up", "down", "status"])
    parser.add_argument("--directory", type=Path, default=Path(".local"), help="where it lives (default: .local)")
    options = parser.parse_args(arguments)
    try:
        return {"up": _up, "down": _down, "status": _status}[options.command](options.directory)
    except ControlPlaneError as error:
        print(f"Local cluster: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return 130


def _up(directory: Path) -> int:
    began = time.monotonic()
    cluster = start(directory)
    print(
        f"Local cluster {cluster.name} {cluster.origin} in {time.monotonic() - began:.1f} s.\n"
        "  API server, scheduler and controllers are real, its nodes are SIMULATED: pods are scheduled and become\n"
        "  Ready, but run no containers. No model answers there.\n"
        f"  export KUBECONFIG={shlex.quote(str(cluster.kubeconfig))}"
    )
    return 0


def _down(directory: Path) -> int:
    before = status(directory)
    stop(directory)
    print("There was no local cluster." if before == "absent" else "The local cluster is gone, with data and volumes.")
    return 0


def _status(directory: Path) -> int:
    state = status(directory)
    print(f"The local cluster in {directory} is {state}.")
    return 0 if state == "running" else 1


if __name__ == "__main__":
    sys.exit(main())
