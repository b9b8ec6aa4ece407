"""A program of the local cluster that ends while the cluster starts is started again, once."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from local import cluster
from local.control_plane import NAMES, ControlPlane, ControlPlaneError, PortTakenError


@dataclass(frozen=True)
class Faulty(ControlPlane):
    """A control plane whose checks find one thing after another; None is no fault."""

    found: list[ControlPlaneError | None]
    started: list[None] = field(default_factory=list)
    """One for each time that what was missing was started."""

    def check(self, needed: Collection[str] = NAMES) -> None:
        """What it finds next."""
        if error := self.found.pop(0):
            raise error

    def start_missing(self, programs: dict[str, str]) -> None:
        """Counted."""
        self.started.append(None)


@pytest.fixture(autouse=True)
def _without_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "find_programs", dict)


def faulty(*found: ControlPlaneError | None) -> Faulty:
    return Faulty(Path("nowhere"), "test", list(found))


def test_what_ends_before_or_after_the_api_server_answers_is_started_again_once() -> None:
    ended = ControlPlaneError("kube-controller-manager has ended")
    for moment in range(3):
        plane = faulty(*[None] * moment, ended, None, ended)
        check = cluster._reviving_once(plane)
        for _ in range(moment + 2):
            check()
        assert len(plane.started) == 1
        with pytest.raises(ControlPlaneError, match="kube-controller-manager has ended"):
            check()
        assert len(plane.started) == 1


def test_a_port_that_is_taken_is_for_the_caller() -> None:
    plane = faulty(PortTakenError("etcd has ended"))
    with pytest.raises(PortTakenError):
        cluster._reviving_once(plane)()
    assert len(plane.started) == 0
