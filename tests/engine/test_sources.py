"""Charts come from where the stack says: a chart repository, an OCI registry, or a directory."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

import pytest

from components.charts import LIBRECHAT, OLLAMA
from local.cluster import LocalCluster
from local.up import STAND_INS
from tests.engine.chart_servers import certificate_of, chart_repository, oci_registry, package_stand_ins
from tests.engine.kube import list_pods
from tests.engine.stacks import Stack

OLDER = "2.0.6"
"""A version of LibreChat's chart that nobody asks for."""


@dataclass(frozen=True)
class Sources:
    """Addresses of sources by kind: some hold both charts, some hold another version of LibreChat's."""

    complete: dict[str, str]
    incomplete: dict[str, str]
    downloads: list[str]
    """Paths that were asked for over HTTP."""


@pytest.fixture(scope="module")
def sources(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sources]:
    directory = tmp_path_factory.mktemp("sources")
    both = package_stand_ins(directory / "both")
    older = package_stand_ins(directory / "older", librechat=OLDER)
    tls = certificate_of(cluster)
    with ExitStack() as servers:
        servers.enter_context(pytest.MonkeyPatch.context()).setenv("SSL_CERT_FILE", str(tls.authority))
        registry = servers.enter_context(oci_registry(directory / "registry", tls))
        repositories = [servers.enter_context(chart_repository(packages)) for packages in (both, older)]
        yield Sources(
            {"http": repositories[0].address, "oci": registry.push(both, "both"), "directory": str(both)},
            {"http": repositories[1].address, "oci": registry.push(older, "older"), "directory": str(older)},
            repositories[0].requests,
        )


@pytest.fixture
def moving(workbench: Stack) -> Iterator[Stack]:
    """A stack, deployed with charts from elsewhere."""
    yield workbench
    # These servers will be gone when another test deploys it.
    workbench.change({"charts": STAND_INS})


@pytest.mark.parametrize("kind", ["http", "oci", "directory"])
def test_moving_to_another_source_is_one_update_of_each_release(moving: Stack, sources: Sources, kind: str) -> None:
    address = sources.complete[kind]
    before, pods = by_urn(moving), uids(moving)
    moving.change({"charts": address})
    moving.up()
    after = by_urn(moving)

    updated = {urn for urn in after if after[urn]["modified"] != before[urn]["modified"]}
    assert {urn.rpartition("$")[2] for urn in updated} == {
        "kubernetes:helm.sh/v3:Release::ollama",
        "kubernetes:helm.sh/v3:Release::librechat",
    }
    for urn in updated:
        release = after[urn]["inputs"]
        name, version = release["name"], release["version"]
        expected = {
            "http": (name, address),
            "oci": (f"{address}/{name}", None),
            "directory": (f"{address}/{name}-{version}.tgz", None),
        }
        assert (release["chart"], release.get("repositoryOpts", {}).get("repo")) == expected[kind]
        assert changed_inputs(before[urn], after[urn]) <= {"chart", "repositoryOpts"}
        assert after[urn]["outputs"]["status"]["status"] == "deployed"
        assert after[urn]["outputs"]["status"]["revision"] == before[urn]["outputs"]["status"]["revision"] + 1
    # The same chart from elsewhere is no reason to restart anything.
    assert uids(moving) == pods
    if kind == "http":
        packages = {f"/{chart.name}-{chart.version}.tgz" for chart in (OLLAMA, LIBRECHAT)}
        assert packages | {"/index.yaml"} <= set(sources.downloads)


@pytest.mark.parametrize(
    ("kind", "complaint"),
    [
        pytest.param("http", 'chart "librechat" version "{version}" not found in {address} repository', id="http"),
        pytest.param("oci", r"{address}/librechat\b.*/older/librechat:{version}: not found", id="oci"),
        pytest.param("directory", "chart librechat {version} is not in the directory {address}: ", id="directory"),
    ],
)
def test_a_chart_that_is_not_there_is_named_with_its_version_and_place(
    moving: Stack, sources: Sources, kind: str, complaint: str
) -> None:
    address = sources.incomplete[kind]
    with moving.changed({"charts": address}):
        said = moving.fail("preview")
    assert re.search(complaint.format(version=LIBRECHAT.version, address=address), said)


def test_stand_in_charts_are_refused_on_a_context_that_is_not_local(moving: Stack) -> None:
    with moving.changed({"kubernetes:context": "prod", "charts": STAND_INS}):
        said = moving.fail("preview")
    assert "Pulumi.dev.yaml: charts found 'local/charts', which holds stand-in charts" in said
    assert "the context 'prod' is not a local one; allowed: upstream, a mirror, or real charts" in said


def by_urn(stack: Stack) -> dict[str, Any]:
    return {item["urn"]: item for item in stack.resources()}


def changed_inputs(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
    keys = before["inputs"].keys() | after["inputs"].keys()
    return {key for key in keys if before["inputs"].get(key) != after["inputs"].get(key)}


def uids(stack: Stack) -> set[str]:
    pods = [*list_pods(stack.api, stack.ollama), *list_pods(stack.api, stack.librechat)]
    assert len(pods) == len(["ollama", "librechat", "mongodb", "meilisearch"])
    return {pod.metadata.uid for pod in pods}
