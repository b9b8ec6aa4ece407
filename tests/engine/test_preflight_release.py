"""What `preflight` says of a release that is deployed, and that the permissions it asks for are enough to deploy."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, CoreV1Api

from components.loading import Settings
from local.cluster import LocalCluster
from ops.diagnosis.reading import connect
from ops.preflight import preflight, preflight_release, refusal
from ops.preflight_checks.access import needed
from ops.preflight_checks.asking import Cluster
from ops.preflight_checks.findings import Finding, Result
from ops.preflight_checks.reading import Api, Deadline
from ops.preflight_checks.rendering import releases_of
from tests.engine import scenarios
from tests.engine.leaks import keys_of, leaks
from tests.engine.stacks import INGRESS, Stack, beside, stack_on

HELD = beside("held") | {**INGRESS, "librechat.host": "held.example.com", "ollama.gpu.count": 4, "protect": False}
"""All of the GPU node's GPUs."""


@pytest.fixture(scope="module")
def held(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack. No test changes what is deployed."""
    with stack_on(cluster, tmp_path_factory.mktemp("held"), "prod", HELD) as stack:
        stack.up()
        yield stack
        stack.run("destroy", "--yes", "--skip-preview", check=False)


def settings_of(stack: Stack, directory: Path, changes: Mapping[str, Any] | None = None) -> Settings:
    """The settings of a stack, or of one that differs in these."""
    project = scenarios.project(directory, stack.cluster, stack.name, {**HELD, **(changes or {})})
    return Settings.of_stack(stack.name, project)


def of_release(settings: Settings, name: str, kubeconfig: Path) -> list[Finding]:
    (release,) = [item for item in releases_of(settings) if item.name == name]
    return preflight_release(release, settings.platform.preflight, settings.platform.context, kubeconfig)


def said(findings: list[Finding], check: str) -> list[str]:
    return [item.text for item in findings if item.check == check and item.result is Result.FAILED]


def problems(findings: list[Finding]) -> list[str]:
    assert findings
    return [f"{item.check}: {item.text}" for item in findings if item.result is not Result.OK]


def test_what_a_release_holds_itself_does_not_count_against_its_change(held: Stack, tmp_path: Path) -> None:
    exact = {"requests.nvidia.com/gpu": "4", "requests.memory": "16Gi", "pods": "1", "requests.storage": "100Gi"}
    settings = settings_of(held, tmp_path)
    kubeconfig = held.engine.kubeconfig
    with scenarios.quota(held.api, held.ollama, exact):
        assert problems(of_release(settings, "ollama", kubeconfig)) == []
        assert problems(of_release(settings, "librechat", kubeconfig)) == []
        assert problems(preflight(settings, kubeconfig)) == []


def test_a_change_that_needs_more_than_there_is_fails_before_it_is_made(held: Stack, tmp_path: Path) -> None:
    more = settings_of(held, tmp_path, {"ollama.gpu.count": 5, "ollama.resources.requests": {"memory": "17Gi"}})
    with scenarios.quota(held.api, held.ollama, {"requests.memory": "16Gi"}):
        found = of_release(more, "ollama", held.engine.kubeconfig)
    (text,) = said(found, "gpu")
    assert "gpu-node: nvidia.com/gpu: 5 asked, 4 in all" in text
    assert said(found, "quota") == ["quota small: requests.memory 1Gi more is needed, and 16Gi of 16Gi is in use"]
    message = refusal(found)
    assert message is not None and text in message and "ollama.gpu.count" in message


def test_only_the_release_that_is_asked_about_is_looked_at(held: Stack, tmp_path: Path) -> None:
    found = of_release(settings_of(held, tmp_path), "librechat", held.engine.kubeconfig)
    assert {item.release for item in found} == {None, "librechat"}
    assert {item.check for item in found if item.release is None} == {"reachable"}


def test_another_stack_finds_the_gpus_in_use_and_the_namespaces_taken(held: Stack, tmp_path: Path) -> None:
    other = settings_of(held, tmp_path, {**beside("other"), "ollama.gpu.count": 1})
    (text,) = said(preflight(other, held.engine.kubeconfig), "gpu")
    assert "gpu-node: nvidia.com/gpu: 1 asked, 0 free of 4 in all" in text
    own = settings_of(held, tmp_path)
    platform = dataclasses.replace(own.platform, stack="staging")
    found = preflight(dataclasses.replace(own, platform=platform), held.engine.kubeconfig)
    assert said(found, "names")[0] == (
        "the namespace held-ollama is there, and not this stack's: it belongs to the stack prod of project "
        "private-chatgpt"
    )
    assert any("Secret librechat-credentials is there already" in text for text in said(found, "names"))


def test_no_key_of_the_stack_is_in_what_is_said(held: Stack, tmp_path: Path) -> None:
    settings = settings_of(held, tmp_path, {"ollama.gpu.count": 9, "librechat.ingressClass": "none"})
    found = preflight(settings, held.engine.kubeconfig)
    assert any(item.result is Result.FAILED for item in found)
    assert leaks(keys_of(held), {"findings": repr(found).encode()}) == []


def test_the_permissions_that_are_asked_for_are_enough_to_deploy_change_and_roll_back(
    cluster: LocalCluster, api: ApiClient, tmp_path: Path
) -> None:
    changes = {**beside("rights"), **scenarios.REACHED}
    project = scenarios.project(tmp_path / "project", cluster, "dev", changes)
    settings = Settings.of_stack("dev", project)
    with connect(cluster.context, cluster.kubeconfig) as client:
        views = Cluster.reach(Api(client, Deadline.after(10))).views(releases_of(settings))
    asked = {
        access
        for view in views
        for access in needed(view.rendered.release, view.manifests, view.kinds, namespace_is_there=False)
    }
    rules = [{"apiGroups": [each.group], "resources": [each.resource], "verbs": [each.verb]} for each in asked]
    with (
        stack_on(cluster, tmp_path / "engine", "dev", changes) as stack,
        scenarios.user(cluster, api, tmp_path / "exact", rules),
    ):
        exact = dataclasses.replace(stack.engine, kubeconfig=tmp_path / "exact")
        limited = dataclasses.replace(stack, engine=exact)
        limited.up()
        limited.change({"librechat.title": "Another"})
        limited.up()
        with limited.changed({**scenarios.TOO_MANY_GPUS, "ollama.chart.timeout": 8}):
            printed = limited.fail("up", "--yes", "--skip-preview")
        assert "forbidden" not in printed and "context deadline exceeded" in printed
        assert CoreV1Api(api).list_namespaced_pod(limited.ollama).items, "rolled back to what was before"
        stack.run("destroy", "--yes", "--skip-preview")
