"""What a plain `pulumi up` does around a release: preflight before it, an explanation after a failure, one more try."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.cluster import LocalCluster
from tests.engine.chart_servers import ChartRepository, chart_repository, package_stand_ins
from tests.engine.leaks import keys_of, leaks
from tests.engine.scenarios import TOO_MANY_GPUS, TOO_MUCH_MEMORY, UNKNOWN_INGRESS_CLASS, UNKNOWN_STORAGE_CLASS
from tests.engine.stacks import Stack, beside, stack_on

SLOW = {"ollama.chart.timeout": 600, "librechat.chart.timeout": 600}
"""Seconds that nobody would wait for in a test."""


@pytest.fixture(scope="module")
def running(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack. What a test changes of it fails, or is changed back."""
    with stack_on(cluster, tmp_path_factory.mktemp("running"), "dev", {**beside("hooked"), **SLOW}) as stack:
        stack.up()
        yield stack


def releases_of(stack: Stack) -> list[dict[str, Any]]:
    """The releases as the state has them; outputs are encrypted anew each time."""
    kept = ("urn", "inputs", "initErrors")
    releases = [item for item in stack.resources() if item["type"].endswith(":Release")]
    return [{key: item.get(key) for key in kept} for item in releases]


@pytest.mark.alone
def test_a_first_up_that_can_not_run_is_refused_in_seconds_and_leaves_no_release(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    settings = {**beside("refused"), **SLOW, **UNKNOWN_STORAGE_CLASS}
    with stack_on(cluster, tmp_path, "dev", settings) as stack:
        began = time.monotonic()
        printed = stack.fail("up", "--yes", "--skip-preview")
        assert time.monotonic() - began < 30
        assert 'before hook "preflight ollama" failed: preflight: this can\'t run on its cluster' in printed
        assert "storage (ollama): claim ollama asks for a StorageClass no-such-class, which is not there" in printed
        assert "(ollama.storage.class)" in printed, "what to do"
        assert "Why release" not in printed, "nothing failed that would have to be explained"
        assert not releases_of(stack)

        stack.change({"ollama.storage.class": "standard"})
        stack.up()
        assert stack.output("releaseStatus") == {"ollama": "deployed", "librechat": "deployed"}


def test_a_change_that_can_not_run_is_refused_and_what_runs_goes_on(running: Stack) -> None:
    before = releases_of(running)
    with running.changed({**TOO_MANY_GPUS, **TOO_MUCH_MEMORY, "ollama.resources.limits": {}}):
        printed = running.fail("up", "--yes", "--skip-preview")
    assert "gpu (ollama): Deployment ollama: no node with free nvidia.com/gpu >= 8" in printed
    assert releases_of(running) == before
    assert running.changes() == {}, "nothing is half-applied"


def test_a_check_of_the_other_release_does_not_stop_this_one_and_one_that_is_off_stops_none(running: Stack) -> None:
    with running.changed(UNKNOWN_INGRESS_CLASS):
        printed = running.fail("up", "--yes", "--skip-preview")
        assert "ingressClass (librechat): Ingress librechat asks for the IngressClass no-such-class" in printed
        assert "(ollama)" not in printed
        with running.changed({"preflight": {"off": {"ingressClass": "it comes later"}}}):
            running.up()
    running.up()


def test_a_preview_of_what_can_not_run_asks_the_cluster_nothing(running: Stack) -> None:
    with running.changed(UNKNOWN_INGRESS_CLASS):
        changed = running.changes()
    assert [key for key in changed if key.startswith("update kubernetes:helm.sh/v3:Release")], changed


def test_a_release_that_fails_is_explained_by_up_itself_and_not_tried_again(
    cluster: LocalCluster, tmp_path: Path
) -> None:
    unchecked = {"preflight": {"off": {"storage": "the class comes later"}}}
    settings = {**beside("explained"), **UNKNOWN_STORAGE_CLASS, **unchecked, "ollama.chart.timeout": 4}
    with stack_on(cluster, tmp_path, "dev", settings) as stack:
        printed = stack.fail("up", "--yes", "--skip-preview")
        assert printed.count("Why release ollama failed\n") == 2, "once as it goes, once in the end"
        assert 'claim ollama: there is no StorageClass "no-such-class"' in printed
        assert "trying once more" not in printed
        stack.change({"ollama.storage.class": "standard", "preflight": {"off": {}}})
        # The claim that helm kept can't change its class, which would fail too: now preflight says so.
        printed = stack.fail("up", "--yes", "--skip-preview")
        assert "kubectl -n explained-ollama delete pvc ollama" in printed, printed


def test_no_secret_stands_in_what_the_hooks_print(running: Stack) -> None:
    said = {"printed": "\n".join(running.printed).encode()}
    assert said["printed"]
    assert leaks(keys_of(running), said) == []


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[ChartRepository]:
    with chart_repository(package_stand_ins(tmp_path / "packages")) as served:
        yield served


LOOKS = 2
"""How often the chart is fetched before it is installed: by the provider's check of the inputs, and by preflight."""


def fetches(repository: ChartRepository, package: str) -> list[int]:
    """The places of these requests among all."""
    return [place for place, path in enumerate(repository.requests) if path == package]


@pytest.mark.parametrize(("answers", "succeeds"), [(1, True), (2, False)], ids=["once", "twice"])
def test_a_registry_that_is_busy_is_tried_once_more_and_only_once(
    cluster: LocalCluster, tmp_path: Path, repository: ChartRepository, answers: int, succeeds: bool
) -> None:
    index, package = "/index.yaml", "/ollama-1.77.0.tgz"
    # Index and package for each look, then for the install; the index of the next try comes in between.
    first = 2 * LOOKS + 1
    repository.busy.update(range(first, first + 2 * answers, 2))
    settings = {**beside(f"busy-{answers}"), "charts": repository.address}
    with stack_on(cluster, tmp_path / "engine", "dev", settings) as stack:
        done = stack.run("up", "--yes", "--skip-preview", check=False)
    printed = stack.printed[-1]
    asked = repository.requests[: first + 3]
    assert asked == [index, package] * (LOOKS + 2), "two tries of the install"
    assert "Why release ollama failed (it may be temporary: trying once more)" in printed
    assert (done.returncode == 0) is succeeds, printed
    assert ("Why release ollama failed\n" in printed) is not succeeds
    assert len(fetches(repository, package)) == LOOKS + 2
