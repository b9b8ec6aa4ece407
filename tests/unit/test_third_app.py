"""A third app takes no more than 15 lines in `__main__.py` and a values file: here is one."""

import shutil
from pathlib import Path

import pytest
import yaml

from tests.unit.deployment import copy_project, deploy
from tests.unit.recording import HELM_APP, NAMESPACE, RELEASE, STACK, Deployment

THIRD_APP = Path(__file__).parent / "third_app"
ADDITION = THIRD_APP / "main_addition.py.txt"  # Not .py: alone it is no program, and no checker should read it as one.
VALUES = THIRD_APP / "values.yaml"
MAX_LINES = 15


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with a third app."""
    project = copy_project(tmp_path)
    with (project / "__main__.py").open("a", encoding="utf-8") as program:
        program.write(ADDITION.read_text(encoding="utf-8"))
    shutil.copy(VALUES, project / "values" / "qdrant.yaml")
    return project


def test_a_third_app_takes_few_lines() -> None:
    assert 1 < len(ADDITION.read_text(encoding="utf-8").splitlines()) <= MAX_LINES


def test_a_third_app_gets_a_namespace_and_a_release_and_nothing_else(project: Path, prod: Deployment) -> None:
    deployment = deploy("prod", directory=project)
    assert set(deployment.registered()) - set(prod.registered()) == {
        f"{HELM_APP} qdrant",
        f"{NAMESPACE} qdrant",
        f"{RELEASE} qdrant",
    }
    component = deployment.one(HELM_APP, "qdrant")
    assert component.parent == deployment.of_type(STACK)[0].urn
    assert [item.key for item in deployment.below(component)] == [
        component.key,
        f"{NAMESPACE} qdrant",
        f"{RELEASE} qdrant",
    ]
    assert deployment.one(NAMESPACE, "qdrant").urn in deployment.dependencies(deployment.one(RELEASE, "qdrant"))


def test_a_third_app_gets_what_every_app_gets(project: Path) -> None:
    deployment = deploy("prod", directory=project)
    release, ollama = deployment.release("qdrant"), deployment.release("ollama")
    assert (release["chart"], release["version"]) == ("qdrant", "1.15.5")
    assert release["repositoryOpts"] == {"repo": "https://qdrant.github.io/qdrant-helm"}
    for name in ("atomic", "cleanupOnFail", "maxHistory", "createNamespace", "allowNullValues"):
        assert release[name] == ollama[name], name
    assert (release["name"], release["namespace"], release["timeout"]) == ("qdrant", "qdrant", 600)
    metadata = deployment.one(NAMESPACE, "qdrant").inputs["metadata"]
    assert metadata["labels"] == deployment.one(NAMESPACE, "ollama").inputs["metadata"]["labels"]
    assert deployment.one(NAMESPACE, "qdrant").protect
    assert deployment.one(RELEASE, "qdrant").protect
    assert deployment.outputs["qdrantStatus"] == "deployed"


def test_the_values_of_a_third_app_are_those_of_its_file(project: Path) -> None:
    release = deploy("prod", directory=project).release("qdrant")
    values = {key: value for key, value in release["values"].items() if value is not None}
    assert values == {"fullnameOverride": "qdrant", "replicaCount": 1, "persistence": {"size": "20Gi"}}
    assert [yaml.safe_load(file) for file in release["valueYamlFiles"]] == [{"podAnnotations": None}]


def test_the_values_of_a_third_app_may_differ_by_stack(project: Path) -> None:
    (project / "values" / "qdrant.prod.yaml").write_text("replicaCount: 3\n")
    assert deploy("prod", directory=project).values("qdrant")["replicaCount"] == 3
    assert deploy("dev", directory=project).values("qdrant")["replicaCount"] == 1


def test_a_third_app_changes_nothing_of_the_others(project: Path, prod: Deployment) -> None:
    deployment = deploy("prod", directory=project)
    before = {item.key: item.inputs for item in prod.registrations}
    assert {item.key: item.inputs for item in deployment.registrations if "qdrant" not in item.key} == before


def test_a_fault_in_the_values_of_a_third_app_stops_the_program_as_any_other(project: Path) -> None:
    (project / "values" / "qdrant.yaml").write_text("a: 1\na: 2\n")
    with pytest.raises(Exception, match=r"values/qdrant.yaml: line 2: the key 'a' stands twice"):
        deploy("prod", directory=project)
