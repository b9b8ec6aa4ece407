"""What a quota is worked out from: values with numbers that Kubernetes reads, and parts that are counted."""

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import Changes, load_settings

BY_HAND = {
    "pods": "20",
    "requests.cpu": "20",
    "requests.memory": "64Gi",
    "limits.memory": "64Gi",
    "persistentvolumeclaims": "20",
    "requests.storage": "1Ti",
}


def faults(app: str, values: Changes, stack: str = "prod", **settings: Any) -> list[str]:
    """What is wrong with the stack where `app` has these values."""
    with pytest.raises(SettingsError) as refused:
        load_settings(stack, {app: {"values": values, **settings}})
    return [line.strip() for line in str(refused.value).splitlines()[1:]]


def nested(path: str, value: object) -> dict[str, Any]:
    """The value below the dotted path."""
    for part in reversed(path.split(".")):
        value = {part: value}
    assert isinstance(value, dict)
    return value


QUANTITY, WHOLE = "a quantity such as 500m or 2Gi", "a whole number, 0 or more"


@pytest.mark.parametrize(
    ("app", "path", "value", "found", "allowed"),
    [
        ("ollama", "resources.limits.memory", "-1", '"-1"', QUANTITY),
        ("ollama", "resources.limits.memory", "abc", '"abc"', QUANTITY),
        ("ollama", "persistentVolume.size", None, "null", QUANTITY),
        ("ollama", "replicaCount", "two", '"two"', WHOLE),
        ("ollama", "replicaCount", -1, "-1", WHOLE),
        ("ollama", "ollama.gpu.number", "x", '"x"', WHOLE),
        ("ollama", "autoscaling.maxReplicas", "many", '"many"', WHOLE),
        ("librechat", "replicaCount", "two", '"two"', WHOLE),
        ("librechat", "initContainers.a.resources.requests.cpu", "all", '"all"', QUANTITY),
        ("librechat", "librechat.imageVolume.size", None, "null", QUANTITY),
        ("librechat", "mongodb.persistence.size", None, "null", QUANTITY),
        ("librechat", "mongodb.resources.limits.memory", "1GB", '"1GB"', QUANTITY),
        ("librechat", "mongodb.replicaCount", "x", '"x"', WHOLE),
    ],
)
def test_a_number_that_kubernetes_does_not_read_is_an_error_with_its_place(
    app: str, path: str, value: object, found: str, allowed: str
) -> None:
    (line,) = faults(app, nested(path, value))
    assert line == f"Pulumi.prod.yaml: {app}.values: {path} found {found}; allowed: {allowed}"


def test_every_such_number_is_told_of_at_once_also_where_the_rules_of_replicas_read_it() -> None:
    values = {"replicaCount": "two", "mongodb": {"replicaCount": "three"}, "redis": {"master": {"count": "one"}}}
    lines = faults("librechat", values, "ha")
    assert [line.split()[2] for line in lines] == ["replicaCount", "mongodb.replicaCount", "redis.master.count"]


def test_a_size_of_a_volume_that_is_made_for_each_pod_is_read_too() -> None:
    claim = {"spec": {"resources": {"requests": {"storage": "much"}}}}
    volumes = [{"name": "a", "ephemeral": {"volumeClaimTemplate": claim}}]
    size = "0.ephemeral.volumeClaimTemplate.spec.resources.requests.storage"
    for app, path in (("ollama", "volumes"), ("librechat", "volumes"), ("librechat", "mongodb.extraVolumes")):
        (line,) = faults(app, nested(path, volumes))
        assert f"{path}.{size} found" in line


def test_a_number_of_devices_that_is_none_is_an_error_with_its_place() -> None:
    (line,) = faults("ollama", nested("ollama.gpu.mig.devices", {"1g.10gb": "many"}))
    assert 'ollama.gpu.mig.devices.1g.10gb found "many"; allowed: a whole number' in line


def test_a_preset_whose_size_is_not_known_is_refused_unless_resources_stand_beside_it() -> None:
    arbiter = {"arbiter": {"resourcesPreset": "xlarge"}}
    (line,) = faults("librechat", {"mongodb": arbiter})
    assert 'mongodb.arbiter.resourcesPreset found "xlarge"; allowed: none, nano, ' in line
    load_settings("prod", {"librechat": {"values": {"mongodb": {"resourcesPreset": "xlarge"}}}})


@pytest.mark.parametrize("memory", ["1e9", "1E9", ".5Gi", "+1Gi", 1500000000])
def test_what_kubernetes_reads_is_none(memory: object) -> None:
    load_settings("prod", {"librechat": {"values": {"mongodb": {"resources": {"limits": {"memory": memory}}}}}})


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("mongodb.sidecars", [{"name": "a", "image": "a"}]),
        ("mongodb.metrics.enabled", True),
        ("mongodb.hidden.enabled", True),
        ("meilisearch.containers", [{"name": "a", "image": "a"}]),
        ("redis.metrics.enabled", True),
        ("initContainers.a", {"image": "a", "restartPolicy": "Always"}),
    ],
)
def test_what_is_not_counted_is_refused_unless_the_whole_quota_is_set_by_hand(path: str, value: object) -> None:
    values = nested(path, value)
    (line,) = faults("librechat", values, "ha")
    assert line.startswith(f"Pulumi.ha.yaml: librechat.values: {path} starts containers that aren't counted ")
    assert f"librechat.quota with all of {', '.join(sorted(BY_HAND))}" in line
    assert len(faults("librechat", values, "ha", quota={"pods": "20"})) == 1, "the rest isn't known"
    load_settings("ha", {"librechat": {"values": values, "quota": BY_HAND}})


@pytest.mark.parametrize(
    ("path", "value", "allowed"),
    [
        ("librechat-rag-api.enabled", True, "to go without"),
        ("redis.architecture", "replication", "to go without (standalone)"),
        ("redis.architecture", None, "to go without (standalone)"),
        ("redis.sentinel.enabled", True, "to go without"),
    ],
)
def test_what_the_network_rules_would_cut_off_is_refused_also_with_a_quota_by_hand_unless_there_are_no_rules(
    path: str, value: object, allowed: str
) -> None:
    values = nested(path, value)
    (line,) = faults("librechat", values, "ha", quota=BY_HAND)
    assert f": {path} starts pods that no network rule lets reach anything or be reached; allowed: {allowed}. " in line
    assert line.endswith("network.policies: false, and librechat.quota counted by hand")
    without = {"network": {"policies": False}}
    load_settings("ha", {**without, "librechat": {"values": values, "quota": BY_HAND}})
    with pytest.raises(SettingsError, match=rf"{path} starts containers that aren't counted"):
        load_settings("ha", {**without, "librechat": {"values": values}})


def test_a_redis_of_which_nothing_is_said_but_that_it_is_there_has_the_charts_replicas() -> None:
    values = {"redis": {"enabled": True, "networkPolicy": {"enabled": False}}}
    (line,) = faults("librechat", values)
    assert line.startswith("Pulumi.prod.yaml: librechat.values: redis.architecture starts pods that no network rule ")
    load_settings("prod", {"librechat": {"values": {"redis": {**values["redis"], "architecture": "standalone"}}}})


MUCH = {"image": "a", "resources": {"requests": {"memory": "2Gi"}}}
LIMITED = {"image": "a", "resources": {"requests": {"memory": "2Gi"}, "limits": {"memory": "2Gi"}}}


@pytest.mark.parametrize(
    ("app", "path", "container"),
    [
        ("ollama", "initContainers", [MUCH]),
        ("librechat", "initContainers", {"a": MUCH}),
        ("librechat", "mongodb.initContainers", [LIMITED, MUCH]),
    ],
)
def test_an_init_container_that_requests_more_than_the_limit_it_would_be_given_is_an_error(
    app: str, path: str, container: Any
) -> None:
    (line,) = faults(app, nested(path, container))
    key = "a" if isinstance(container, dict) else len(container) - 1
    assert line.startswith(
        f"Pulumi.prod.yaml: {app}.values: {path}.{key}.resources.requests.memory found 2Gi, more than the limit of 1Gi "
    )
    assert line.endswith("allowed: 1Gi or less, or resources.limits.memory beside it")


@pytest.mark.parametrize(
    "values",
    [
        {"initContainers": [LIMITED]},
        {"initContainers": [{"image": "a", "resources": {"requests": {"memory": "1Gi"}}}]},
        # Without a limit of the app's own the namespace gives none either.
        {"initContainers": [MUCH], "resources": {"limits": {"memory": None}}},
    ],
)
def test_an_init_container_that_kubernetes_takes_is_none(values: Changes) -> None:
    load_settings("prod", {"ollama": {"values": values}})


def test_an_init_container_of_a_database_that_is_not_in_the_release_is_none() -> None:
    master = {"initContainers": [MUCH]}
    load_settings("prod", {"librechat": {"values": {"redis": {"enabled": False, "master": master}}}})


def test_a_quota_by_hand_still_has_to_hold_what_is_counted() -> None:
    (line,) = faults("librechat", {"mongodb": {"hidden": {"enabled": True}}}, "ha", quota={**BY_HAND, "pods": "2"})
    assert "librechat.quota.pods found 2, less than the app takes" in line


def test_a_part_of_a_database_that_is_not_in_the_release_is_none() -> None:
    load_settings("prod", {"librechat": {"values": {"redis": {"architecture": "replication", "enabled": False}}}})
