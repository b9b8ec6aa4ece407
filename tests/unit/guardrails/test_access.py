"""Who may look into the namespaces, what pods may do, whose everything is."""

from typing import Any

import pulumi
import pytest

from components import librechat
from components.faults import SettingsError
from components.ownership import OWNED, Marks
from components.rollback import Rollback
from tests.unit.deployment import deploy, load_settings
from tests.unit.recording import (
    ACCOUNT,
    BINDING,
    BUDGET,
    LIMITS,
    NAMESPACE,
    POLICY,
    PRIORITY_CLASS,
    QUOTA,
    RELEASE,
    ROLE,
    SECRET,
    Deployment,
)

OWNED_TYPES = (NAMESPACE, SECRET, POLICY, QUOTA, LIMITS, ACCOUNT, ROLE, BINDING, PRIORITY_CLASS, BUDGET)
GROUPS = {"access": {"viewers": ["ml-readers", "auditors"], "operators": ["ml-oncall"]}}


def test_without_groups_there_is_no_role(deployed: Deployment) -> None:
    assert deployed.of_type(ROLE, BINDING) == []


def test_groups_are_bound_to_their_role_in_each_namespace() -> None:
    deployment = deploy("prod", GROUPS)
    for app in ("ollama", "librechat"):
        for role, groups in (("viewers", ["ml-readers", "auditors"]), ("operators", ["ml-oncall"])):
            binding = deployment.one(BINDING, f"{app}-{role}-binding").inputs
            assert binding["metadata"]["namespace"] == app
            assert binding["roleRef"] == {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": role}
            assert [(item["kind"], item["name"]) for item in binding["subjects"]] == [
                ("Group", name) for name in groups
            ]
            assert deployment.one(ROLE, f"{app}-{role}").inputs["metadata"]["namespace"] == app


def test_no_role_reaches_secrets_or_may_run_or_change_anything() -> None:
    found = deploy("prod", GROUPS).of_type(ROLE)
    assert {item.name for item in found} == {
        f"{app}-{role}" for app in ("ollama", "librechat") for role in ("viewers", "operators")
    }
    for role in found:
        for rule in role.inputs["rules"]:
            assert not (("" in rule["apiGroups"] or "*" in rule["apiGroups"]) and "*" in rule["resources"])
            assert not {"secrets", "pods/exec", "pods/attach", "pods/ephemeralcontainers"} & set(rule["resources"])
            changing = {"create", "update", "patch", "delete", "deletecollection", "*"} & set(rule["verbs"])
            assert not changing or set(rule["resources"]) <= {"pods", "pods/portforward"}, rule


@pytest.mark.parametrize("role", ["viewers", "operators"])
@pytest.mark.parametrize(
    ("group", "resource", "verbs"),
    [
        ("", "namespaces", {"get"}),
        ("", "podtemplates", {"get", "list", "watch"}),
        ("cert-manager.io", "certificates", {"get", "list", "watch"}),
        ("external-secrets.io", "externalsecrets", {"get", "list", "watch"}),
        ("bitnami.com", "sealedsecrets", {"get", "list", "watch"}),
        ("external-secrets.io", "secretstores", set()),
        ("", "secrets", set()),
    ],
)
def test_both_roles_see_their_namespace_and_what_brings_certificates_and_secrets(
    role: str, group: str, resource: str, verbs: set[str]
) -> None:
    rules = deploy("prod", GROUPS).one(ROLE, f"librechat-{role}").inputs["rules"]
    named = [rule for rule in rules if group in rule["apiGroups"] and resource in rule["resources"]]
    assert {verb for rule in named for verb in rule["verbs"]} == verbs


@pytest.mark.parametrize("group", ["system:authenticated", "system:masters", "system:unauthenticated", "", " ml"])
@pytest.mark.parametrize("role", ["viewers", "operators"])
def test_a_group_that_everybody_is_in_is_refused(role: str, group: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {"access": {role: ["ml", group]}})
    assert f"access.{role}.1 found" in str(refused.value)
    assert "none that begins with system:" in str(refused.value)


def test_pods_of_the_restricted_level_are_the_only_ones_that_get_in(deployed: Deployment) -> None:
    for app in ("ollama", "librechat"):
        labels = deployed.one(NAMESPACE, app).inputs["metadata"]["labels"]
        levels = {part: labels[f"pod-security.kubernetes.io/{part}"] for part in ("enforce", "warn", "audit")}
        assert levels == dict.fromkeys(("enforce", "warn", "audit"), "restricted")


def test_a_stack_may_lower_the_level_and_is_warned_of_what_the_strictest_refuses() -> None:
    deployment = deploy("prod", {"ollama": {"podSecurity": "baseline"}, "librechat": {"podSecurity": "privileged"}})
    labels = deployment.one(NAMESPACE, "ollama").inputs["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"
    open_ = deployment.one(NAMESPACE, "librechat").inputs["metadata"]["labels"]
    assert {label: level for label, level in open_.items() if label.startswith("pod-security")} == {
        "pod-security.kubernetes.io/warn": "restricted",
        "pod-security.kubernetes.io/audit": "restricted",
    }


@pytest.mark.parametrize("app", ["ollama", "librechat"])
@pytest.mark.parametrize(
    ("label", "cure"),
    [
        ("pod-security.kubernetes.io/enforce", "set {app}.podSecurity to restricted, baseline or privileged"),
        ("pod-security.kubernetes.io/warn-version", "set {app}.podSecurity to restricted, baseline or privileged"),
        ("kubernetes.io/metadata.name", "the name is set by {app}.namespace"),
    ],
)
def test_a_label_can_not_take_the_place_of_the_level_or_of_the_name(app: str, label: str, cure: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {app: {"labels": {label: "privileged", "team": "ml"}}})
    count, text = str(refused.value).splitlines()
    assert count.startswith("1 setting")
    assert text.startswith(f"  Pulumi.prod.yaml: {app}.labels.{label} is a label that ")
    assert text.endswith(cure.format(app=app))


def test_another_level_is_refused() -> None:
    with pytest.raises(
        SettingsError, match=r'ollama\.podSecurity found "strict"; allowed: restricted, baseline or pri'
    ):
        load_settings("prod", {"ollama": {"podSecurity": "strict"}})


def test_a_priority_is_a_class_of_the_namespaces_own_that_the_pods_name() -> None:
    deployment = deploy("prod", {"ollama": {"priority": 1000, "namespace": "models"}})
    (made,) = deployment.of_type(PRIORITY_CLASS)
    assert (made.inputs["metadata"]["name"], made.inputs["value"]) == ("models-pods-1000", 1000)
    assert "namespace" not in made.inputs["metadata"]
    assert deployment.values("ollama")["priorityClassName"] == "models-pods-1000"
    assert made.urn in deployment.dependencies(deployment.one(RELEASE, "ollama"))


@pytest.mark.parametrize("priority", [1000000001, -1000000001, "high"])
def test_a_priority_that_no_class_may_have_is_refused_with_the_range(priority: object) -> None:
    with pytest.raises(SettingsError, match="allowed: a whole number from -1000000000 to 1000000000"):
        load_settings("prod", {"ollama": {"priority": priority}})


@pytest.mark.parametrize("where", [{"team": "system"}, {"ollama": {"namespace": "system-models"}}])
def test_a_priority_whose_class_would_have_a_name_of_kubernetes_own_is_refused(where: dict[str, Any]) -> None:
    load_settings("dev", where)
    with pytest.raises(SettingsError) as refused:
        load_settings("dev", {**where, "ollama": {**where.get("ollama", {}), "priority": 5}})
    _, text = str(refused.value).splitlines()
    assert text.strip().startswith('Pulumi.dev.yaml: ollama.priority is set in the namespace "system-')
    assert text.endswith("allowed: no priority, or another team or ollama.namespace")


def test_another_priority_is_another_class_since_a_class_keeps_its_value() -> None:
    made = {}
    for priority in (1000, 0, -5):
        deployment = deploy("prod", {"ollama": {"priority": priority}})
        (of_priority,) = deployment.of_type(PRIORITY_CLASS)
        assert of_priority.inputs["value"] == priority
        assert deployment.values("ollama")["priorityClassName"] == of_priority.inputs["metadata"]["name"]
        assert of_priority.urn in deployment.dependencies(deployment.one(RELEASE, "ollama"))
        made[of_priority.urn] = of_priority.inputs["metadata"]["name"]
    assert sorted(made.values()) == ["ollama-pods--5", "ollama-pods-0", "ollama-pods-1000"]


@pytest.mark.parametrize("class_name", ["important", "ollama-pods-", "models-pods-5", "ollama-pods-5x", None])
def test_a_class_of_somebody_else_s_that_values_name_is_not_made(class_name: str | None) -> None:
    deployment = deploy("prod", {"ollama": {"priority": 5, "values": {"priorityClassName": class_name}}})
    assert deployment.of_type(PRIORITY_CLASS) == []


@pytest.mark.parametrize("stays", [{}, {"priority": 7}])
def test_a_rollback_brings_the_class_of_its_revision_along(
    stays: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {"priorityClassName": "ollama-pods-5"}
    for name, value in Rollback("prod", "ollama", 1, "1.77.0", values).environment().items():
        monkeypatch.setenv(name, value)
    deployment = deploy("prod", {"ollama": stays})
    assert [item.name for item in deployment.of_type(PRIORITY_CLASS)] == ["ollama-pods-5"]


def test_without_a_priority_the_stack_makes_nothing_outside_its_namespaces(deployed: Deployment) -> None:
    assert deployed.of_type(PRIORITY_CLASS) == []
    assert "priorityClassName" not in deployed.values("ollama")


@pytest.mark.parametrize("stack", ["prod", "ha"])
def test_whose_it_is_stands_on_everything_that_the_stack_owns(stack: str) -> None:
    owner = {"owner": {"name": "ml-platform", "costCenter": "4711", "contact": "#ml-help"}}
    deployment = deploy(stack, {**owner, **GROUPS, "ollama": {"priority": 5}})
    owned = [item for item in deployment.registrations if item.type.startswith("kubernetes:") and item.type != RELEASE]
    assert {item.type for item in owned} == set(OWNED_TYPES) - ({BUDGET} if stack == "prod" else set())
    for item in owned:
        metadata = item.inputs["metadata"]
        assert metadata["annotations"] == OWNED | {
            "private-chatgpt/owner": "ml-platform",
            "private-chatgpt/cost-center": "4711",
            "private-chatgpt/contact": "#ml-help",
        }, item.key
        assert metadata["labels"]["private-chatgpt/stack"] == stack, item.key


@pytest.mark.parametrize("stack", ["prod", "ha"])
def test_without_an_owner_nothing_says_whose_it_is(stack: str) -> None:
    owned = deploy(stack).of_type(*OWNED_TYPES)
    assert (BUDGET in {item.type for item in owned}) == (stack == "ha")
    for item in owned:
        assert item.inputs["metadata"]["annotations"] == OWNED, item.key


def test_the_job_that_changes_passwords_is_told_whose_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Marks] = []

    def hooks(name: str, context: str, namespace: str, marks: Marks) -> pulumi.ResourceHookBinding:
        told.append(marks)
        return pulumi.ResourceHookBinding()

    monkeypatch.setattr(librechat, "password_hooks", hooks)
    deploy("prod", {"team": "blue", "owner": {"contact": "#ml-help"}, "librechat": {"labels": {"tier": "chat"}}})
    whose = {"private-chatgpt/project": "private-chatgpt", "private-chatgpt/stack": "prod"}
    # Nothing that says that the engine manages it.
    assert told == [
        Marks(
            {"tier": "chat", **whose, "private-chatgpt/team": "blue"},
            {"private-chatgpt/contact": "#ml-help"},
        )
    ]


def test_meilisearch_gets_an_account_without_a_token(deployed: Deployment) -> None:
    account = deployed.one(ACCOUNT, "meilisearch")
    assert account.inputs["automountServiceAccountToken"] is False
    wanted = deployed.values("librechat")["meilisearch"]["serviceAccount"]
    assert wanted == {"create": False, "name": account.inputs["metadata"]["name"]}
    assert account.urn in deployed.dependencies(deployed.one(RELEASE, "librechat"))


def test_without_network_policies_there_is_none() -> None:
    assert deploy("prod", {"network": {"policies": False}}).of_type(POLICY) == []


# Python takes them for networks, the API server doesn't.
NO_NETWORKS = (
    "203.0.113.7",
    "10.0.0.0/255.0.0.0",
    "10.0.0.0/0.255.255.255",
    "fe80::%eth0/64",
    "::ffff:10.0.0.0/104",
    "::ffff:a00:0/104",
    "2001:DB8:0::/48",
)


@pytest.mark.parametrize("cidr", ["203.0.113.7/24", "everything", "10.0.0.0/33", "", *NO_NETWORKS])
def test_what_is_no_network_is_refused(cidr: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {"librechat": {"egress": [{"cidr": cidr}]}})
    assert "librechat.egress.0.cidr found" in str(refused.value)
    assert "a network such as 203.0.113.0/24, 203.0.113.7/32 for one address" in str(refused.value)


@pytest.mark.parametrize("cidr", ["203.0.113.7/32", "0.0.0.0/0", "2001:db8::/32", "2001:db8::7/128", "::/0"])
def test_a_network_as_the_api_server_takes_it_is_taken(cidr: str) -> None:
    settings = load_settings("prod", {"librechat": {"egress": [{"cidr": cidr}]}})
    assert settings.chat.egress[0].cidr == cidr
