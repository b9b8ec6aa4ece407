"""Images from a registry of one's own: what the charts are told, and which values are refused beside it."""

from typing import Any

import pytest

from components.faults import SettingsError
from components.images import Images, split_registry
from components.ownership import Marks
from ops.database_password.job import database_of, job_of
from ops.images import clashes, full, names_in
from tests.unit.deployment import Changes, deploy, load_settings

REGISTRY = "registry.example.com/mirror"
MIRROR: dict[str, Any] = {"registry": REGISTRY}
AIR_GAP: Changes = {"images": MIRROR}


def faults(changes: Changes) -> str:
    """The error that the changed settings of prod raise, with the registry set."""
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {**AIR_GAP, **changes})
    return str(raised.value)


@pytest.mark.parametrize(
    ("image", "registry", "rest"),
    [
        ("redis:8", "docker.io", "library/redis:8"),
        ("ollama/ollama:1", "docker.io", "ollama/ollama:1"),
        ("docker.io/a/b", "docker.io", "a/b"),
        ("registry.librechat.ai/a/b:1", "registry.librechat.ai", "a/b:1"),
        ("localhost/a", "localhost", "a"),
        ("localhost:5000/a@sha256:0", "localhost:5000", "a@sha256:0"),
        ("registry:5000/a:1", "registry:5000", "a:1"),
        ("redis:8.0", "docker.io", "library/redis:8.0"),
    ],
)
def test_an_image_is_split_into_registry_and_rest_as_a_container_runtime_does(
    image: str, registry: str, rest: str
) -> None:
    assert split_registry(image) == (registry, rest)
    assert full(image) == f"{registry}/{rest}"
    assert Images("mirror.example.com").mirrored(image) == f"mirror.example.com/{rest}"


def test_an_image_that_is_in_the_registry_already_stays_and_without_a_registry_each_does() -> None:
    assert Images(REGISTRY).mirrored(f"{REGISTRY}/a/b:1") == f"{REGISTRY}/a/b:1"
    assert Images().mirrored("docker.io/a/b:1") == "docker.io/a/b:1"


def test_every_chart_is_told_the_registry_and_the_secret_by_keys_of_its_own() -> None:
    deployment = deploy("prod", {"images": {"registry": REGISTRY, "pullSecret": "mirror-login"}})
    ollama, librechat = deployment.values("ollama"), deployment.values("librechat")
    login = [{"name": "mirror-login"}]
    assert (ollama["image"], ollama["imagePullSecrets"]) == ({"repository": f"{REGISTRY}/ollama/ollama"}, login)
    assert (librechat["image"], librechat["imagePullSecrets"]) == ({"registry": REGISTRY}, login)
    assert librechat["meilisearch"]["image"] == {
        "repository": f"{REGISTRY}/getmeili/meilisearch",
        "pullSecret": "mirror-login",
    }
    assert librechat["mongodb"]["global"] == {
        "imageRegistry": REGISTRY,
        "imagePullSecrets": ["mirror-login"],
        "security": {"allowInsecureImages": True},
    }


def test_without_the_setting_no_value_says_anything_of_images() -> None:
    deployment = deploy("prod")
    for values in (deployment.values("ollama"), *map(deployment.values("librechat").get, ("mongodb", "meilisearch"))):
        assert values is not None
        assert not {"image", "imagePullSecrets", "global"} & set(values)


@pytest.mark.parametrize(
    "registry",
    [
        "https://registry.example.com",
        "registry",
        "registry/mirror",
        "registry.example.com/",
        "registry.example.com/Mirror",
        "registry.example.com:mirror",
        "",
    ],
)
def test_a_registry_that_no_image_could_have_is_an_error(registry: str) -> None:
    with pytest.raises(SettingsError, match=r"images\.registry found .*; allowed: a host with a dot or a port"):
        load_settings("prod", {"images": {"registry": registry}})


@pytest.mark.parametrize(
    "registry", ["registry.example.com", "registry:5000/a", "localhost/mirror", "10.0.0.1:5000", "r.example.com/a/b-c"]
)
def test_a_registry_with_a_dot_or_a_port_is_one(registry: str) -> None:
    assert load_settings("prod", {"images": {"registry": registry}}).platform.images.registry == registry


@pytest.mark.parametrize(
    ("app", "values", "path"),
    [
        ("ollama", {"image": {"repository": "docker.io/ollama/ollama"}}, "image.repository"),
        ("ollama", {"image": {"repository": "ollama/ollama"}}, "image.repository"),
        ("ollama", {"image": {"repository": f"{REGISTRY}-two/ollama"}}, "image.repository"),
        ("ollama", {"initContainers": [{"name": "a", "image": "busybox"}]}, "initContainers.0.image"),
        (
            "ollama",
            {"volumes": [{"name": "a", "image": {"reference": "quay.io/models:1"}}]},
            "volumes.0.image.reference",
        ),
        ("librechat", {"image": {"registry": "docker.io"}}, "image.registry"),
        ("librechat", {"initContainers": {"a": {"image": "busybox"}}}, "initContainers.a.image"),
        ("librechat", {"mongodb": {"image": {"registry": "docker.io"}}}, "mongodb.image.registry"),
        ("librechat", {"mongodb": {"image": {"repository": "quay.io/a/b"}}}, "mongodb.image.repository"),
        ("librechat", {"mongodb": {"global": {"imageRegistry": "quay.io"}}}, "mongodb.global.imageRegistry"),
        ("librechat", {"mongodb": {"sidecars": [{"name": "a", "image": "a/b"}]}}, "mongodb.sidecars.0.image"),
        ("librechat", {"meilisearch": {"image": {"repository": "a/b"}}}, "meilisearch.image.repository"),
        ("librechat", {"librechat-rag-api": {"enabled": True}}, "librechat-rag-api.enabled"),
    ],
)
def test_a_value_that_names_an_image_elsewhere_is_an_error_with_its_place(app: str, values: Changes, path: str) -> None:
    (line,) = faults({app: {"values": values}}).splitlines()[1:]
    assert line.strip().startswith(f"Pulumi.prod.yaml: {app}.values: {path} ")
    assert f"{REGISTRY} (images.registry); allowed: " in line


@pytest.mark.parametrize(
    ("app", "values"),
    [
        ("ollama", {"image": {"repository": f"{REGISTRY}/another/ollama"}}),
        ("ollama", {"image": {"tag": "1.2.3"}}),
        ("librechat", {"image": {"registry": f"{REGISTRY}/deeper"}}),
        ("librechat", {"image": {"repository": "our/librechat"}}),
        ("librechat", {"mongodb": {"image": {"repository": "our/mongodb"}}}),
        ("librechat", {"initContainers": {"a": {"image": f"{REGISTRY}/library/busybox:1"}}}),
    ],
)
def test_a_value_that_names_another_image_of_the_registry_is_none(app: str, values: Changes) -> None:
    load_settings("prod", {**AIR_GAP, app: {"values": values}})


def test_without_a_registry_images_may_come_from_anywhere() -> None:
    load_settings("prod", {"ollama": {"values": {"image": {"repository": "quay.io/ollama"}}}})


def test_models_may_be_pulled_from_a_registry_of_ones_own() -> None:
    model = "registry.example.com/library/llama3.2:1b"
    deployment = deploy("dev", {**AIR_GAP, "ollama": {"models": [model]}, "librechat": {"defaultModel": model}})
    assert deployment.values("ollama")["ollama"]["models"]["pull"] == [model]


def test_the_jobs_of_ops_take_image_and_secret_of_the_database() -> None:
    container = {"name": "mongodb", "image": f"{REGISTRY}/bitnamilegacy/mongodb:8", "env": []}
    pod = {"imagePullSecrets": [{"name": "mirror-login"}], "containers": [container]}
    database = database_of({"metadata": {"name": "mongodb"}, "spec": {"template": {"spec": pod}}})
    assert database is not None
    job = job_of("job", database, "user", "database", 60, Marks({}, {}))["spec"]["template"]["spec"]
    assert names_in([{"kind": "Pod", "spec": job}]) == {f"{REGISTRY}/bitnamilegacy/mongodb:8"}
    assert job["imagePullSecrets"] == [{"name": "mirror-login"}]


def test_images_are_found_wherever_a_manifest_names_one() -> None:
    pod = {
        "initContainers": [{"image": "a:1"}],
        "containers": [{"image": "b:1"}, {"image": "b:1"}],
        "volumes": [{"image": {"reference": "c:1"}}],
    }
    job = {"spec": {"jobTemplate": {"spec": {"template": {"spec": pod}}}}}
    assert names_in([{"kind": "CronJob", **job}]) == {"a:1", "b:1", "c:1"}
    assert names_in([{"kind": "ConfigMap", "data": {"image": "no image"}}]) == set()


def test_two_images_that_would_have_one_name_in_the_registry_clash() -> None:
    assert clashes({"docker.io/a/b:1": f"{REGISTRY}/a/b:1", "quay.io/a/b:1": f"{REGISTRY}/a/b:1", "c": None}) == {
        f"{REGISTRY}/a/b:1": ["docker.io/a/b:1", "quay.io/a/b:1"]
    }
    assert clashes({"docker.io/a/b:1": f"{REGISTRY}/a/b:1", "quay.io/a/b:2": f"{REGISTRY}/a/b:2"}) == {}
