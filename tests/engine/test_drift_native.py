"""Drift of what the stack itself made: namespaces, Secrets, guardrails; and no secret in what is told."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from ops.diagnosis.objects import RELEASE_ANNOTATION, annotation, name
from tests.engine.commands import drift_fields, run_ops
from tests.engine.editing import MERGE, Hand, container
from tests.engine.kube import at_rest, stored
from tests.engine.stacks import Stack

OLLAMA = "apps/v1/deployments/ollama"
CONFIG = "v1/configmaps/librechat-configenv"
SECRET = "v1/secrets/librechat-credentials"
ENFORCE = "pod-security.kubernetes.io/enforce"
NO_CHANGES = ("preview", "--refresh", "--expect-no-changes")
CLEAN, UNKNOWN, DRIFT = 0, 1, 2


@pytest.fixture(autouse=True)
def _undone(commanded: Stack) -> Iterator[None]:
    """No test leaves an edit to the next one."""
    yield
    done = run_ops(commanded, "heal", "--prune")
    assert done.code == CLEAN, done


def declared_of_namespace(hand: Hand) -> Any:
    metadata = hand.api.get(f"/api/v1/namespaces/{hand.namespace}")["metadata"]
    owners = {(entry["manager"], entry["operation"]) for entry in metadata["managedFields"]}
    return metadata["labels"], metadata["annotations"], owners


@pytest.mark.parametrize("by_engine", [False, True], ids=["heal", "pulumi up --refresh"])
def test_labels_and_annotations_of_a_namespace_are_put_back(
    commanded: Stack, hands: tuple[Hand, Hand], by_engine: bool
) -> None:
    ollama, _ = hands
    before = declared_of_namespace(ollama)
    ollama.patch_namespace(
        {"labels": {"private-chatgpt/stack": "other", "private-chatgpt/project": None}}, "kubectl-label"
    )
    told = [
        (f"Namespace/{commanded.ollama}", "metadata.labels[private-chatgpt/project]", "unknown"),
        (f"Namespace/{commanded.ollama}", "metadata.labels[private-chatgpt/stack]", "kubectl-label"),
    ]
    assert drift_fields(commanded) == told
    said = commanded.fail(*NO_CHANGES, "--diff")
    assert "no changes were expected" in said and "conflict" not in said
    if by_engine:
        commanded.run("up", "--yes", "--refresh")
    else:
        assert run_ops(commanded, "heal").code == CLEAN
    assert declared_of_namespace(ollama) == before
    assert drift_fields(commanded) == []
    commanded.run(*NO_CHANGES)


def test_what_somebody_added_to_a_namespace_is_taken_away(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    ollama, _ = hands
    before = declared_of_namespace(ollama)
    ollama.patch_namespace({"labels": {"mine": "yes"}}, "kubectl-label")
    ollama.patch_namespace({"annotations": {"mine": "yes"}}, "kubectl-annotate")
    assert drift_fields(commanded) == [
        (f"Namespace/{commanded.ollama}", "metadata.annotations.mine", "kubectl-annotate"),
        (f"Namespace/{commanded.ollama}", "metadata.labels.mine", "kubectl-label"),
    ]
    assert run_ops(commanded, "heal").code == CLEAN
    assert declared_of_namespace(ollama) == before
    commanded.run(*NO_CHANGES)


def test_an_edited_secret_of_the_stack_is_put_back_by_the_engine(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    _, librechat = hands
    before = librechat.get(SECRET)["data"]
    librechat.patch(
        SECRET, {"stringData": {"JWT_SECRET": "edited-by-hand", "MORE": "put-there-by-hand"}}, "kubectl-edit"
    )
    assert drift_fields(commanded) == [
        ("Secret/librechat-credentials", "data.JWT_SECRET", "kubectl-edit"),
        ("Secret/librechat-credentials", "data.MORE", "kubectl-edit"),
    ]
    commanded.fail(*NO_CHANGES)
    answers = [run_ops(commanded, "drift"), run_ops(commanded, "heal", "--dry-run"), run_ops(commanded, "heal")]
    assert [answer.code for answer in answers] == [DRIFT, DRIFT, CLEAN], answers
    assert "would heal by the engine: Secret/librechat-credentials" in answers[1].out
    assert librechat.get(SECRET)["data"] == before
    texts = [base64.b64decode(value).decode() for value in before.values()]
    for word in ("edited-by-hand", "put-there-by-hand", *texts, *before.values()):
        assert not [answer for answer in answers if word in answer.out + answer.err]
    commanded.run(*NO_CHANGES)
    history = json.loads(run_ops(commanded, "history", "--json").out)["releases"]["librechat"]
    messages = [entry["update"]["message"] for entry in history if entry["update"]]
    assert any(text.startswith("heal of Secret/librechat-credentials, asked for by ") for text in messages)


def test_a_deleted_secret_of_the_stack_is_made_anew_with_the_same_values(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    _, librechat = hands
    before = librechat.get(SECRET)["data"]
    librechat.delete(SECRET)
    assert drift_fields(commanded) == [("Secret/librechat-credentials", "", "unknown")]
    answer = run_ops(commanded, "heal")
    assert answer.code == CLEAN, answer
    assert "healed: Secret/librechat-credentials made anew" in answer.out
    assert librechat.get(SECRET)["data"] == before
    commanded.run(*NO_CHANGES)


BINDING = "rbac.authorization.k8s.io/v1/rolebindings/viewers"
DENY, QUOTA = "networking.k8s.io/v1/networkpolicies/default-deny", "v1/resourcequotas/librechat"


def loosened(librechat: Hand) -> dict[str, Any]:
    """Two guardrails, edited by hand; what they were before."""
    before = {resource: librechat.get(resource)["spec"] for resource in (DENY, QUOTA)}
    librechat.patch(DENY, {"spec": {"ingress": [{}]}}, "kubectl-edit", MERGE)
    librechat.patch(QUOTA, {"spec": {"hard": {"pods": "100"}}}, "kubectl-patch", MERGE)
    return before


def test_guardrails_that_somebody_loosened_are_put_back(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    ollama, librechat = hands
    before = loosened(librechat)
    ollama.patch("v1/limitranges/ollama", {"metadata": {"labels": {"mine": "yes"}}}, "kubectl-label", MERGE)
    assert drift_fields(commanded) == [
        ("LimitRange/ollama", "metadata.labels.mine", "kubectl-label"),
        ("NetworkPolicy/default-deny", "spec.ingress", "kubectl-edit"),
        ("ResourceQuota/librechat", "spec.hard.pods", "kubectl-patch"),
    ]
    commanded.fail(*NO_CHANGES)
    assert run_ops(commanded, "heal").code == CLEAN
    assert {resource: librechat.get(resource)["spec"] for resource in before} == before
    commanded.run(*NO_CHANGES)


@pytest.mark.parametrize("by_hand", [False, True], ids=["alone", "beside an edit by hand"])
def test_what_nobody_has_deployed_yet_is_no_drift_and_not_healed(
    commanded: Stack, hands: tuple[Hand, Hand], by_hand: bool
) -> None:
    ollama, _ = hands
    path = f"/api/v1/namespaces/{commanded.ollama}"
    before = ollama.api.get(path)["metadata"]["labels"]
    edit = {ENFORCE: "privileged"}
    settings = {"ollama.podSecurity": "baseline", "access.operators": ["on-call"], "network.dnsPort": 5353}
    with commanded.changed(settings):
        pending = commanded.changes()
        assert any(change.startswith("create ") for change in pending)
        if by_hand:
            ollama.patch_namespace({"labels": edit}, "kubectl-label")
        there = at_rest(commanded.cluster)
        told = [(f"Namespace/{commanded.ollama}", f"metadata.labels[{ENFORCE}]", "kubectl-label")] if by_hand else []
        assert drift_fields(commanded) == told
        assert stored(commanded.cluster) == there
        answer = run_ops(commanded, "heal")
        assert answer.code == CLEAN, answer
        assert ("healed" in answer.out) == by_hand
        assert ollama.api.get(path)["metadata"]["labels"] == before
        if not by_hand:
            assert stored(commanded.cluster) == there
        assert commanded.changes() == pending
        status = json.loads(run_ops(commanded, "status", "--json").out)
        assert status["drift"] is False


def test_an_edit_that_a_refresh_has_put_into_the_state_is_healed_all_the_same(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    _, librechat = hands
    before = loosened(librechat)
    librechat.patch(SECRET, {"stringData": {"JWT_SECRET": "edited-by-hand"}}, "kubectl-edit")
    commanded.run("refresh", "--yes", "--skip-preview")
    assert drift_fields(commanded) == [
        ("NetworkPolicy/default-deny", "spec.ingress", "kubectl-edit"),
        ("ResourceQuota/librechat", "spec.hard.pods", "kubectl-patch"),
        ("Secret/librechat-credentials", "data.JWT_SECRET", "kubectl-edit"),
    ]
    answer = run_ops(commanded, "heal")
    assert answer.code == CLEAN, answer
    assert {resource: librechat.get(resource)["spec"] for resource in before} == before
    commanded.run("up", "--yes", "--refresh")
    commanded.run(*NO_CHANGES)


def test_a_deleted_guardrail_of_which_the_stack_file_says_something_else_by_now_waits_for_up(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    ollama, _ = hands
    before = ollama.get(DENY)["spec"]
    ollama.delete(DENY)
    with commanded.changed({"network.dnsPort": 5353}):
        answer = run_ops(commanded, "heal")
        assert answer.code == UNKNOWN, answer
        assert "not healed: NetworkPolicy/default-deny: the stack file holds changes of it" in answer.err
        assert not ollama.is_there(DENY)
    assert run_ops(commanded, "heal").code == CLEAN
    assert ollama.get(DENY)["spec"] == before
    commanded.run(*NO_CHANGES)


def test_a_binding_that_somebody_made_anew_for_another_role_is_replaced_by_the_engine(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    _, librechat = hands
    before = librechat.get(BINDING)
    librechat.delete(BINDING)
    anybody = [{"kind": "Group", "name": "system:authenticated", "apiGroup": "rbac.authorization.k8s.io"}]
    admin = {"kind": "ClusterRole", "name": "cluster-admin", "apiGroup": "rbac.authorization.k8s.io"}
    librechat.create(BINDING, {"roleRef": admin, "subjects": anybody})
    (found,) = drift_fields(commanded)
    assert (found[0], found[2]) == ("RoleBinding/viewers", "kubectl-create")
    commanded.fail(*NO_CHANGES)
    answer = run_ops(commanded, "heal")
    assert answer.code == CLEAN, answer
    assert "healed: RoleBinding/viewers replaced" in answer.out
    after = librechat.get(BINDING)
    assert (after["roleRef"], after["subjects"]) == (before["roleRef"], before["subjects"])
    commanded.run(*NO_CHANGES)


def test_a_field_of_a_guardrail_that_is_excepted_stays_when_another_one_is_healed(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    _, librechat = hands
    let_be = {"object": "ResourceQuota/librechat", "field": "spec.hard.pods", "reason": "a load test until Friday"}
    with commanded.changed({"drift.except": [let_be]}):
        librechat.patch(QUOTA, {"spec": {"hard": {"pods": "100", "services": "77"}}}, "kubectl-patch", MERGE)
        assert drift_fields(commanded) == [("ResourceQuota/librechat", "spec.hard.services", "kubectl-patch")]
        assert run_ops(commanded, "heal").code == CLEAN
        hard = librechat.get(QUOTA)["spec"]["hard"]
        assert hard["pods"] == "100" and "services" not in hard


def test_a_claim_that_somebody_labelled_or_enlarged_is_not_taken_for_theirs(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    _, librechat = hands
    path = librechat.path("v1/persistentvolumeclaims/").rstrip("/")
    of_sets = [name(item) for item in librechat.api.items(path) if not annotation(item, RELEASE_ANNOTATION)]
    assert of_sets
    for claim in of_sets:
        librechat.patch(
            f"v1/persistentvolumeclaims/{claim}", {"metadata": {"labels": {"mine": "yes"}}}, "kubectl-label"
        )
    assert drift_fields(commanded) == []
    assert run_ops(commanded, "heal", "--prune").code == CLEAN
    assert all(librechat.is_there(f"v1/persistentvolumeclaims/{claim}") for claim in of_sets)


def test_a_guardrail_that_somebody_deleted_is_made_anew_by_the_engine(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    before = [hand.get(DENY)["spec"] for hand in hands]
    for hand in hands:
        hand.delete(DENY)
    assert drift_fields(commanded) == [("NetworkPolicy/default-deny", "", "unknown")] * 2
    answer = run_ops(commanded, "heal")
    assert answer.code == CLEAN, answer
    assert "healed: NetworkPolicy/default-deny made anew" in answer.out
    assert [hand.get(DENY)["spec"] for hand in hands] == before
    managers = {item["manager"] for hand in hands for item in hand.get(DENY)["metadata"]["managedFields"]}
    assert all(manager.startswith("pulumi-kubernetes") for manager in managers), managers
    commanded.run(*NO_CHANGES)


def test_where_the_engine_can_not_put_a_secret_back_the_command_that_does_is_named(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    hands[1].patch(SECRET, {"stringData": {"JWT_SECRET": "edited-by-hand"}}, "kubectl-edit")
    passphrase = commanded.engine.directory / "passphrase"
    away = passphrase.rename(passphrase.with_name("away"))
    try:
        answer = run_ops(commanded, "heal")
    finally:
        away.rename(passphrase)
    assert answer.code == UNKNOWN
    assert (
        "not healed: Secret/librechat-credentials: the engine could not put it back, as pulumi up --refresh does"
        in (answer.err)
    )


def test_a_secret_value_that_somebody_put_elsewhere_is_not_shown(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    ollama, librechat = hands
    key = base64.b64decode(librechat.get(SECRET)["data"]["CREDS_KEY"]).decode()
    librechat.patch(CONFIG, {"data": {"NOTE": f"it is {key}"}}, "kubectl-edit")
    librechat.patch("apps/v1/deployments/librechat", container("librechat", env=[{"name": "X", "value": key}]))
    ollama.patch(OLLAMA, container("ollama", env=[{"name": "API_TOKEN", "value": "in-plain-sight"}]), "kubectl-set")
    applied = {"kubectl.kubernetes.io/last-applied-configuration": json.dumps({"data": {"url": "c2VjcmV0"}})}
    librechat.patch(SECRET, {"metadata": {"annotations": applied}}, "kubectl-client-side-apply")
    answers = [run_ops(commanded, "drift", *more) for more in ((), ("--json",))]
    preview = commanded.fail(*NO_CHANGES, "--diff")
    answers += [run_ops(commanded, "heal", "--dry-run"), run_ops(commanded, "heal")]
    said = "".join(answer.out + answer.err for answer in answers)
    assert (
        "data.NOTE" in said and "it is ***" in said and "env[API_TOKEN]" in said and "containers[librechat].env" in said
    )
    assert "data.NOTE" in preview and "last-applied-configuration" in said
    for word in (key, "in-plain-sight", "c2VjcmV0"):
        assert word not in said
    assert key not in preview and "in-plain-sight" not in preview
    revisions = json.loads(run_ops(commanded, "history", "--json").out)["releases"]
    assert "NOTE" in json.dumps(revisions) and key not in json.dumps(revisions)
