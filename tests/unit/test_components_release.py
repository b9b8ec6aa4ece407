"""What a Release is told besides its values, what Ollama's values say, and what the program exports."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.charts import LIBRECHAT, OLLAMA
from components.ollama import ollama_values
from tests.unit.deployment import ABSENT, LOCAL_CONTEXT, copy_project, deploy, load_settings
from tests.unit.recording import RELEASE, Deployment

NVIDIA_SELECTOR = {"nvidia.com/gpu.present": "true"}


def test_a_release_is_exact_and_goes_back_when_it_fails(deployed: Deployment) -> None:
    for chart in (OLLAMA, LIBRECHAT):
        release = deployed.release(chart.name)
        assert release["name"] == chart.name, "object names and in-cluster addresses are made from it"
        assert release["version"] == chart.version
        assert release["atomic"] is True
        assert release["cleanupOnFail"] is True
        assert release["maxHistory"] == 10
        assert release["createNamespace"] is False
        assert release["allowNullValues"] is True
        assert not release.get("skipAwait"), "Ollama is ready when its models are pulled: LibreChat waits for that"


def test_a_release_waits_as_long_as_pulling_models_or_starting_a_database_takes(
    dev: Deployment, prod: Deployment
) -> None:
    assert (dev.release("ollama")["timeout"], dev.release("librechat")["timeout"]) == (1800, 900)
    assert (prod.release("ollama")["timeout"], prod.release("librechat")["timeout"]) == (3600, 900)


def test_a_timeout_is_the_stacks_choice() -> None:
    deployment = deploy("dev", {"ollama": {"chart": {"timeout": 60}}, "librechat": {"chart": {"timeout": 61}}})
    assert (deployment.release("ollama")["timeout"], deployment.release("librechat")["timeout"]) == (60, 61)


def test_a_null_travels_in_a_file_since_the_engine_never_gets_it_otherwise(prod: Deployment) -> None:
    override = {"mongodb": {"resources": None}, "affinity": None}
    release = deploy("prod", {"librechat": {"values": override}}).release("librechat")
    (file,) = release["valueYamlFiles"]
    assert yaml.safe_load(file) == override
    assert release["values"]["mongodb"].get("resources") is None, "values would win over the file"
    assert release["values"]["mongodb"]["useStatefulSet"] is True
    assert "valueYamlFiles" not in prod.release("librechat")


def test_a_null_of_a_values_file_travels_too(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    (project / "values" / "ollama.prod.yaml").write_text("livenessProbe: null\nresources: {limits: {cpu: null}}\n")
    release = deploy("prod", directory=project).release("ollama")
    (file,) = release["valueYamlFiles"]
    assert yaml.safe_load(file) == {"livenessProbe": None, "resources": {"limits": {"cpu": None}}}
    assert release["values"]["resources"]["limits"]["memory"] == "32Gi"


@pytest.mark.parametrize(
    ("app", "override"),
    [
        ("ollama", {"persistentVolume": {"size": "1Gi"}, "podLabels": {"a": "b"}}),
        ("librechat", {"librechat": {"configEnv": {"APP_TITLE": "Overridden"}}, "replicaCount": 1}),
    ],
)
def test_values_of_the_stack_have_the_last_word(prod: Deployment, app: str, override: dict[str, Any]) -> None:
    values = deploy("prod", {app: {"values": override}}).values(app)

    def check(values: dict[str, Any], override: dict[str, Any]) -> None:
        for key, value in override.items():
            if isinstance(value, dict):
                check(values[key], value)
            else:
                assert values[key] == value

    check(values, override)
    assert set(prod.values(app)) <= set(values), "and take nothing away"


def test_ollama_gets_no_ingress_in_any_stack(deployed: Deployment) -> None:
    values = deployed.values("ollama")
    assert values["ingress"] == {"enabled": False}
    assert values.get("service", {}).get("type", "ClusterIP") == "ClusterIP"


def test_models_are_pulled_where_the_chart_looks_for_them_and_in_the_order_given() -> None:
    models = ["b:2b", "a:1b", "c:3b"]
    values = deploy("dev", {"ollama": {"models": models}, "librechat": {"defaultModel": "a:1b"}}).values("ollama")
    assert values["ollama"]["models"] == {"pull": models}


def test_models_are_kept_on_a_volume_that_helm_does_not_delete(single: Deployment) -> None:
    volume = single.values("ollama")["persistentVolume"]
    assert volume["enabled"] is True
    assert volume["annotations"] == {"helm.sh/resource-policy": "keep"}


def test_a_stack_without_a_gpu_asks_for_none(dev: Deployment) -> None:
    values = dev.values("ollama")
    assert values["ollama"]["gpu"] == {"enabled": False}
    assert not {"nodeSelector", "tolerations", "runtimeClassName"} & {key for key, value in values.items() if value}


def test_a_stack_with_gpus_says_how_many_of_whom_and_where() -> None:
    gpu = {"count": 4, "vendor": "nvidia", "runtimeClass": "nvidia-container"}
    values = deploy("prod", {"ollama": {"gpu": gpu}}).values("ollama")
    assert values["ollama"]["gpu"] == {"enabled": True, "type": "nvidia", "number": 4}
    assert values["runtimeClassName"] == "nvidia-container"
    assert values["nodeSelector"] == NVIDIA_SELECTOR


def amd(tolerations: Any) -> list[dict[str, Any]]:
    """The tolerations that Ollama gets on AMD GPUs."""
    gpu = {"vendor": "amd", "runtimeClass": ABSENT}
    values = deploy("prod", {"ollama": {"gpu": gpu, "tolerations": tolerations}}).values("ollama")
    assert values["ollama"]["gpu"] == {"enabled": True, "type": "amd", "number": 1}
    assert "runtimeClassName" not in values
    return list(values["tolerations"])


AMD_TAINT = {"key": "amd.com/gpu", "operator": "Exists", "effect": "NoSchedule"}


def test_amds_taint_is_borne_since_the_chart_bears_only_nvidias() -> None:
    assert amd(ABSENT) == amd([]) == [AMD_TAINT]


def test_amds_taint_is_borne_beside_tolerations_of_the_stack_and_once() -> None:
    other = {"key": "dedicated", "operator": "Exists"}
    assert amd([other]) == [other, AMD_TAINT]
    assert amd([AMD_TAINT]) == [AMD_TAINT]


def test_tolerations_of_a_values_file_stay_where_the_stack_names_none(tmp_path: Path) -> None:
    project = copy_project(tmp_path)
    toleration = {"key": "dedicated", "operator": "Exists"}
    (project / "values" / "ollama.dev.yaml").write_text(yaml.safe_dump({"tolerations": [toleration]}))
    assert deploy("dev", directory=project).values("ollama")["tolerations"] == [toleration]


def test_a_toleration_has_the_parts_that_were_set_and_no_others() -> None:
    tolerations = [
        {"key": "a", "value": "b", "effect": "NoExecute", "tolerationSeconds": 30},
        {"operator": "Exists"},
    ]
    values = deploy("prod", {"ollama": {"tolerations": tolerations}}).values("ollama")
    assert values["tolerations"] == [
        {"key": "a", "operator": "Equal", "value": "b", "effect": "NoExecute", "tolerationSeconds": 30},
        {"operator": "Exists"},
    ]


def test_a_storage_class_reaches_every_volume(prod: Deployment) -> None:
    storage = {"storage": {"class": "fast-ssd"}}
    deployment = deploy("prod", {"ollama": storage, "librechat": storage})
    ollama, librechat = deployment.values("ollama"), deployment.values("librechat")
    assert ollama["persistentVolume"]["storageClass"] == "fast-ssd"
    assert librechat["librechat"]["imageVolume"]["storageClassName"] == "fast-ssd"
    assert librechat["mongodb"]["persistence"]["storageClass"] == "fast-ssd"
    assert librechat["meilisearch"]["persistence"]["storageClass"] == "fast-ssd"
    assert "fast-ssd" not in str([prod.values("ollama"), prod.values("librechat")])
    assert "storageClass" not in str([prod.values("ollama"), prod.values("librechat")])


def test_resources_that_are_not_set_leave_those_of_chart_and_files_alone() -> None:
    # `resources: null` or `{}` would drop the GPU limit that the chart adds (facts.md).
    deployment = deploy("prod", {"ollama": {"resources": ABSENT}, "librechat": {"resources": {"limits": ABSENT}}})
    assert "resources" not in deployment.values("ollama")
    assert set(deployment.values("librechat")["resources"]) == {"requests"}


def test_making_values_changes_neither_files_nor_settings() -> None:
    settings = load_settings("prod", {"ollama": {"values": {"podLabels": {"a": "b"}}}})
    assert settings.ollama
    files = settings.platform.values("ollama")
    before = copy.deepcopy((files, settings.ollama))
    once = ollama_values("ollama", files, settings.ollama)
    once["podLabels"]["a"] = "changed"
    once["nodeSelector"]["a"] = "changed"
    assert (files, settings.ollama) == before


def test_prod_exports_what_people_need_to_find_their_way(prod: Deployment) -> None:
    ollama = load_settings("prod").ollama
    assert ollama
    assert prod.outputs == {
        "url": "https://chat.example.com",
        "portForward": "kubectl --context prod --namespace librechat port-forward service/librechat 3080:3080",
        "ollamaUrl": "http://ollama.ollama.svc:11434",
        "models": ollama.model_dump(mode="json")["models"],
        "clients": ["librechat"],
        "namespaces": {"ollama": "ollama", "librechat": "librechat"},
        "chartVersions": {"ollama": OLLAMA.version, "librechat": LIBRECHAT.version},
        "releaseStatus": {"ollama": "deployed", "librechat": "deployed"},
    }


def test_dev_exports_an_address_that_its_port_forward_serves(dev: Deployment) -> None:
    assert dev.outputs["url"] == "http://localhost:3080"
    assert dev.outputs["portForward"] == (
        f"kubectl --context {LOCAL_CONTEXT} --namespace librechat port-forward service/librechat 3080:3080"
    )
    assert dev.outputs["models"] == ["llama3.2:1b"]


def test_only_helm_releases_of_the_expected_kind_are_made(deployed: Deployment) -> None:
    assert {item.type for item in deployed.registrations if "helm" in item.type.lower() and item.custom} == {RELEASE}
