"""A third app takes no more than 15 lines in `__main__.py` and a values file: here is one."""

from pathlib import Path

import pytest
import yaml

from components.loading import PROJECT_DIR
from local.up import STAND_INS
from tests.third_app import ADDITION, HEAD, LOADING, add_third_app
from tests.unit.deployment import attempt, copy_project, deploy
from tests.unit.recording import GUARD, HELM_APP, NAMESPACE, RELEASE, STACK, Deployment

MAX_LINES = 15


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """The project with a third app."""
    return add_third_app(copy_project(tmp_path))


def test_a_third_app_takes_few_lines() -> None:
    lines = [*HEAD.read_text(encoding="utf-8").splitlines(), *ADDITION.read_text(encoding="utf-8").splitlines()]
    assert 1 < len(lines) <= MAX_LINES


def test_a_third_app_gets_a_namespace_a_release_with_its_guard_and_nothing_else(
    project: Path, prod: Deployment
) -> None:
    deployment = deploy("prod", directory=project)
    assert set(deployment.registered()) - set(prod.registered()) == {
        f"{HELM_APP} qdrant",
        f"{NAMESPACE} qdrant",
        f"{RELEASE} qdrant",
        f"{GUARD} qdrant",
    }
    component = deployment.one(HELM_APP, "qdrant")
    assert component.parent == deployment.of_type(STACK)[0].urn
    assert [item.key for item in deployment.below(component)] == [
        component.key,
        f"{NAMESPACE} qdrant",
        f"{RELEASE} qdrant",
        f"{GUARD} qdrant",
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
    labels = deployment.one(NAMESPACE, "qdrant").inputs["metadata"]["labels"]
    level = {"pod-security.kubernetes.io/enforce": "baseline"}
    assert labels == deployment.one(NAMESPACE, "ollama").inputs["metadata"]["labels"] | level
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


def test_a_value_that_the_chart_of_a_third_app_does_not_read_stops_the_program_before_anything_is_registered(
    project: Path,
) -> None:
    (project / "values" / "qdrant.yaml").write_text("replicaCount: 1\nreplicas: 2\n")
    deployment = attempt("prod", directory=project)
    assert "values/qdrant.yaml:2: no template of qdrant 1.15.5 reads replicas" in str(deployment.error)
    assert set(deployment.registered()) <= {f"{STACK} private-chatgpt-prod"}


def test_a_third_app_whose_chart_has_no_contract_stops_the_program_before_anything_is_registered(
    project: Path,
) -> None:
    (project / "values" / "contracts" / "qdrant-1.15.5.schema.json").unlink()
    deployment = attempt("prod", directory=project)
    assert "values/contracts/qdrant-1.15.5.schema.json is missing" in str(deployment.error)
    assert set(deployment.registered()) <= {f"{STACK} private-chatgpt-prod"}


def test_a_third_app_whose_chart_the_charts_directory_lacks_stops_the_program_before_anything_is_registered(
    project: Path,
) -> None:
    local = {"kubernetes:context": "kwok-x", "charts": str(PROJECT_DIR / STAND_INS)}
    deployment = attempt("prod", local, directory=project)
    assert "chart qdrant 1.15.5 is not in the directory" in str(deployment.error)


def test_values_that_code_hands_to_a_third_app_are_checked_too(project: Path) -> None:
    main = project / "__main__.py"
    main.write_text(main.read_text().replace('namespace="qdrant")', 'namespace="qdrant", values={"replica": 1})'))
    with pytest.raises(
        Exception, match=r"set by the program \(components/\): no template of qdrant 1.15.5 reads replica"
    ):
        deploy("prod", directory=project)


def test_an_app_that_the_settings_were_not_told_of_is_an_error_that_says_how_to(project: Path) -> None:
    main = project / "__main__.py"
    main.write_text(main.read_text().replace(', {"qdrant": QDRANT})', ")"))
    assert LOADING in main.read_text()
    with pytest.raises(
        Exception, match=r'HelmApp qdrant: .* Settings.load\(pulumi.Config\(\), {"qdrant": <its Chart>}\)'
    ):
        deploy("prod", directory=project)
