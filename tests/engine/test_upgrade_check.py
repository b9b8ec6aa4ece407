"""`upgrade-check` tells what an upgrade does before it is done, and the upgrade does just that.

The charts are stand-ins, and changed copies of them at further versions; helm, engine and API server are real.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes.client import AppsV1Api

from components.charts import OLLAMA
from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.up import STAND_INS
from tests.engine.chart_servers import chart_repository, helm
from tests.engine.commands import own_project, run_ops
from tests.engine.kube import at_rest, stored
from tests.engine.stacks import Stack, beside

HARMLESS, SELECTOR, UNREAD, NO_CONTRACT, CLAIMS = "1.78.0", "1.79.0", "1.80.0", "1.81.0", "2.1.0"
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: ollama-scripts, namespace: {{ .Release.Namespace }}}
data: {hello: {{ .Values.greeting | default "hello" }}}
"""


@pytest.fixture(scope="module")
def moving(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack, whose chart directory holds further versions."""
    directory = tmp_path_factory.mktemp("moving")
    settings = {**beside("moving"), "charts": str(charts_in(directory / "charts"))}
    with own_project(cluster, directory, settings) as stack:
        contracts = stack.engine.project_dir / "values" / "contracts"
        for version in (HARMLESS, SELECTOR):
            copy_contract(contracts, "ollama", version, new="greeting")
        copy_contract(contracts, "ollama", UNREAD, gone="persistentVolume")
        copy_contract(contracts, "librechat", CLAIMS)
        stack.up()
        yield stack


def charts_in(directory: Path) -> Path:
    shutil.copytree(PROJECT_DIR / STAND_INS, directory)
    harmless = copy_chart(directory, "ollama", HARMLESS, {})
    (harmless / "templates" / "scripts.yaml").write_text(CONFIG_MAP)
    values = yaml.safe_load((harmless / "values.yaml").read_text())
    values["image"]["tag"] = "0.99.9"
    (harmless / "values.yaml").write_text(yaml.safe_dump(values))
    selector = {"_names.tpl": ("app.kubernetes.io/name: ollama", "app.kubernetes.io/name: llama")}
    copy_chart(directory, "ollama", SELECTOR, selector)
    for version in (UNREAD, NO_CONTRACT):
        copy_chart(directory, "ollama", version, {})
    claims = {"mongodb_statefulset.yaml": ("datadir", "data")}
    copy_chart(directory, "librechat", CLAIMS, claims)
    return directory


def copy_chart(directory: Path, chart: str, version: str, replaced: Mapping[str, tuple[str, str]]) -> Path:
    folder = directory / f"{chart}-{version}"
    shutil.copytree(PROJECT_DIR / STAND_INS / chart, folder)
    file = folder / "Chart.yaml"
    metadata = yaml.safe_load(file.read_text())
    file.write_text(yaml.safe_dump({**metadata, "version": version}))
    for template, (old, new) in replaced.items():
        path = folder / "templates" / template
        assert old in path.read_text()
        path.write_text(path.read_text().replace(old, new))
    return folder


def copy_contract(folder: Path, chart: str, version: str, gone: str = "", new: str = "") -> None:
    (file,) = [path for path in folder.glob(f"{chart}-*.schema.json") if "config" not in path.name][:1]
    contract: dict[str, Any] = json.loads(file.read_text())
    if gone:
        del contract["properties"][gone]
    if new:
        contract["properties"][new] = {}
    (folder / f"{chart}-{version}.schema.json").write_text(json.dumps(contract))


def asked(stack: Stack, chart: str, version: str) -> tuple[int, dict[str, Any], str]:
    """Exit code and report of the command, and what it says to people."""
    told = run_ops(stack, "upgrade-check", chart, version, "--json")
    shown = run_ops(stack, "upgrade-check", chart, version)
    assert told.code == shown.code, (told, shown)
    assert told.out, told
    return told.code, json.loads(told.out), shown.out


def test_what_changes_is_told_and_the_upgrade_is_one_line_and_one_resource(
    moving: Stack, cluster: LocalCluster
) -> None:
    before = at_rest(cluster)
    code, report, shown = asked(moving, "ollama", HARMLESS)
    assert stored(cluster) == before, "the check changes nothing"
    assert (code, report["first"]) == (0, [])
    found = report["comparison"]
    assert found["added"] == ["ConfigMap ollama-scripts"] and found["removed"] == []
    [image] = found["images"]
    assert image["object"] == "Deployment ollama" and image["after"].endswith(":0.99.9") != image["before"]
    assert found["changed"] == [], "images are told apart"
    assert found["relabelled"] > 1 and found["restarts"] == ["Deployment ollama"]
    assert (found["claims_added"], found["claims_removed"]) == ([], [])
    assert (report["keys_gone"], report["keys_new"]) == ([], ["greeting"])
    assert "Nothing stands in the way" in shown and f"ollama.chart.version: {HARMLESS}" in shown

    claims = [key for key in stored(cluster) if key.startswith("persistentvolumeclaims/moving-")]
    with moving.changed({"ollama.chart.version": HARMLESS}):
        assert set(moving.changes()) == {"update kubernetes:helm.sh/v3:Release ollama"}
        moving.up()
        deployed: Any = AppsV1Api(moving.api).read_namespaced_deployment("ollama", moving.ollama)
        assert deployed.spec.template.spec.containers[0].image == image["after"]
        assert f"configmaps/{moving.ollama}/ollama-scripts" in stored(cluster)
        assert claims and [key for key in stored(cluster) if key.startswith("persistentvolumeclaims/moving-")] == claims
    moving.up()
    assert f"configmaps/{moving.ollama}/ollama-scripts" not in stored(cluster)


def test_a_changed_selector_is_told_and_the_api_server_does_refuse_it(moving: Stack) -> None:
    code, report, shown = asked(moving, "ollama", SELECTOR)
    assert code == 1
    [refused] = [text for text in report["first"] if text.startswith("Deployment ollama")]
    assert "spec.selector changes" in refused and "kubectl delete" in refused and "name: llama" in refused
    assert "To be done first" in shown
    with moving.changed({"ollama.chart.version": SELECTOR}):
        assert "field is immutable" in moving.fail("up", "--yes", "--skip-preview")
    moving.up()


def test_a_claim_template_of_another_name_is_told_with_what_becomes_of_the_data(moving: Stack) -> None:
    code, report, _ = asked(moving, "librechat", CLAIMS)
    assert code == 1
    [refused] = [text for text in report["first"] if text.startswith("StatefulSet librechat-mongodb")]
    assert ("spec.volumeClaimTemplates.0.metadata.name", "datadir", "data") in {
        (change["field"], change["before"], change["after"]) for change in report["comparison"]["changed"]
    }
    assert "spec.volumeClaimTemplates changes" in refused and "--cascade=orphan" in refused
    [left] = [text for text in report["first"] if text.startswith("Claim ")]
    assert left.startswith("Claim datadir-librechat-mongodb-0 stays") and "data-librechat-mongodb-0" in left
    assert any("CONFIG_VERSIONS" in text for text in report["first"])


def test_values_that_the_new_version_ignores_are_told_with_their_place(moving: Stack) -> None:
    code, report, _ = asked(moving, "ollama", UNREAD)
    assert code == 1 and report["keys_gone"] == ["persistentVolume"]
    [unread] = [text for text in report["first"] if "reads persistentVolume" in text]
    assert f"no template of ollama {UNREAD}" in unread and "values/ollama.yaml" in unread


def test_without_a_contract_the_command_that_makes_it_is_named(moving: Stack) -> None:
    code, report, shown = asked(moving, "ollama", NO_CONTRACT)
    assert code == 1 and report["keys_gone"] is None
    assert any(f"ollama-{NO_CONTRACT}.schema.json" in text and "make contracts" in text for text in report["first"])
    assert "not known" in shown


def test_charts_of_a_repository_are_checked_just_the_same(moving: Stack, tmp_path: Path) -> None:
    for folder in (Path("charts") / "ollama", Path("charts") / f"ollama-{HARMLESS}", Path("charts") / "librechat"):
        helm("package", str(moving.engine.project_dir.parent / folder), "--destination", str(tmp_path))
    with chart_repository(tmp_path) as repository, moving.changed({"charts": repository.address}):
        code, report, _ = asked(moving, "ollama", HARMLESS)
        assert (code, report["comparison"]["added"]) == (0, ["ConfigMap ollama-scripts"])
        missing = run_ops(moving, "upgrade-check", "ollama", "9.9.9")
    assert missing.code == 2 and "helm can't get ollama 9.9.9" in missing.err and repository.address in missing.err


def test_the_version_that_is_deployed_changes_nothing(moving: Stack) -> None:
    code, report, _ = asked(moving, "ollama", OLLAMA.version)
    assert code == 0 and report["comparison"]["changed"] == [] and report["comparison"]["relabelled"] == 0


@pytest.mark.parametrize(
    ("chart", "version", "said"),
    [
        ("olama", "1.78.0", "invalid choice: 'olama'"),
        ("ollama", "latest", "found 'latest'; allowed: a version such as"),
        ("ollama", "9.9.9", "chart ollama 9.9.9 is not in the directory"),
    ],
)
def test_what_is_not_there_is_said(moving: Stack, chart: str, version: str, said: str) -> None:
    answer = run_ops(moving, "upgrade-check", chart, version)
    assert answer.code == 2 and said in answer.err and answer.out == ""
