"""What is registered, under whom, with which guards, and what has to be there before what."""

import pytest

from tests.unit.deployment import PROJECT, deploy
from tests.unit.recording import (
    ACCOUNT,
    BUDGET,
    GUARD,
    GUARDS,
    HELM_APP,
    LIBRECHAT,
    LIMITS,
    NAMESPACE,
    OLLAMA,
    POLICY,
    QUOTA,
    RANDOM_PASSWORD,
    RELEASE,
    SECRET,
    STACK,
    Deployment,
    Registration,
)

# Type and name make the URN: another one is a replacement of what holds people's data.
EXPECTED = {
    f"{STACK} {PROJECT}-prod": "",
    f"{GUARDS} guards": f"{STACK} {PROJECT}-prod",
    f"{OLLAMA} ollama": f"{STACK} {PROJECT}-prod",
    f"{HELM_APP} ollama": f"{OLLAMA} ollama",
    f"{NAMESPACE} ollama": f"{HELM_APP} ollama",
    f"{POLICY} ollama-default-deny": f"{HELM_APP} ollama",
    f"{POLICY} ollama-allow-ollama": f"{HELM_APP} ollama",
    f"{QUOTA} ollama-quota": f"{HELM_APP} ollama",
    f"{LIMITS} ollama-limits": f"{HELM_APP} ollama",
    f"{RELEASE} ollama": f"{HELM_APP} ollama",
    f"{GUARD} ollama": f"{RELEASE} ollama",
    f"{LIBRECHAT} librechat": f"{STACK} {PROJECT}-prod",
    f"{RANDOM_PASSWORD} librechat-jwt-secret": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-jwt-refresh-secret": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-creds-key": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-creds-iv": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-meili-master-key": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-mongodb-root-password": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-mongodb-password": f"{LIBRECHAT} librechat",
    f"{RANDOM_PASSWORD} librechat-annotation-salt": f"{LIBRECHAT} librechat",
    f"{HELM_APP} librechat": f"{LIBRECHAT} librechat",
    f"{NAMESPACE} librechat": f"{HELM_APP} librechat",
    f"{SECRET} librechat-credentials": f"{HELM_APP} librechat",
    f"{SECRET} librechat-mongodb-credentials": f"{HELM_APP} librechat",
    f"{SECRET} librechat-meilisearch-credentials": f"{HELM_APP} librechat",
    f"{POLICY} librechat-default-deny": f"{HELM_APP} librechat",
    f"{POLICY} librechat-allow-librechat": f"{HELM_APP} librechat",
    f"{POLICY} librechat-allow-mongodb": f"{HELM_APP} librechat",
    f"{POLICY} librechat-allow-meilisearch": f"{HELM_APP} librechat",
    f"{POLICY} librechat-allow-jobs": f"{HELM_APP} librechat",
    f"{QUOTA} librechat-quota": f"{HELM_APP} librechat",
    f"{LIMITS} librechat-limits": f"{HELM_APP} librechat",
    f"{ACCOUNT} meilisearch": f"{HELM_APP} librechat",
    f"{RELEASE} librechat": f"{HELM_APP} librechat",
    f"{GUARD} librechat": f"{RELEASE} librechat",
}


def parts(deployment: Deployment, type_: str, name: str) -> list[Registration]:
    """A component and everything in it."""
    return deployment.below(deployment.one(type_, name))


def apart_from_guards(deployment: Deployment, type_: str, name: str) -> list[Registration]:
    """What of a component others wait for: a guard comes right after its release, whose child it is."""
    return [item for item in parts(deployment, type_, name) if item.type != GUARD]


def missing(deployment: Deployment, of: Registration, needed: list[Registration]) -> list[str]:
    """What of `needed` doesn't have to be there before `of`."""
    return [item.key for item in needed if item.urn not in deployment.dependencies(of)]


def test_exactly_these_resources_are_registered_each_under_its_component(prod: Deployment) -> None:
    keys = {registration.urn: registration.key for registration in prod.registrations}
    assert {item.key: keys.get(item.parent, "") for item in prod.registrations} == EXPECTED


def test_every_stack_consists_of_the_same_resources(dev: Deployment, prod: Deployment) -> None:
    assert {key.replace("-dev", "-prod") for key in dev.registered()} == set(prod.registered())


def test_everything_of_librechat_waits_for_every_resource_of_ollama(deployed: Deployment) -> None:
    ollama = [item for item in apart_from_guards(deployed, OLLAMA, "ollama") if item.custom]
    librechat = apart_from_guards(deployed, LIBRECHAT, "librechat")
    assert {item.type for item in ollama} - {BUDGET} == {NAMESPACE, POLICY, QUOTA, LIMITS, RELEASE}
    assert len(librechat) >= 23
    assert {item.key: lacking for item in librechat if (lacking := missing(deployed, item, ollama))} == {}


def test_the_engine_hears_of_librechat_only_after_all_of_ollama(deployed: Deployment) -> None:
    position = {item.urn: index for index, item in enumerate(deployed.registrations)}
    last_of_ollama = max(position[item.urn] for item in apart_from_guards(deployed, OLLAMA, "ollama"))
    first_of_librechat = min(position[item.urn] for item in parts(deployed, LIBRECHAT, "librechat"))
    assert last_of_ollama < first_of_librechat


def test_nothing_of_ollama_waits_for_librechat(deployed: Deployment) -> None:
    librechat = {item.urn for item in parts(deployed, LIBRECHAT, "librechat")}
    for item in parts(deployed, OLLAMA, "ollama"):
        assert not deployed.dependencies(item) & librechat, item.key


@pytest.mark.parametrize("name", ["ollama", "librechat"])
def test_a_release_waits_for_its_namespace(deployed: Deployment, name: str) -> None:
    assert not missing(deployed, deployed.one(RELEASE, name), [deployed.one(NAMESPACE, name)])


def test_librechats_release_waits_for_its_secrets_and_they_for_their_namespace_and_keys(deployed: Deployment) -> None:
    secrets = deployed.of_type(SECRET)
    assert len(secrets) >= 3
    assert not missing(deployed, deployed.one(RELEASE, "librechat"), secrets)
    for secret in secrets:
        assert not missing(deployed, secret, [deployed.one(NAMESPACE, "librechat")])
    app = deployed.one(SECRET, "librechat-credentials")
    keys = ("jwt-secret", "jwt-refresh-secret", "creds-key", "creds-iv", "meili-master-key", "mongodb-password")
    assert not missing(deployed, app, [deployed.one(RANDOM_PASSWORD, f"librechat-{key}") for key in keys])


def test_a_protected_stack_guards_namespaces_releases_their_quotas_and_generated_keys(prod: Deployment) -> None:
    guarded = {item.key for item in prod.registrations if item.protect}
    assert guarded == {item.key for item in prod.of_type(NAMESPACE, RELEASE, GUARD, QUOTA, RANDOM_PASSWORD)}


def test_an_unprotected_stack_guards_nothing(dev: Deployment) -> None:
    assert [item.key for item in dev.registrations if item.protect] == []


@pytest.mark.parametrize("protect", [True, False])
def test_protection_is_the_stacks_choice(protect: bool) -> None:
    assert any(item.protect for item in deploy("dev", {"protect": protect}).registrations) is protect


def test_each_app_owns_a_namespace_that_says_who_manages_it(deployed: Deployment) -> None:
    for name in ("ollama", "librechat"):
        metadata = deployed.one(NAMESPACE, name).inputs["metadata"]
        assert metadata["name"] == name
        assert metadata["labels"] == {
            "app.kubernetes.io/managed-by": "pulumi",
            "private-chatgpt/project": PROJECT,
            "private-chatgpt/stack": deployed.of_type(STACK)[0].name.removeprefix(f"{PROJECT}-"),
            "pod-security.kubernetes.io/enforce": "restricted",
            "pod-security.kubernetes.io/warn": "restricted",
            "pod-security.kubernetes.io/audit": "restricted",
        }
        assert deployed.release(name)["namespace"] == name
        assert deployed.release(name)["createNamespace"] is False


def test_labels_of_a_stack_are_added_but_never_hide_who_manages_it() -> None:
    labels = {"team": "platform", "app.kubernetes.io/managed-by": "somebody-else"}
    deployment = deploy("prod", {"librechat": {"labels": labels}})
    for item in (deployment.one(NAMESPACE, "librechat"), *deployment.of_type(SECRET)):
        assert item.inputs["metadata"]["labels"]["team"] == "platform", item.key
        assert item.inputs["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "pulumi", item.key
    assert "team" not in deployment.one(NAMESPACE, "ollama").inputs["metadata"]["labels"]


def test_another_namespace_is_used_everywhere() -> None:
    changes = {"ollama": {"namespace": "models"}, "librechat": {"namespace": "chat"}}
    deployment = deploy("prod", changes)
    assert deployment.one(NAMESPACE, "ollama").inputs["metadata"]["name"] == "models"
    assert deployment.release("ollama")["namespace"] == "models"
    assert deployment.one(NAMESPACE, "librechat").inputs["metadata"]["name"] == "chat"
    assert deployment.release("librechat")["namespace"] == "chat"
    assert {item.inputs["metadata"]["namespace"] for item in deployment.of_type(SECRET)} == {"chat"}
    assert deployment.outputs["namespaces"] == {"ollama": "models", "librechat": "chat"}
    assert deployment.outputs["ollamaUrl"] == "http://ollama.models.svc:11434"
    assert "--namespace chat " in deployment.outputs["portForward"]
    assert "http://ollama.models.svc:11434/v1" in deployment.values("librechat")["librechat"]["configYamlContent"]
