"""Holds the checks against the API server's own verdict on the same pods, asked for by a dry run."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import nullcontext
from typing import Any

import pytest
from kubernetes.client import ApiClient, ApiException, CoreV1Api

from ops.preflight_checks.findings import Result
from ops.preflight_checks.limits import limit_range
from ops.preflight_checks.manifests import Pods
from ops.preflight_checks.pod_security import violations
from ops.preflight_checks.quota import quota
from ops.preflight_checks.running import Check
from tests.engine import scenarios
from tests.engine.kube import eventually
from tests.unit.ops.pod_specs import SPECS
from tests.unit.ops.preflight_views import view

LEVELS = ("baseline", "restricted")
CACHED = 45
"""Seconds: longer than any cache of admission holds."""


def refusal(api: ApiClient, namespace: str, spec: Mapping[str, Any], annotations: Mapping[str, str]) -> str | None:
    """Why the API server would not make such a pod; None where it would."""
    body: Any = {"metadata": {"name": "it", "annotations": dict(annotations)}, "spec": dict(spec)}
    try:
        CoreV1Api(api).create_namespaced_pod(namespace, body, dry_run="All")
    except ApiException as error:
        assert error.status == 403, error.body
        return str(error.body)
    return None


@pytest.fixture(scope="module")
def levels(api: ApiClient) -> Iterator[Mapping[str, str]]:
    """A namespace for each level."""
    label = "pod-security.kubernetes.io/enforce"
    with (
        scenarios.namespace(api, "admission-baseline", {label: "baseline"}) as baseline,
        scenarios.namespace(api, "admission-restricted", {label: "restricted"}) as restricted,
    ):
        _wait_for_account(api, baseline, restricted)
        yield {"baseline": baseline, "restricted": restricted}


@pytest.fixture(scope="module")
def place(api: ApiClient) -> Iterator[str]:
    with scenarios.namespace(api, "admission-bounds") as name:
        _wait_for_account(api, name)
        yield name


def _wait_for_account(api: ApiClient, *namespaces: str) -> None:
    """No pod is made without the service account `default`, which a controller brings."""
    for namespace in namespaces:
        eventually(lambda at=namespace: CoreV1Api(api).list_namespaced_service_account(at).items)  # type: ignore[misc]


@pytest.mark.parametrize("name", SPECS)
def test_pod_security_is_judged_as_the_api_server_judges_it(
    api: ApiClient, levels: Mapping[str, str], name: str
) -> None:
    annotations, spec = SPECS[name]
    for level in LEVELS:
        verdict = refusal(api, levels[level], spec, annotations)
        assert verdict is None or "violates PodSecurity" in verdict
        found = list(violations(Pods("Pod it", spec, annotations=annotations), level))
        assert bool(found) is (verdict is not None), f"{level}: {found}, API server: {verdict}"


# --- quotas and limit ranges: the same pods, the same bounds ----------------------------------------------------------


def one(requests: Mapping[str, str] | None = None, limits: Mapping[str, str] | None = None) -> dict[str, Any]:
    resources = {"requests": dict(requests or {}), "limits": dict(limits or {})}
    return {"name": "main", "image": "none.invalid/none", "resources": resources}


SMALL, LARGE = {"cpu": "1", "memory": "1Gi"}, {"cpu": "2", "memory": "3Gi"}
PODS: Mapping[str, dict[str, Any]] = {
    "says nothing": {"containers": [one()]},
    "asks": {"containers": [one(SMALL)]},
    "is limited": {"containers": [one(None, LARGE)]},
    "asks and is limited": {"containers": [one(SMALL, LARGE)]},
    "asks for cpu only": {"containers": [one({"cpu": "1"})]},
    "has two": {"containers": [one(SMALL), {**one(SMALL), "name": "other"}]},
    "starts large": {"containers": [one(SMALL, SMALL)], "initContainers": [{**one(LARGE, LARGE), "name": "init"}]},
    "has a sidecar": {
        "containers": [one(SMALL, SMALL)],
        "initContainers": [{**one(SMALL, SMALL), "name": "side", "restartPolicy": "Always"}],
    },
    "starts silently": {"containers": [one(SMALL, SMALL)], "initContainers": [{**one(), "name": "init"}]},
    "will end": {"containers": [one(SMALL)], "activeDeadlineSeconds": 60},
}


def pod_view(api: ApiClient, namespace: str, spec: Mapping[str, Any]) -> Any:
    """The pod, and the namespace's quotas and ranges as the API server has them."""
    core = CoreV1Api(api)
    lists: Mapping[str, Any] = {
        "resourcequotas": core.list_namespaced_resource_quota(namespace).items,
        "limitranges": core.list_namespaced_limit_range(namespace).items,
    }
    answers = {
        key: api.sanitize_for_serialization(items)  # type: ignore[no-untyped-call]
        for key, items in lists.items()
    }
    manifest = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it"}, "spec": dict(spec)}
    return view(manifest, answers=answers)


def difference(check: Check, api: ApiClient, namespace: str, name: str) -> str | None:
    """What the check and the API server say of a pod, where one would refuse it and the other would not."""
    verdict = refusal(api, namespace, PODS[name], {})
    said = check(pod_view(api, namespace, PODS[name]))
    found = [item.text for item in said if item.result is Result.FAILED]
    return None if bool(found) is (verdict is not None) else f"{name}: {found}, API server: {verdict}"


def judged_alike(check: Check, api: ApiClient, namespace: str) -> None:
    """Holds what the check says of every pod to what the API server says.

    Where they differ both are asked again: the API server judges by caches, that of a namespace without LimitRanges up
    to 30 s old (Kubernetes 1.36.3, plugin/pkg/admission/limitranger, read 2026-11-22).
    """
    until = time.monotonic() + CACHED
    while found := [text for name in PODS if (text := difference(check, api, namespace, name))]:
        assert time.monotonic() < until, found
        time.sleep(1)


@pytest.mark.parametrize(
    "bounds",
    [
        [{"type": "Container", "max": {"memory": "2Gi"}}],
        [{"type": "Container", "min": {"memory": "2Gi"}}],
        [{"type": "Container", "min": {"cpu": "500m"}, "default": {"cpu": "1500m"}}],
        [{"type": "Container", "default": {"memory": "4Gi"}, "max": {"memory": "4Gi"}, "min": {"memory": "2Gi"}}],
        [{"type": "Container", "defaultRequest": {"memory": "2Gi"}}, {"type": "Pod", "max": {"memory": "3Gi"}}],
        [{"type": "Container", "maxLimitRequestRatio": {"memory": "2"}}],
        [{"type": "Pod", "max": {"cpu": "1"}}],
        [{"type": "Pod", "min": {"memory": "2Gi"}}],
        [{"type": "Pod", "maxLimitRequestRatio": {"cpu": "1.5"}}],
    ],
)
def test_limit_ranges_are_judged_as_the_api_server_judges_them(
    api: ApiClient, place: str, bounds: list[dict[str, Any]]
) -> None:
    with scenarios.limit_range(api, place, *bounds):
        judged_alike(limit_range, api, place)


@pytest.mark.parametrize(
    ("hard", "scopes", "bounds"),
    [
        ({"requests.cpu": "1"}, {}, []),
        ({"cpu": "1500m", "memory": "2Gi"}, {}, []),
        ({"limits.memory": "2Gi"}, {}, []),
        ({"limits.memory": "4Gi"}, {}, [{"type": "Container", "default": {"memory": "3Gi"}}]),
        ({"requests.memory": "3Gi"}, {}, [{"type": "Container", "defaultRequest": {"memory": "2Gi"}}]),
        ({"pods": "0"}, {}, []),
        ({"pods": "1"}, {}, []),
        ({"count/pods": "0"}, {}, []),
        ({"pods": "0"}, {"scopes": ["BestEffort"]}, []),
        ({"pods": "0"}, {"scopes": ["NotBestEffort"]}, []),
        ({"pods": "0"}, {"scopes": ["Terminating"]}, []),
        ({"pods": "0", "limits.cpu": "0"}, {"scopes": ["NotTerminating"]}, []),
        ({"services": "0", "requests.storage": "0"}, {}, []),
    ],
)
def test_quotas_are_judged_as_the_api_server_judges_them(
    api: ApiClient, place: str, hard: dict[str, str], scopes: dict[str, Any], bounds: list[dict[str, Any]]
) -> None:
    ranges = scenarios.limit_range(api, place, *bounds) if bounds else nullcontext()
    with scenarios.quota(api, place, hard, **scopes), ranges:
        judged_alike(quota, api, place)
