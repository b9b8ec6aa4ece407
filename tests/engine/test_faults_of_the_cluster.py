"""The API server dies, or etcd, under `up`, `drift` and `heal`: a clear message, nothing lost, and `up` converges."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from local.cluster import LocalCluster
from ops import drift, heal
from tests.engine.dead_programs import API_SERVER, ETCD, stand_up, strike, without
from tests.engine.editing import Hand, asked
from tests.engine.faults import (
    address,
    claims_of,
    command,
    converges,
    dying_at,
    ended,
    keys_in_cluster,
    keys_in_state,
    prefix_of,
    recovered,
    running_up,
)
from tests.engine.interrupting import held, interruptible, let_go, ops, pods, records
from tests.engine.kube import at_rest, eventually
from tests.engine.operations import Answer
from tests.engine.stacks import Stack

TIMEOUT = 10
"""Seconds that a release gets, where the API server is away for longer."""


@pytest.fixture(scope="module")
def deployed(doomed: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack; each test leaves it as it was."""
    with interruptible(doomed, tmp_path_factory.mktemp("deployed"), "deployed") as stack:
        stack.up()
        yield stack


@pytest.fixture
def fresh(doomed: LocalCluster, tmp_path: Path) -> Iterator[Stack]:
    """A stack that is not deployed yet, whose Ollama finds no node until it is let go by the stack's prefix."""
    prefix = prefix_of(tmp_path)
    with interruptible(doomed, tmp_path, prefix) as stack:
        stack.change(held("ollama", prefix))
        yield stack


@pytest.fixture
def hand(deployed: Stack) -> Iterator[Hand]:
    """Somebody with kubectl in Ollama's namespace."""
    with asked(deployed.cluster) as api:
        yield Hand(api, deployed.ollama)


def is_at_work(stack: Stack, app: str, status: str) -> bool:
    """Whether helm is at work on a release, and has come as far as its pods."""
    latest = records(stack, app).latest
    return latest is not None and latest.status == status and bool(pods(stack, app))


def could_not_tell(answer: Answer, stack: Stack) -> None:
    """The exit code of not knowing, and a message that names server and way, without a Python traceback."""
    said = answer.out + answer.err
    assert answer.code == 1, said
    assert "ould not tell" in said and "Traceback" not in said
    assert address(stack) in said and f"kubectl --kubeconfig {stack.engine.kubeconfig} --context" in said, said


# --- up ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("component", [API_SERVER, ETCD])
def test_an_install_goes_on_when_what_died_under_it_is_back(fresh: Stack, tmp_path: Path, component: str) -> None:
    with running_up(fresh) as engine:
        eventually(lambda: is_at_work(fresh, "ollama", "pending-install"), 180)
        with without(fresh.cluster, component):
            assert engine.poll() is None
        let_go(fresh.api, prefix_of(tmp_path))
        code, printed = ended(fresh, engine)
    assert code == 0, printed
    assert keys_in_cluster(fresh).items() and set(keys_in_cluster(fresh).values()) <= set(keys_in_state(fresh).values())
    converges(fresh)


def test_an_upgrade_whose_api_server_stays_away_says_so_and_is_mended_by_recover(deployed: Stack) -> None:
    keys, live, claims = keys_in_state(deployed), keys_in_cluster(deployed), claims_of(deployed)
    change = {**held("librechat", "away"), "librechat.chart.timeout": TIMEOUT}
    with deployed.changed(change):
        with running_up(deployed) as engine:
            eventually(lambda: is_at_work(deployed, "librechat", "pending-upgrade"), 180)
            strike(deployed.cluster, API_SERVER)
            code, printed = ended(deployed, engine)
        print(printed)
        assert code != 0
        assert "release librechat" in printed.lower() and address(deployed) in printed
        away = ops(deployed, "recover", "--yes")
        assert away.returncode == 2 and address(deployed) in away.stderr, away
        stand_up(deployed.cluster)
        again = deployed.fail("up", "--yes", "--skip-preview")
        assert "make recover STACK=dev" in again
    recovered(deployed)
    converges(deployed)
    assert (keys_in_state(deployed), keys_in_cluster(deployed), claims_of(deployed)) == (keys, live, claims)


# --- drift ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.99])
def test_drift_whose_api_server_dies_under_it_can_not_tell_and_says_why(deployed: Stack, part: float) -> None:
    at_rest(deployed.cluster)  # As many requests both times.
    with dying_at(deployed.cluster, lambda *_: False) as made:
        assert command(drift, deployed).code == 0
    last = int(part * len(made))
    try:
        with dying_at(deployed.cluster, lambda number, *_: number == last):
            could_not_tell(command(drift, deployed), deployed)
    finally:
        stand_up(deployed.cluster)
    assert command(drift, deployed).code == 0


def test_drift_without_etcd_can_not_tell_and_says_why(deployed: Stack) -> None:
    with without(deployed.cluster, ETCD):
        could_not_tell(command(drift, deployed), deployed)
    assert command(drift, deployed).code == 0


# --- heal -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("writes_before", [0, 1, 2])
def test_heal_whose_api_server_dies_under_a_write_says_what_it_did_and_ends_it_later(
    deployed: Stack, hand: Hand, writes_before: int
) -> None:
    hand.scale("apps/v1/deployments/ollama", 3)
    hand.patch("v1/services/ollama", {"metadata": {"labels": {"by": "hand"}}})
    seen: set[str] = set()

    def at(number: int, method: str, writes: bool) -> bool:
        if writes:  # One that a controller was quicker than is sent again, and is the same.
            seen.add(made[number])
        return writes and len(seen) == writes_before + 1

    try:
        with dying_at(deployed.cluster, at) as made:
            answer = command(heal, deployed)
    finally:
        stand_up(deployed.cluster)
    assert len(seen) > writes_before, made
    could_not_tell(answer, deployed)
    assert answer.out.count("healed: ") == min(writes_before, 2), answer
    assert "not healed: " in answer.err, answer

    assert command(heal, deployed).code == 0
    live: Any = AppsV1Api(deployed.api).read_namespaced_deployment("ollama", deployed.ollama)
    assert live.spec.replicas == 1
    assert "by" not in hand.get("v1/services/ollama")["metadata"]["labels"]
    converges(deployed)
    deployed.run("preview", "--refresh", "--expect-no-changes")
