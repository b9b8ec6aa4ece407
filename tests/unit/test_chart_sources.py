"""Where charts come from: what each kind of the `charts` setting makes of a Release, and what is wrong with it."""

import io
import shutil
import tarfile
from pathlib import Path

import pytest
import yaml

from components.charts import (
    LIBRECHAT,
    OLLAMA,
    STAND_IN_ANNOTATION,
    Chart,
    ChartNotFoundError,
    ChartSource,
    read_source,
)
from components.faults import SettingsError
from tests.unit.deployment import attempt, copy_project, deploy, load_settings
from tests.unit.recording import STACK, Deployment

PINNED = (OLLAMA, LIBRECHAT)


def unpacked(directory: Path, name: str, version: str, *, stand_in: bool = False, folder: str | None = None) -> Path:
    """A chart's folder in `directory`."""
    path = directory / (folder or name)
    path.mkdir(parents=True)
    (path / "Chart.yaml").write_text(chart_yaml(name, version, stand_in=stand_in))
    return path


def packed(directory: Path, name: str, version: str, *, stand_in: bool = False) -> Path:
    """A chart package in `directory`, as `helm package` makes it."""
    path = directory / f"{name}-{version}.tgz"
    content = chart_yaml(name, version, stand_in=stand_in).encode()
    with tarfile.open(path, "w:gz") as archive:
        member = tarfile.TarInfo(f"{name}/Chart.yaml")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return path


def chart_yaml(name: str, version: str, *, stand_in: bool) -> str:
    """What a chart says of itself."""
    annotations = {"annotations": {STAND_IN_ANNOTATION: "true"}} if stand_in else {}
    return yaml.safe_dump({"apiVersion": "v2", "name": name, "version": version} | annotations)


def sources(deployment: Deployment) -> dict[str, tuple[str, str | None]]:
    """Chart and repository of each release."""
    releases = {name: deployment.release(name) for name in ("ollama", "librechat")}
    return {name: (inputs["chart"], inputs.get("repositoryOpts", {}).get("repo")) for name, inputs in releases.items()}


def only_fault(charts: str, context: str = "prod") -> str:
    """The one fault of a stack with these `charts`."""
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {"charts": charts, "kubernetes:context": context})
    _, fault = str(raised.value).splitlines()
    return fault.strip()


def test_charts_come_from_upstream_unless_the_stack_says_otherwise(deployed: Deployment) -> None:
    assert sources(deployed) == {
        "ollama": ("ollama", "https://otwld.github.io/ollama-helm/"),
        "librechat": ("oci://ghcr.io/danny-avila/librechat-chart/librechat", None),
    }


@pytest.mark.parametrize("mirror", ["https://charts.example.com/mirror", "http://charts.example.com"])
def test_an_http_mirror_serves_both_charts(mirror: str) -> None:
    assert sources(deploy("prod", {"charts": mirror})) == {
        "ollama": ("ollama", mirror),
        "librechat": ("librechat", mirror),
    }


@pytest.mark.parametrize("mirror", ["oci://registry.example.com/charts", "oci://registry.example.com/charts/"])
def test_an_oci_mirror_serves_both_charts(mirror: str) -> None:
    assert sources(deploy("prod", {"charts": mirror})) == {
        "ollama": ("oci://registry.example.com/charts/ollama", None),
        "librechat": ("oci://registry.example.com/charts/librechat", None),
    }


def test_a_directory_of_unpacked_charts_serves_them_whatever_their_folders_are_called(tmp_path: Path) -> None:
    ollama = unpacked(tmp_path, "ollama", OLLAMA.version, folder="some-folder")
    librechat = unpacked(tmp_path, "librechat", LIBRECHAT.version)
    deployment = deploy("prod", {"charts": str(tmp_path)})
    assert sources(deployment) == {"ollama": (str(ollama), None), "librechat": (str(librechat), None)}


def test_a_directory_of_chart_packages_serves_them(tmp_path: Path) -> None:
    paths = {chart.name: packed(tmp_path, chart.name, chart.version) for chart in PINNED}
    packed(tmp_path, "librechat-rag-api", "0.5.3")
    assert sources(deploy("prod", {"charts": str(tmp_path)})) == {
        name: (str(path), None) for name, path in paths.items()
    }


def test_a_directory_below_the_project_becomes_a_path_that_helm_takes_for_no_repository() -> None:
    # Helm reads `local/charts/ollama` as chart charts/ollama of a repository called local.
    deployment = deploy("dev", {"charts": "local/charts"})
    assert sources(deployment) == {
        "ollama": ("./local/charts/ollama", None),
        "librechat": ("./local/charts/librechat", None),
    }


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the project with the contracts of other chart versions."""
    directory = tmp_path / "project"
    directory.mkdir()
    contracts = copy_project(directory) / "values" / "contracts"
    for chart, version in (("ollama", "1.2.0"), ("ollama", "1.3.0-rc.1"), ("librechat", "4.5.6")):
        pinned = next(contracts.glob(f"{chart}-*.schema.json"))
        shutil.copy(pinned, contracts / f"{chart}-{version}.schema.json")
    return directory


@pytest.mark.parametrize("version", ["1.2.0", "1.3.0-rc.1"])
def test_of_several_versions_in_a_directory_the_asked_one_is_taken(tmp_path: Path, project: Path, version: str) -> None:
    for there in ("1.2.0", "1.3.0-rc.1", "1.10.0"):
        packed(tmp_path, "ollama", there)
    packed(tmp_path, "librechat", LIBRECHAT.version)
    changes = {"charts": str(tmp_path), "ollama": {"chart": {"version": version}}}
    release = deploy("prod", changes, directory=project).release("ollama")
    assert (release["chart"], release["version"]) == (str(tmp_path / f"ollama-{version}.tgz"), version)


def test_a_version_of_the_stack_is_asked_of_upstream(project: Path, prod: Deployment) -> None:
    changes = {"ollama": {"chart": {"version": "1.2.0"}}, "librechat": {"chart": {"version": "4.5.6"}}}
    deployment = deploy("prod", changes, directory=project)
    assert sources(deployment) == sources(prod)
    assert (deployment.release("ollama")["version"], deployment.release("librechat")["version"]) == ("1.2.0", "4.5.6")
    assert deployment.outputs["chartVersions"] == {"ollama": "1.2.0", "librechat": "4.5.6"}


@pytest.mark.parametrize("charts", ["no/such/folder", "/no/such/folder", "upstraem", "ftp.example.com", "README.md"])
def test_charts_that_are_neither_address_nor_directory_are_an_error(charts: str) -> None:
    fault = only_fault(charts)
    assert fault.startswith(
        f"Pulumi.prod.yaml: charts found '{charts}' is neither an address nor a directory (looked in /"
    )
    assert fault.endswith("; allowed: upstream, an address, or a directory")


def test_a_scheme_that_helm_does_not_know_is_an_error() -> None:
    assert only_fault("ftp://example.com/charts").startswith("Pulumi.prod.yaml: charts found ")


def test_an_empty_directory_is_an_error_that_names_each_chart(tmp_path: Path) -> None:
    with pytest.raises(SettingsError) as raised:
        load_settings("prod", {"charts": str(tmp_path)})
    count, *faults = str(raised.value).splitlines()
    assert count.startswith("2 settings")
    for chart, fault in zip(PINNED, faults, strict=True):
        assert f"chart {chart.name} {chart.version} is not in the directory {tmp_path}" in fault
        assert f"looked for {chart.name}-{chart.version}.tgz and for a folder" in fault
        assert fault.endswith("found no chart")


def test_a_version_that_a_directory_does_not_hold_is_an_error_that_lists_what_it_holds(tmp_path: Path) -> None:
    unpacked(tmp_path, "ollama", "1.0.0")
    packed(tmp_path, "librechat", LIBRECHAT.version)
    fault = only_fault(str(tmp_path))
    assert f"chart ollama {OLLAMA.version} is not in the directory {tmp_path}" in fault
    assert fault.endswith(f"found librechat {LIBRECHAT.version}, ollama 1.0.0")


def test_a_missing_chart_stops_the_program_before_it_registers_anything(tmp_path: Path) -> None:
    # Found late, LibreChat's missing chart would stop the program when Ollama is already being installed.
    packed(tmp_path, "ollama", OLLAMA.version)
    deployment = attempt("prod", {"charts": str(tmp_path)})
    assert isinstance(deployment.error, SettingsError)
    assert [registration.type for registration in deployment.registrations] == [STACK]


@pytest.mark.parametrize("text", ["name: ollama\n", "- a\n", "name: [\n", ""])
def test_a_chart_that_says_neither_name_nor_version_is_an_error_with_its_path(tmp_path: Path, text: str) -> None:
    for chart in PINNED:
        packed(tmp_path, chart.name, chart.version)
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "Chart.yaml").write_text(text)
    assert "broken/Chart.yaml" in only_fault(str(tmp_path))


@pytest.mark.parametrize("context", ["prod", "kind-kwok-1", "KWOK-x"])
def test_stand_in_charts_are_refused_on_any_cluster_but_the_local_one(tmp_path: Path, context: str) -> None:
    unpacked(tmp_path, "ollama", OLLAMA.version, stand_in=True)
    unpacked(tmp_path, "librechat", LIBRECHAT.version)
    fault = only_fault(str(tmp_path), context)
    assert "which holds stand-in charts for the local cluster" in fault
    assert f"the context '{context}' is not a local one; allowed: upstream, a mirror, or real charts" in fault
    load_settings("prod", {"charts": str(tmp_path), "kubernetes:context": "kwok-mine"})


def test_the_charts_of_the_local_cluster_are_refused_elsewhere() -> None:
    assert "stand-in charts" in only_fault("local/charts")


def test_a_packed_stand_in_is_refused_like_an_unpacked_one(tmp_path: Path) -> None:
    packed(tmp_path, "ollama", OLLAMA.version, stand_in=True)
    packed(tmp_path, "librechat", LIBRECHAT.version)
    assert "which holds stand-in charts for the local cluster" in only_fault(str(tmp_path), "prod")


@pytest.mark.parametrize("content", [b"", b"no package"])
def test_a_broken_chart_package_is_an_error_with_its_path(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "ollama-1.0.0.tgz").write_bytes(content)
    assert "ollama-1.0.0.tgz, which is no chart package" in only_fault(str(tmp_path))


def test_what_is_no_chart_in_a_directory_is_passed_over(tmp_path: Path) -> None:
    (tmp_path / "README.md").touch()
    (tmp_path / "folder").mkdir()
    packed(tmp_path, "k8s-at-home", "2.0.0+build.5")
    assert read_source(str(tmp_path), tmp_path).found == {
        ("k8s-at-home", "2.0.0+build.5"): str(tmp_path / "k8s-at-home-2.0.0+build.5.tgz")
    }


def test_a_chart_that_is_not_there_is_an_error_for_third_apps_too() -> None:
    with pytest.raises(ChartNotFoundError, match=r"chart qdrant 1\.0\.0 is not in the directory charts: looked for"):
        ChartSource("charts").locate(Chart("qdrant", "1.0.0", "https://charts.example.com"))
