"""Refusals of the API server and of helm, in the words in which they come."""

from typing import Any

import pytest

from ops.diagnosis.causes import Rank
from ops.diagnosis.helm import helm_causes
from ops.diagnosis.refusals import refusal
from tests.unit.ops.why_objects import snapshot

CLAIM: dict[str, Any] = {"metadata": {"name": "ollama"}, "spec": {}, "status": {"phase": "Pending"}}


@pytest.mark.parametrize(
    ("message", "text"),
    [
        # Each as Kubernetes 1.36.3 or its admission plugins write it.
        (
            'pods "x" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2',
            "quota small is exceeded: pods=1 asked, pods=2 used, pods=2 allowed",
        ),
        (
            'pods "x" is forbidden: failed quota: small: must specify limits.memory for: ollama',
            "quota small wants every container to say its limits.memory for: ollama",
        ),
        (
            'pods "x-" is forbidden: error looking up service account ns/absent: serviceaccount "absent" not found',
            'its service account "absent" is not there',
        ),
        (
            'pods "x" is forbidden: pod rejected: RuntimeClass "nvidia" not found',
            'the cluster has no RuntimeClass "nvidia"',
        ),
        ('pods "x" is forbidden: no PriorityClass with name high was found', 'the cluster has no PriorityClass "high"'),
        (
            'admission webhook "validate.kyverno.svc-fail" denied the request: no latest tag',
            "admission control (validate.kyverno.svc-fail) refuses it: no latest tag",
        ),
        (
            "pods \"x\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no",
            "admission control (ValidatingAdmissionPolicy 'p') refuses it: no",
        ),
        (
            'Internal error occurred: failed calling webhook "w.example.com": Post "https://w": EOF',
            'admission webhook w.example.com does not answer: Post "https://w": EOF',
        ),
        (
            'pods "x" is forbidden: maximum memory usage per Container is 1Gi, but limit is 4Gi',
            "a LimitRange of the namespace refuses it: maximum memory usage per Container is 1Gi, but limit is 4Gi",
        ),
        (
            'persistentvolumeclaims "ollama" is forbidden: only dynamically provisioned pvc can be resized and the '
            "storageclass that provisions the pvc must support resize",
            "its StorageClass does not let claims grow",
        ),
    ],
)
def test_a_refusal_is_told_in_one_sentence(message: str, text: str) -> None:
    found = refusal(snapshot(), "Deployment ollama", message)
    assert found is not None
    assert (found.rank, found.text) == (Rank.REFUSED, text)


def test_what_is_no_refusal_is_not_taken_for_one() -> None:
    for message in ("context deadline exceeded", 'Readiness probe failed: User "x" cannot log in', ""):
        assert refusal(snapshot(), "s", message) is None
        assert list(helm_causes(snapshot(), message)) == []


def test_pod_security_lists_what_it_asks_for_one_a_line() -> None:
    message = (
        'pods "x" is forbidden: violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container '
        '"ollama" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container '
        '"ollama" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "ollama" '
        "must set securityContext.runAsNonRoot=true), seccompProfile (pod or container must set it)"
    )
    found = refusal(snapshot(), "Deployment ollama", message)
    assert found is not None
    assert [detail.partition(" (")[0] for detail in found.details] == [
        "allowPrivilegeEscalation != false",
        "unrestricted capabilities",
        "runAsNonRoot != true",
        "seccompProfile",
    ]
    assert found.cure.endswith("or lower the level of the namespace (ollama.podSecurity)")
    third_app = refusal(snapshot(release="whoami"), "Deployment whoami", message)
    assert third_app and third_app.cure.endswith("(label pod-security.kubernetes.io/enforce)")


@pytest.mark.parametrize(
    ("asked", "setting"),
    [
        ("requests.memory=2Gi", "(ollama.resources.requests)"),
        ("limits.memory=2Gi", "(ollama.resources.limits)"),
        ("requests.storage=5Gi", "(ollama.storage)"),
        ("requests.nvidia.com/gpu=1", "(ollama.gpu.count)"),
    ],
)
def test_a_quota_names_the_setting_that_asks_for_too_much(asked: str, setting: str) -> None:
    message = f"exceeded quota: q, requested: {asked}, used: x=0, limited: x=1"
    found = refusal(snapshot(), "s", message)
    assert found is not None and setting in found.cure
    third_app = refusal(snapshot(release="whoami"), "s", message)
    assert third_app is not None and "(" not in third_app.cure


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (
            'Unable to continue with install: Service "ollama" in namespace "ollama" exists and cannot be imported '
            "into the current release: invalid ownership metadata; label validation error: missing key",
            "Service ollama: is there already and no release's: helm does not take it over",
        ),
        (
            'failed: deployments.apps is forbidden: User "system:serviceaccount:ci:deployer" cannot create resource '
            '"deployments" in API group "apps" in the namespace "ollama"',
            "deployments.apps: system:serviceaccount:ci:deployer may not create deployments",
        ),
        (
            'unable to build kubernetes objects from release manifest: resource mapping not found for name: "x": no '
            'matches for kind "ServiceMonitor" in version "monitoring.coreos.com/v1"',
            "release ollama: the cluster has no kind ServiceMonitor in monitoring.coreos.com/v1",
        ),
        (
            'create: failed to create: namespaces "ollama" not found',
            "release ollama: the namespace ollama is gone, or being deleted",
        ),
        (
            "another operation (install/upgrade/rollback) is in progress",
            "release ollama: helm's record says that an operation is under way: another `up`, or one that was "
            "interrupted",
        ),
        (
            "execution error at (librechat/charts/mongodb/templates/secrets.yaml:1): no password",
            "release ollama: execution error at (librechat/charts/mongodb/templates/secrets.yaml:1): no password",
        ),
    ],
)
def test_helms_error_becomes_a_cause(error: str, line: str) -> None:
    (found,) = helm_causes(snapshot(), error)
    assert found.line == line


def test_a_claim_that_can_not_be_changed_may_be_deleted_only_while_it_is_empty() -> None:
    error = (
        'cannot patch "ollama" with kind PersistentVolumeClaim: PersistentVolumeClaim "ollama" is invalid: spec: '
        'Forbidden: spec is immutable after creation\n@@ -10 +10 @@\n  }\n- "StorageClassName": "a",\n'
        '+ "StorageClassName": "b",\n  x\n'
    )
    (pending,) = helm_causes(snapshot(persistentvolumeclaims=[CLAIM]), error)
    assert pending.details == ('- "StorageClassName": "a",', '+ "StorageClassName": "b",')
    assert pending.cure == "it holds nothing yet: kubectl -n ollama delete pvc ollama"
    bound = {**CLAIM, "status": {"phase": "Bound"}}
    (kept,) = helm_causes(snapshot(persistentvolumeclaims=[bound]), error)
    assert "kubectl" not in kept.cure and "deletes what it holds" in kept.cure
