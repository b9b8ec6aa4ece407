"""`contracts`: writes what each chart reads, from wherever the chart is; its generator has tests of its own."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
import yaml

from components.charts import Chart, ChartLocation
from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from ops import contracts
from tests.engine.chart_servers import certificate_of, chart_repository, helm, oci_registry

FILE = "values/contracts/{}.schema.json"
OLLAMA, LIBRECHAT = "ollama-1.77.0", "librechat-2.0.7"


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Packages of two charts that bear the pinned names and versions, and are no stand-ins for the real ones."""
    folder = tmp_path_factory.mktemp("charts")
    for name, version, template in (
        ("ollama", "1.77.0", "a: {{ .Values.read.this }}"),
        ("librechat", "2.0.7", "a: {{ .Values.chat }}"),
    ):
        chart = folder / "sources" / name
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": name, "version": version}))
        (chart / "values.yaml").write_text("read: {this: 1}\nunread: 1\n" if name == "ollama" else "chat: hello\n")
        (chart / "templates" / "all.yaml").write_text(template)
        (folder / "packages").mkdir(exist_ok=True)
        helm("package", str(chart), "--destination", str(folder / "packages"))
    return folder / "packages"


@pytest.fixture(scope="module")
def generator(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The generator, built once for all tests."""
    return contracts.build_generator(tmp_path_factory.mktemp("generator"))


@pytest.fixture
def project(tmp_path: Path, packages: Path, generator: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with one stack, whose charts are in a directory, and no contracts."""
    document = yaml.safe_load((PROJECT_DIR / "Pulumi.dev.yaml").read_text())
    document["config"]["private-chatgpt:charts"] = str(packages)
    (tmp_path / "Pulumi.dev.yaml").write_text(yaml.safe_dump(document))
    shutil.copy(PROJECT_DIR / "Pulumi.yaml", tmp_path)
    monkeypatch.setattr(contracts, "PROJECT_DIR", tmp_path)
    monkeypatch.setattr(contracts, "build_generator", lambda folder: generator)
    return tmp_path


def set_charts(project: Path, source: str) -> None:
    file = project / "Pulumi.dev.yaml"
    document = yaml.safe_load(file.read_text())
    document["config"]["private-chatgpt:charts"] = source
    file.write_text(yaml.safe_dump(document))


def written(project: Path) -> dict[str, str]:
    folder = project / "values" / "contracts"
    return {file.name: file.read_text() for file in folder.glob("*")} if folder.is_dir() else {}


def test_the_contracts_of_all_pinned_charts_are_written_and_a_second_run_changes_nothing(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts.main([]) == 0
    assert f"{FILE.format(OLLAMA)}: written, new, 3 keys" in capsys.readouterr().out
    first = written(project)
    assert set(first) == {f"{name}.schema.json" for name in (OLLAMA, LIBRECHAT)}, "no half-written file is left"
    ollama = json.loads(first[f"{OLLAMA}.schema.json"])
    assert ollama["title"] == "ollama 1.77.0" and ollama["additionalProperties"] is False
    assert set(ollama["properties"]) == {"read", "unread"}

    assert contracts.main([]) == 0
    assert capsys.readouterr().out.count("unchanged") == 2
    assert written(project) == first


def test_every_source_gives_the_same_contract(
    project: Path, packages: Path, cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> None:
    assert contracts.main([]) == 0
    expected = written(project)
    tls = certificate_of(cluster)
    with ExitStack() as servers:
        servers.enter_context(pytest.MonkeyPatch.context()).setenv("SSL_CERT_FILE", str(tls.authority))
        registry = servers.enter_context(oci_registry(tmp_path_factory.mktemp("registry") / "it", tls))
        repository = servers.enter_context(chart_repository(packages))
        for source in (repository.address, registry.push(packages, "charts")):
            shutil.rmtree(project / "values")
            set_charts(project, source)
            assert contracts.main([]) == 0
            assert written(project) == expected, source


def test_check_writes_nothing_and_says_which_keys_are_gone_or_new(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts.main(["--check"]) == 1
    assert not written(project)
    assert contracts.main([]) == 0
    assert contracts.main(["--check"]) == 0
    file = project / FILE.format(OLLAMA)
    file.write_text(json.dumps({"properties": {"read": {}, "older": {"properties": {"key": {}}}}}))
    capsys.readouterr()
    assert contracts.main(["--check"]) == 1
    assert "would be written, 3 keys; gone: older; new: read.this, unread" in capsys.readouterr().out


def test_a_chart_that_can_not_be_had_leaves_the_contract_that_is_there(
    project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert contracts.main([]) == 0
    before = written(project)
    set_charts(project, "http://127.0.0.1:1")
    assert contracts.main([]) == 1
    assert "chart ollama 1.77.0 can't be fetched from http://127.0.0.1:1: " in capsys.readouterr().err
    assert written(project) == before


def test_a_further_chart_is_named_with_its_version_and_source(project: Path, packages: Path) -> None:
    assert contracts.main(["librechat", "2.0.7", str(packages)]) == 0
    assert set(written(project)) == {f"{LIBRECHAT}.schema.json"}


def test_a_package_that_holds_another_version_is_refused(
    project: Path, packages: Path, tmp_path: Path, generator: Path
) -> None:
    other = ChartLocation(str(packages / f"{OLLAMA}.tgz"))
    with pytest.raises(contracts.ContractError, match=r"holds chart ollama 1\.77\.0, not ollama 1\.78\.0"):
        contracts.generated(contracts.Wanted(Chart("ollama", "1.78.0", ""), other, stand_in=False), generator, tmp_path)


def test_a_generator_that_can_not_be_built_is_said_with_the_compilers_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "go.mod").write_text("module contracts\n\ngo 1.24\n")
    (tmp_path / "main.go").write_text("package main\n\nfunc main() { nonsense() }\n")
    monkeypatch.setattr(contracts, "GENERATOR", tmp_path)
    with pytest.raises(contracts.ContractError, match=r"(?s)can't be built: .*undefined: nonsense"):
        contracts.build_generator(tmp_path / "out")
