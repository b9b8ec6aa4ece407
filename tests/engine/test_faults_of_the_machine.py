"""`up` is killed, runs twice, finds a full disk or a cut file: a clear message, nothing lost, `up` converges."""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from local.cluster import LocalCluster
from ops.recovery.locks import WRITING
from ops.recovery.notes import broken_notes
from tests.engine.faults import (
    changes,
    claims_of,
    converges,
    ended,
    everything,
    keys_in_cluster,
    keys_in_state,
    recovered,
    running_up,
    state_file,
    up_log,
)
from tests.engine.interrupting import held, interruptible, let_go, ops, place, pods
from tests.engine.kube import eventually, stored_in
from tests.engine.stacks import Stack

SEED = "FAULT_SEED"
"""Environment variable by which the moments of a failed run are tried again."""
CHAINS = 5
"""Stacks that are killed while they are installed, and then while they are upgraded: ten kills."""


@pytest.fixture(scope="module")
def deployed(doomed: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack; each test leaves it as it was."""
    with interruptible(doomed, tmp_path_factory.mktemp("deployed"), "machine") as stack:
        stack.up()
        yield stack


# --- killed at random moments -----------------------------------------------------------------------------------------


def test_an_up_that_is_killed_at_any_moment_is_mended_by_recover_and_the_next_one_converges(
    doomed: LocalCluster, deployed: Stack, tmp_path: Path
) -> None:
    seed = int(os.environ.get(SEED) or time.time_ns() % 10**6)
    print(f"To try these moments again: {SEED}={seed}")
    dice = random.Random(seed)  # noqa: S311
    upgrade = seconds_of_upgrade(deployed)
    longest = 1.1 * upgrade, upgrade
    # One in each part of the time that it takes, so that no run hits the same part ten times.
    moments = [tuple((number + dice.random()) / CHAINS * whole for whole in longest) for number in range(CHAINS)]
    print("seconds:", [[round(each, 2) for each in pair] for pair in moments])
    with ThreadPoolExecutor(2) as threads:
        chains = [
            threads.submit(install_and_upgrade, doomed, tmp_path / f"chain{number}", number, *pair)
            for number, pair in enumerate(moments)
        ]
    interrupted = sum(chain.result() for chain in chains)
    assert interrupted >= CHAINS, "most were over before they were killed: their times were not measured well"


def seconds_of_upgrade(deployed: Stack) -> float:
    with deployed.changed(changes(99)):
        began = time.monotonic()
        deployed.up()
        seconds = time.monotonic() - began
    deployed.up()
    return seconds


def install_and_upgrade(cluster: LocalCluster, directory: Path, number: int, first: float, second: float) -> int:
    """Kill both after that many seconds; returns how many were still at work then."""
    with interruptible(cluster, directory, f"chain{number}") as stack:
        interrupted = killed_and_mended(stack, first)
        assert keys_in_cluster(stack).keys() >= {"CREDS_KEY", "CREDS_IV"}
        stack.change(changes(number))
        return interrupted + killed_and_mended(stack, second)


def killed_and_mended(stack: Stack, seconds: float) -> bool:
    with running_up(stack) as engine, contextlib.suppress(subprocess.TimeoutExpired):
        engine.wait(seconds)
    about = f"killed after {seconds:.2f} s:\n{up_log(stack).read_text()}"
    json.loads(state_file(stack).read_text())
    live, claims = keys_in_cluster(stack), claims_of(stack)
    # Killed while it wrote its note of the state file, Pulumi can't read that itself.
    noted = {} if broken_notes(place(stack)) else keys_in_state(stack)
    if any(stack.engine.state_dir.rglob("*.tmp")):
        time.sleep(WRITING)  # For so long, a lock that is half written is taken for one that somebody writes.
    recovered(stack)
    assert claims.items() <= claims_of(stack).items(), about
    converges(stack)
    assert noted.items() <= keys_in_state(stack).items(), about
    assert live.items() <= keys_in_cluster(stack).items(), about
    assert claims.items() <= claims_of(stack).items(), about
    assert set(keys_in_cluster(stack).values()) <= set(keys_in_state(stack).values()), about
    return engine.returncode < 0


# --- two at once ------------------------------------------------------------------------------------------------------


def test_the_second_of_two_ups_stops_at_the_lock_and_the_first_goes_on(fresh: Stack) -> None:
    fresh.change(held("ollama", "two"))
    with running_up(fresh) as first:
        eventually(lambda: pods(fresh, "ollama"), 180)
        printed = fresh.fail("up", "--yes", "--skip-preview")
        assert "is currently locked by 1 lock" in printed and f"(pid {first.pid})" in printed
        refused = ops(fresh, "recover", "--yes")
        assert refused.returncode == 1 and f"process {first.pid} of" in refused.stderr
        assert first.poll() is None
        let_go(fresh.api, "two")
        code, said = ended(fresh, first)
    assert code == 0, said
    converges(fresh)


# --- a full disk ------------------------------------------------------------------------------------------------------


def test_a_disk_too_full_for_a_lock_is_said_and_what_is_left_of_the_lock_is_taken_off(fresh: Stack) -> None:
    before = state_file(fresh).read_bytes()
    with running_up(fresh, limit=0) as engine:
        code, printed = ended(fresh, engine)
    assert code != 0 and "file too large" in printed and str(fresh.engine.state_dir) in printed
    assert state_file(fresh).read_bytes() == before
    assert "unexpected end of JSON input" in fresh.fail("up", "--yes", "--skip-preview"), "the engine's own words"

    glance = eventually(lambda: found if (found := ops(fresh, "recover", "--check")).returncode else None)
    assert glance.returncode == 1 and "never written to its end: was the disk full?" in glance.stdout
    assert "make recover STACK=dev" in glance.stderr
    assert "pulumi cancel" in recovered(fresh)
    converges(fresh)


def test_a_disk_that_fills_up_under_an_install_loses_nothing_that_was_made(fresh: Stack, deployed: Stack) -> None:
    # The engine tries for half a minute, for each resource that is under way, to save a state, and leaves what fits of
    # it in the state's place (3.250).
    with running_up(fresh, limit=state_file(deployed).stat().st_size // 10) as engine:
        code, printed = ended(fresh, engine, 400)
    assert code != 0 and "file too large" in printed and str(fresh.engine.state_dir) in printed, printed
    glance = ops(fresh, "recover", "--check")
    assert glance.returncode == 1 and str(state_file(fresh)) in glance.stdout, glance
    live = stored_in(fresh.cluster, fresh.ollama)
    assert live, "something was made"
    # What was written before the last failure, or where that failed too, what is whole of it.
    assert f"put in the place of {state_file(fresh)}" in recovered(fresh).replace("\n", "")
    assert live.items() <= stored_in(fresh.cluster, fresh.ollama).items()
    converges(fresh)


def test_a_disk_that_is_full_at_an_upgrade_leaves_releases_and_keys_as_they_were(deployed: Stack) -> None:
    noted, live, claims = everything(deployed)
    whole = deployed.resources()
    objects = stored_in(deployed.cluster, deployed.ollama)
    with deployed.changed(changes(1)):
        with running_up(deployed, limit=state_file(deployed).stat().st_size // 2) as engine:
            code, printed = ended(deployed, engine)
        assert code != 0 and "file too large" in printed and str(deployed.engine.state_dir) in printed, printed
        assert stored_in(deployed.cluster, deployed.ollama) == objects
        assert "put in the place of" in recovered(deployed)
        assert deployed.resources() == whole
        converges(deployed)
    converges(deployed)
    assert everything(deployed) == (noted, live, claims)
