"""More than one pod of a part: keys and addresses of what they share, budgets, quotas, and what is refused."""

from pathlib import Path
from typing import Any

import pytest

from components.faults import SettingsError
from components.guardrails.quantities import amount
from components.librechat import secret_keys
from components.loading import PROJECT_DIR
from components.replicas import Shared
from tests.unit.deployment import Changes, copy_project, deploy, load_settings
from tests.unit.recording import BUDGET, POLICY, QUOTA, RANDOM_PASSWORD, SECRET, Deployment, revealed

MEMBERS = ",".join(f"librechat-mongodb-{number}.librechat-mongodb-headless:27017" for number in range(3))


@pytest.fixture(scope="module")
def ha() -> Deployment:
    """The ha stack, deployed on mocks."""
    return deploy("ha")


def secret(deployment: Deployment, name: str) -> dict[str, str]:
    """What a Secret holds."""
    data: dict[str, str] = revealed(deployment.one(SECRET, name).inputs["stringData"])
    return data


def fault(changes: Changes, stack: str = "ha") -> str:
    """The one error of the changed settings."""
    with pytest.raises(SettingsError) as raised:
        load_settings(stack, changes)
    _, line = str(raised.value).splitlines()
    return line.strip()


def test_librechat_is_told_of_every_member_of_the_replica_set(ha: Deployment) -> None:
    password = secret(ha, "librechat-mongodb-credentials")["mongodb-passwords"]
    uri = secret(ha, "librechat-credentials")["MONGO_URI"]
    assert uri == f"mongodb://librechat:{password}@{MEMBERS}/LibreChat?replicaSet=rs0"


def test_the_uri_has_as_many_members_as_the_values_say() -> None:
    five = {"librechat": {"values": {"mongodb": {"replicaCount": 5, "replicaSetName": "chat"}}}}
    uri = secret(deploy("ha", five), "librechat-credentials")["MONGO_URI"]
    assert uri.count(".librechat-mongodb-headless:27017") == 5
    assert uri.endswith("?replicaSet=chat")


def test_the_members_know_each_other_by_a_key_of_their_own(ha: Deployment) -> None:
    held = secret(ha, "librechat-mongodb-credentials")
    assert set(held) == {"mongodb-root-password", "mongodb-passwords", "mongodb-replica-set-key"}
    assert len(held["mongodb-replica-set-key"]) == 64
    assert len(set(held.values())) == 3


def test_redis_has_a_password_that_only_it_and_librechat_are_given(ha: Deployment) -> None:
    held = secret(ha, "librechat-redis-credentials")
    assert set(held) == {"redis-password"}
    password = held["redis-password"]
    assert len(password) == 32
    assert secret(ha, "librechat-credentials")["REDIS_URI"] == f"redis://:{password}@librechat-redis-master:6379"
    assert ha.values("librechat")["redis"]["auth"] == {
        "enabled": True,
        "existingSecret": "librechat-redis-credentials",
        "existingSecretPasswordKey": "redis-password",
    }


@pytest.mark.parametrize("stack", ["dev", "prod"])
def test_a_stack_without_replicas_has_nothing_of_it(stack: str) -> None:
    deployment = deploy(stack)
    assert len(deployment.of_type(SECRET)) == 3
    assert deployment.of_type(BUDGET) == []
    made = {item.name for item in deployment.of_type(RANDOM_PASSWORD)}
    assert not [name for name in made if "redis" in name or "replica" in name]


@pytest.mark.parametrize("stack", ["dev", "ha"])
def test_what_the_secrets_hold_is_what_drift_expects_in_them(stack: str) -> None:
    deployment = deploy(stack)
    shared = Shared.of(deployment.values("librechat"))
    held = {item.name: frozenset(secret(deployment, item.name)) for item in deployment.of_type(SECRET)}
    assert held == secret_keys("librechat", load_settings(stack).chat, shared)


def test_generated_keys_are_kept_as_long_as_the_others(ha: Deployment) -> None:
    made = {item.name: item.protect for item in ha.of_type(RANDOM_PASSWORD)}
    assert made["librechat-mongodb-replica-set-key"] and made["librechat-redis-password"]
    assert all(made.values())


def test_each_deployment_of_several_pods_has_a_budget_of_one_that_its_chart_does_not_make(ha: Deployment) -> None:
    budgets = {item.name: item.inputs["spec"] for item in ha.of_type(BUDGET)}
    assert set(budgets) == {"ollama-ollama-budget", "librechat-librechat-budget"}
    for name, spec in budgets.items():
        app = name.partition("-")[0]
        labels = {"app.kubernetes.io/name": app, "app.kubernetes.io/instance": app}
        assert spec["selector"] == {"matchLabels": labels}
        assert (spec["maxUnavailable"], spec["unhealthyPodEvictionPolicy"]) == (1, "AlwaysAllow")


def test_the_quota_counts_every_member_and_every_volume(ha: Deployment) -> None:
    librechat = ha.one(QUOTA, "librechat-quota").inputs["spec"]["hard"]
    # Images, Meilisearch, three members, Redis.
    assert librechat["persistentvolumeclaims"] == "6"
    assert amount(librechat["requests.storage"]) == amount("192Gi")
    # LibreChat 2 and as many in an update, MongoDB 3, Meilisearch, Redis, two Jobs.
    assert librechat["pods"] == "11"
    ollama = ha.one(QUOTA, "ollama-quota").inputs["spec"]["hard"]
    # An update takes one away first, but what ends counts until it is gone: with its GPU and its volume.
    assert (ollama["pods"], ollama["requests.nvidia.com/gpu"], ollama["persistentvolumeclaims"]) == ("6", "4", "4")
    assert amount(ollama["requests.storage"]) == amount("400Gi")


def test_an_arbiter_is_counted_too_with_what_its_chart_gives_it(ha: Deployment) -> None:
    arbiter = {"librechat": {"values": {"mongodb": {"arbiter": {"enabled": True}}}}}
    without = ha.one(QUOTA, "librechat-quota").inputs["spec"]["hard"]
    found = deploy("ha", arbiter).one(QUOTA, "librechat-quota").inputs["spec"]["hard"]
    names = ("pods", "requests.cpu", "requests.memory", "limits.memory")
    # The chart's preset "small".
    small = ("1", "500m", "512Mi", "768Mi")
    assert [amount(found[name]) - amount(without[name]) for name in names] == [amount(text) for text in small]


def test_pods_that_an_autoscaler_may_start_are_counted_and_have_a_budget() -> None:
    values = {
        "autoscaling": {"enabled": True, "maxReplicas": 5},
        "persistentVolume": {"accessModes": ["ReadWriteMany"]},
    }
    deployment = deploy("prod", {"ollama": {"values": values}})
    assert deployment.one(QUOTA, "ollama-quota").inputs["spec"]["hard"]["requests.nvidia.com/gpu"] == "5"
    assert [item.name for item in deployment.of_type(BUDGET)] == ["ollama-ollama-budget"]


@pytest.mark.parametrize(("autoscaling", "count"), [({"enabled": True, "maxReplicas": 2}, 2), ({"enabled": True}, 100)])
def test_an_autoscaler_is_as_wrong_as_two_replicas_where_they_are(autoscaling: Changes, count: int) -> None:
    line = fault({"ollama": {"values": {"autoscaling": autoscaling}}}, "prod")
    expected = (
        f"Pulumi.prod.yaml: ollama.values: autoscaling.maxReplicas found {count}, but the pods would wait for one "
    )
    assert line.startswith(expected)
    load_settings("prod", {"ollama": {"values": {"autoscaling": {**autoscaling, "enabled": False}}}})


def test_members_may_call_each_other_and_only_librechat_calls_redis(ha: Deployment) -> None:
    def labels(peers: list[Any]) -> list[str]:
        return [peer["podSelector"]["matchLabels"].get("app.kubernetes.io/name", "job") for peer in peers]

    mongodb = ha.one(POLICY, "librechat-allow-mongodb").inputs["spec"]
    assert labels(mongodb["ingress"][0]["from"]) == ["librechat", "job", "mongodb"]
    assert labels(mongodb["egress"][0]["to"]) == ["mongodb"]
    redis = ha.one(POLICY, "librechat-allow-redis").inputs["spec"]
    assert (labels(redis["ingress"][0]["from"]), redis["egress"]) == (["librechat"], [])


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (
            {"redis": {"enabled": False}},
            "each pod would keep sessions and streams for itself; allowed: 1, or redis.enabled true",
        ),
        (
            {"librechat": {"imageVolume": {"accessModes": "ReadWriteOnce"}}},
            "the pods would wait for one image volume that a single node may mount; allowed: 1, "
            "librechat.imageVolume.accessModes ReadWriteMany",
        ),
    ],
)
def test_two_pods_of_librechat_without_what_they_share_are_an_error(values: Changes, expected: str) -> None:
    line = fault({"librechat": {"values": values}})
    assert line.startswith("values/librechat.ha.yaml:4: replicaCount found 2, but ")
    assert expected in line


def test_two_pods_of_librechat_may_share_an_object_store_and_a_redis_elsewhere() -> None:
    values = {"redis": {"enabled": False}, "librechat": {"imageVolume": {"enabled": False}}}
    env = {"USE_REDIS": "true"}
    load_settings("ha", {"librechat": {"values": values, "env": env}})


def test_two_pods_of_ollama_with_one_volume_are_an_error() -> None:
    line = fault({"ollama": {"values": {"replicaCount": 2}}}, "prod")
    assert line.startswith("Pulumi.prod.yaml: ollama.values: replicaCount found 2, but the pods would wait for one ")
    load_settings(
        "prod", {"ollama": {"values": {"replicaCount": 2, "persistentVolume": {"accessModes": ["ReadWriteMany"]}}}}
    )


def examples() -> list[str]:
    """The blocks of YAML in the docs, in their order."""
    text = (PROJECT_DIR / "docs" / "high_availability.md").read_text(encoding="utf-8")
    return [part.partition("```")[0] for part in text.split("```yaml\n")[1:]]


@pytest.mark.parametrize("number", [0, 1])
def test_models_on_a_shared_volume_are_set_up_as_the_docs_say(tmp_path: Path, number: int) -> None:
    project = copy_project(tmp_path)
    overlay = project / "values" / "ollama.ha.yaml"
    kept, found, _ = overlay.read_text(encoding="utf-8").partition("# The chart's Deployment knows one claim")
    assert found
    overlay.write_text(f"{kept}\n{examples()[number]}", encoding="utf-8")
    nothing_pulled: Changes = {"values": {"ollama": {"models": {"pull": []}}}}
    deployment = deploy("ha", {"ollama": nothing_pulled} if number else {}, directory=project)
    values = deployment.values("ollama")
    hard = deployment.one(QUOTA, "ollama-quota").inputs["spec"]["hard"]
    assert (values["replicaCount"], hard["persistentvolumeclaims"]) == (2, "0")
    assert values["ollama"]["mountPath"] == "/home/ollama/.ollama"
    assert values["persistentVolume"]["enabled"] is (number == 0)


@pytest.mark.parametrize(
    "volume",
    [
        {"existingClaim": "models"},
        {"accessModes": ["ReadOnlyMany"]},
        {"accessModes": ["ReadWriteOnce", "ReadWriteMany"]},
    ],
)
def test_two_pods_of_ollama_may_share_a_volume_that_many_nodes_mount(volume: Changes) -> None:
    shared = {"persistentVolume": {"enabled": True, **volume}, "volumes": [], "volumeMounts": []}
    load_settings("ha", {"ollama": {"values": shared}})


@pytest.mark.parametrize("volume", [{}, {"accessModes": ["ReadWriteOnce"]}, {"accessModes": [], "existingClaim": ""}])
def test_two_pods_of_ollama_may_not_share_a_claim_of_the_charts_own_for_one_node(volume: Changes) -> None:
    line = fault({"ollama": {"values": {"persistentVolume": {"enabled": True, **volume}}}})
    assert (
        "allowed: 1, persistentVolume.accessModes [ReadWriteMany or ReadOnlyMany], persistentVolume.existingClaim "
        in line
    )


def test_an_install_without_mongodb_or_as_one_pod_has_no_members() -> None:
    assert Shared.of({}) == Shared.of({"mongodb": {"enabled": True, "replicaCount": 3}}) == Shared()
    assert Shared.of({"mongodb": {"enabled": False, "architecture": "replicaset"}}) == Shared()
    assert Shared.of({"mongodb": {"enabled": True, "architecture": "replicaset"}}).members == 2
