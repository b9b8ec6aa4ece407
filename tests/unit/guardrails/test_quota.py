"""What a namespace may use: sized from the settings, never too small for the app and one rolling update of it."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.faults import SettingsError
from components.guardrails.quantities import amount, written
from components.guardrails.quota import Pods, Usage, limit_range, needed, of_deployment, of_resources
from tests.unit.deployment import deploy, load_settings
from tests.unit.recording import LIMITS, QUOTA, Deployment

TWO = {"replicaCount": 2, "persistentVolume": {"accessModes": ["ReadWriteMany"]}}
LIMITED = Pods({"cpu": "1", "memory": "1Gi"}, {"memory": "2Gi"})


def hard(deployment: Deployment, app: str) -> dict[str, str]:
    """The entries of an app's ResourceQuota."""
    found: dict[str, str] = deployment.one(QUOTA, f"{app}-quota").inputs["spec"]["hard"]
    return found


def test_prods_quotas_follow_from_its_settings(prod: Deployment) -> None:
    assert hard(prod, "ollama") == {
        "pods": "3",
        "requests.cpu": "5",
        "requests.memory": "17408Mi",
        "limits.memory": "34816Mi",
        "requests.nvidia.com/gpu": "1",
        "persistentvolumeclaims": "1",
        "requests.storage": "102400Mi",
        "services.nodeports": "0",
        "services.loadbalancers": "0",
    }
    librechat = hard(prod, "librechat")
    assert librechat["persistentvolumeclaims"] == "3"
    assert amount(librechat["requests.storage"]) == amount("90Gi")
    # LibreChat 1, MongoDB 0.5, Meilisearch 0.25, two Jobs 1.
    assert amount(librechat["requests.cpu"]) == Decimal("2.75")


def test_more_gpus_are_granted_where_the_stack_asks_for_them() -> None:
    changes = {"ollama": {"gpu": {"count": 4, "vendor": "amd"}}}
    assert hard(deploy("prod", changes), "ollama")["requests.amd.com/gpu"] == "4"


MIG = "nvidia.com/mig-1g.10gb"


@pytest.mark.parametrize(
    ("gpu", "counted"),
    [
        ({"nvidiaResource": MIG}, {MIG: "1"}),
        ({"nvidiaResource": MIG, "number": 3}, {MIG: "3"}),
        (
            {"mig": {"enabled": True, "devices": {"1g.10gb": 2, "3g.40gb": 1}}},
            {MIG: "2", "nvidia.com/mig-3g.40gb": "1"},
        ),
        ({"mig": {"enabled": False, "devices": {"1g.10gb": 2}}}, {"nvidia.com/gpu": "1"}),
        ({"mig": {"enabled": True, "devices": {"1g.10gb": 2}}, "type": "amd"}, {"amd.com/gpu": "1"}),
        ({"nvidiaResource": MIG, "enabled": False}, {}),
    ],
)
def test_slices_of_a_gpu_are_counted_by_their_own_names(gpu: dict[str, Any], counted: dict[str, str]) -> None:
    found = hard(deploy("prod", {"ollama": {"values": {"ollama": {"gpu": gpu}}}}), "ollama")
    devices = {name.removeprefix("requests."): count for name, count in found.items() if "/" in name}
    assert devices == counted


def test_an_entry_for_slices_of_a_gpu_is_taken_where_the_app_asks_for_them() -> None:
    sliced = {"values": {"ollama": {"gpu": {"nvidiaResource": MIG, "number": 2}}}}
    entry = f"requests.{MIG}"
    assert hard(deploy("prod", {"ollama": {**sliced, "quota": {entry: "4"}}}), "ollama")[entry] == "4"
    with pytest.raises(SettingsError, match="found 1, less than the app takes"):
        load_settings("prod", {"ollama": {**sliced, "quota": {entry: "1"}}})
    with pytest.raises(SettingsError, match=r"requests\.nvidia\.com/gpu found 1, but what the app takes of it isn't"):
        load_settings("prod", {"ollama": {**sliced, "quota": {"requests.nvidia.com/gpu": "1"}}})


def each_pods(size: str) -> list[dict[str, Any]]:
    """Volumes of which each pod gets one of its own."""
    claim = {"spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": size}}}}
    return [{"name": "scratch", "ephemeral": {"volumeClaimTemplate": claim}}, {"name": "tmp", "emptyDir": {}}]


@pytest.mark.parametrize(
    ("values", "claims"),
    [
        ({"volumes": each_pods("50Gi"), "updateStrategy": {"type": "RollingUpdate"}}, 4),
        ({"mongodb": {"extraVolumes": each_pods("50Gi")}}, 3),
        ({"mongodb": {"arbiter": {"enabled": True, "extraVolumes": each_pods("50Gi")}}}, 1),
        ({"meilisearch": {"volumes": each_pods("50Gi")}}, 1),
        ({"redis": {"master": {"extraVolumes": each_pods("50Gi")}}}, 1),
    ],
)
def test_a_volume_that_each_pod_gets_is_counted_for_each_pod_of_librechat_and_of_its_databases(
    values: dict[str, Any], claims: int
) -> None:
    without, found = hard(deploy("ha"), "librechat"), hard(deploy("ha", {"librechat": {"values": values}}), "librechat")
    names = ("persistentvolumeclaims", "requests.storage")
    more = [amount(found[name]) - amount(without[name]) for name in names]
    assert more == [claims, claims * amount("50Gi")]


@pytest.mark.parametrize("surge", [0, 1, "25%", None])
def test_a_rolling_update_is_granted_the_old_pods_beside_all_new_ones_since_they_count_while_they_end(
    surge: object,
) -> None:
    strategy = {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": 1}}
    found = hard(deploy("prod", {"ollama": {"values": {"updateStrategy": strategy, **TWO}}}), "ollama")
    assert (found["requests.nvidia.com/gpu"], found["pods"]) == ("4", "6")


def test_a_deployment_that_is_recreated_is_granted_its_own_pods_alone() -> None:
    recreated = {"updateStrategy": {"type": "Recreate"}, "replicaCount": 5}
    assert of_deployment(recreated).at_most == 5
    assert of_deployment({"replicaCount": 5}).at_most == 10, "Kubernetes' own strategy is to roll"


def test_an_init_container_counts_where_it_asks_for_more_than_what_it_runs_before() -> None:
    main = {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"memory": "2Gi"}}
    init = {"requests": {"cpu": "100m", "memory": "3Gi"}, "limits": {"memory": "3Gi"}}
    pods = of_resources({"resources": main, "initContainers": [{"resources": init}, {}]})
    assert (pods.requests, pods.limits) == ({"cpu": "1", "memory": "3Gi"}, {"memory": "3Gi"})
    small = {"limits": {"memory": "512Mi"}}
    assert of_resources({"resources": small, "initContainers": {"a": {}}}).limits == {"memory": "1Gi"}, "by default"
    assert of_resources({"resources": {}, "initContainers": {"a": {}}}).limits == {}


def test_a_preset_of_the_chart_counts_only_where_no_resources_are_named() -> None:
    found = of_resources({"resources": {}}, preset="nano")
    assert (found.requests, found.limits) == ({"cpu": "100m", "memory": "128Mi"}, {"memory": "192Mi"})
    assert of_resources({"resourcesPreset": "large"}, preset="nano").limits == {"memory": "3Gi"}
    assert of_resources({"resources": {"limits": {"memory": "1Gi"}}}, preset="nano").limits == {"memory": "1Gi"}


def test_limits_count_only_where_every_container_has_one_since_a_quota_refuses_the_others() -> None:
    usage = Usage([LIMITED, Pods({"memory": "1Gi"}, {})])
    assert "limits.memory" in needed(Usage([LIMITED]))
    assert "limits.memory" not in needed(usage)
    assert limit_range(Usage([LIMITED]))["default"] == {"memory": "1Gi"}
    assert "default" not in limit_range(usage), "it would kill the container that has no limit on purpose"


def test_a_container_that_asks_for_nothing_counts_as_what_the_limit_range_gives_it() -> None:
    one, two = needed(Usage([Pods({}, {})])), needed(Usage([Pods({}, {}, replicas=2)]))
    for name, text in limit_range(Usage([]))["defaultRequest"].items():
        assert two[f"requests.{name}"] - one[f"requests.{name}"] == amount(text)


def test_an_entry_of_the_stack_wins_over_the_computed_one() -> None:
    quota = {"requests.storage": "1Ti", "services.nodeports": 2}
    found = hard(deploy("prod", {"librechat": {"quota": quota}}), "librechat")
    assert (found["requests.storage"], found["services.nodeports"]) == ("1Ti", "2")


@pytest.mark.parametrize(
    ("app", "entry", "least"),
    [
        ("ollama", {"requests.nvidia.com/gpu": "0"}, "1"),
        ("ollama", {"pods": "1"}, "3"),
        ("librechat", {"requests.storage": "50Gi"}, "92160Mi"),
        ("librechat", {"limits.memory": "1Gi"}, "8192Mi"),
    ],
)
def test_a_quota_that_can_not_hold_the_app_is_refused_with_what_it_takes(
    app: str, entry: dict[str, str], least: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {app: {"quota": entry}})
    ((name, found),) = entry.items()
    assert f"Pulumi.prod.yaml: {app}.quota.{name} found {found}, less than the app takes" in str(refused.value)
    assert f"allowed: {least} or more" in str(refused.value)


@pytest.mark.parametrize(
    "name",
    ["limits.cpu", "limits.ephemeral-storage", "services", "count/pods", "count/deployments.apps", "count/secrets"],
)
def test_a_quota_of_what_is_not_counted_is_refused_with_the_names_that_are(name: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {"librechat": {"quota": {name: "8"}}})
    assert f"librechat.quota.{name} found" in str(refused.value)
    assert "allowed: pods, persistentvolumeclaims, requests.cpu, " in str(refused.value)


@pytest.mark.parametrize(
    ("settings", "name", "why"),
    [
        (
            {"values": {"resources": {"limits": {"memory": None}}}},
            "limits.memory",
            "a container of the app has no limit of memory",
        ),
        ({}, "requests.amd.com/gpu", "what the app takes of it isn't counted"),
        (
            {"values": {"service": {"type": "NodePort"}}, "publicWithoutAuthentication": True},
            "services.nodeports",
            "what the app takes of it isn't counted",
        ),
    ],
)
def test_a_quota_of_what_this_app_is_not_counted_for_is_refused(settings: Any, name: str, why: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load_settings("prod", {"ollama": {"quota": {name: "64Gi"}, **settings}})
    (line,) = str(refused.value).splitlines()[1:]
    assert line.startswith(f"  Pulumi.prod.yaml: ollama.quota.{name} found 64Gi, but {why}")
    assert name not in line.partition("; allowed: ")[2] and "requests.memory" in line


@pytest.mark.parametrize("entry", [{"memory of pods": "1Gi"}, {"pods": "many"}, {"requests.cpu": "-1"}])
def test_what_is_no_quota_is_refused(entry: dict[str, str]) -> None:
    with pytest.raises(SettingsError, match=r"librechat\.quota"):
        load_settings("prod", {"librechat": {"quota": entry}})


def test_no_app_gets_a_way_into_the_cluster_that_it_does_not_use() -> None:
    closed = hard(deploy("dev"), "librechat")
    opened = hard(
        deploy("dev", {"librechat": {"allowPlainHttp": True, "values": {"service": {"type": "NodePort"}}}}), "librechat"
    )
    assert (closed["services.nodeports"], closed["services.loadbalancers"]) == ("0", "0")
    assert "services.nodeports" not in opened


def test_every_namespace_has_a_limit_range_and_the_release_waits_for_it(deployed: Deployment) -> None:
    for app in ("ollama", "librechat"):
        (item,) = deployed.one(LIMITS, f"{app}-limits").inputs["spec"]["limits"]
        assert item["type"] == "Container"
        assert item["defaultRequest"] == {"cpu": "100m", "memory": "128Mi"}
        release = next(each for each in deployed.registrations if each.name == app and "Release" in each.type)
        assert deployed.one(LIMITS, f"{app}-limits").urn in deployed.dependencies(release)


def test_a_quota_changes_after_its_release_which_needs_the_room_of_the_old_one_until_then(deployed: Deployment) -> None:
    for app in ("ollama", "librechat"):
        release = next(each for each in deployed.registrations if each.name == app and "Release" in each.type)
        assert release.urn in deployed.dependencies(deployed.one(QUOTA, f"{app}-quota"))


@given(st.decimals(min_value=0, max_value=10**15, places=3))
def test_an_amount_that_is_written_is_read_as_the_same_one(number: Decimal) -> None:
    assert amount(written(number)) == number


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("500m", "0.5"),
        ("2", "2"),
        ("1.5Gi", "1610612736"),
        ("3k", "3000"),
        ("1M", "1000000"),
        ("1e3", "1000"),
        ("1E3", "1000"),
        ("25e-1", "2.5"),
        ("2E", "2e18"),
        (".5Gi", "536870912"),
        ("1.", "1"),
        ("+1Gi", "1073741824"),
        ("1u", "0.000001"),
        ("100n", "0.0000001"),
    ],
)
def test_amounts_are_read_as_kubernetes_reads_them(text: str, number: str) -> None:
    from kubernetes.utils.quantity import parse_quantity

    parsed: Any = parse_quantity(text)  # type: ignore[no-untyped-call]
    assert amount(text) == Decimal(number) == parsed


def test_an_amount_that_kubernetes_can_not_hold_is_the_largest_that_it_can() -> None:
    assert amount("1e999") == amount("99E") == amount("8Ei") == 2**63 - 1


@pytest.mark.parametrize(("number", "text"), [("0.0001", "1m"), ("0.9999", "1"), ("1.5001", "1501m"), ("0", "0")])
def test_what_is_smaller_than_a_thousandth_is_rounded_up_as_kubernetes_does(number: str, text: str) -> None:
    assert written(Decimal(number)) == text


@pytest.mark.parametrize("text", ["", "1Gib", "-1", "1e", "e3", "1e3Gi", ".", "--1", "1K", "a lot"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is no quantity"):
        amount(text)
