"""Manifests come from helm, or a reason why there are none; no value of the stack comes with that reason."""

from __future__ import annotations

import json
import os
import sys
import tarfile
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.charts import ChartLocation
from components.loading import Settings
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.rendering import releases_of, render
from tests.unit.deployment import load_settings
from tests.unit.ops.preflight_views import release

MANIFEST = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\n"
Helm = Callable[[str], Path]


@pytest.fixture
def helm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Helm:
    """Puts a program called helm on PATH, which keeps its arguments and input and then runs the Python given."""
    (tmp_path / "chart").mkdir()
    (tmp_path / "chart" / "Chart.yaml").write_text("name: ollama\nversion: 1.77.0\nkubeVersion: '>=1.25'\n")
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}/usr/bin{os.pathsep}/bin")

    def install(code: str) -> Path:
        log = tmp_path / "log"
        keep = (
            "import os, sys, json, time\n"
            "call = json.dumps([sys.argv[1:], sys.stdin.read(), os.environ['KUBECONFIG']])\n"
            f"print(call, file=open({str(log)!r}, 'a'))\n"
        )
        (tmp_path / "helm").write_text(f"#!{sys.executable}\n{keep}{code}\n")
        (tmp_path / "helm").chmod(0o755)
        return log

    return install


def calls(log: Path) -> list[Any]:
    """Arguments, input and KUBECONFIG of every run."""
    return [json.loads(line) for line in log.read_text().splitlines()]


def why(tmp_path: Path, timeout: float = 10, **parts: Any) -> str:
    """Why there are no manifests."""
    with pytest.raises(CouldNotTellError) as caught:
        render(release(**parts), "v1.36.3", ["v1", "apps/v1"], timeout, tmp_path)
    return str(caught.value)


def test_helm_gets_the_clusters_version_and_the_values_and_no_cluster(tmp_path: Path, helm: Helm) -> None:
    log = helm(f"print({MANIFEST!r})")
    found = render(release(values={"a": {"b": 1}}), "v1.36.3", ["v1", "apps/v1"], 10, tmp_path)
    assert [item["metadata"]["name"] for item in found.manifests] == ["web"]
    assert (found.takes, found.refused, found.missing) == (">=1.25", False, "")
    [(arguments, given, kubeconfig)] = calls(log)
    assert arguments[:2] == ["template", "ollama"]
    options = dict(pairwise(arguments))
    assert options["--kube-version"] == "v1.36.3" and options["--api-versions"] == "v1,apps/v1"
    assert options["--namespace"] == "ollama" and "--skip-tests" in arguments
    assert yaml.safe_load(given) == {"a": {"b": 1}}, "values go by stdin: nobody sees them in the list of processes"
    assert kubeconfig == os.devnull


def test_lists_are_taken_apart_and_what_is_no_object_is_not_passed_on(tmp_path: Path, helm: Helm) -> None:
    helm(f"print('kind: List\\napiVersion: v1\\nitems:\\n- ' + {MANIFEST!r}.replace(chr(10), chr(10) + '  '))")
    found = render(release(), "v1.36.3", [], 10, tmp_path)
    assert [item["kind"] for item in found.manifests] == ["Service"]
    for text in ("- a list", "kind: Service", "a: [", "{apiVersion: v1, kind: A, metadata: {name: a}, spec: [1]}"):
        helm(f"print({text!r})")
        assert why(tmp_path).startswith(("helm rendered something that is no", "what helm rendered is no YAML"))


def test_a_chart_that_does_not_take_the_version_is_refused_in_helms_judgement(tmp_path: Path, helm: Helm) -> None:
    complaint = "Error: chart requires kubeVersion: >=1.99.0 <2 which is incompatible with Kubernetes v1.36.3"
    helm(f"print({complaint!r}, file=sys.stderr); sys.exit(1)")
    found = render(release(), "v1.36.3", [], 10, tmp_path)
    assert (found.takes, found.refused, list(found.manifests)) == (">=1.99.0 <2", True, [])
    assert found.missing


def test_an_error_of_helms_is_told_without_the_values_that_it_quotes(tmp_path: Path, helm: Helm) -> None:
    complaint = (
        "WARNING: noise\\nError: values don't meet the specifications:\\n"
        "- at '/key': 'hunter2-and-more' does not match\\n"
        "cannot unmarshal !!str `hunter2...` into int, in ollama"
    )
    helm(f"print('{complaint.replace(chr(39), chr(92) + chr(39))}', file=sys.stderr); sys.exit(1)")
    text = why(tmp_path, settings={"key": ["hunter2-and-more"]})
    assert text.startswith("helm can't render ollama 1.77.0: values don't meet the specifications:")
    assert "hunter2" not in text and "noise" not in text
    assert text.endswith("in ollama")


def test_without_helm_the_reason_says_where_it_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert why(tmp_path) == ("helm is not on PATH (make toolchain puts it into the folder that the make targets use)")


def test_a_helm_that_takes_too_long_is_not_waited_for(tmp_path: Path, helm: Helm) -> None:
    helm("time.sleep(30)")
    began = time.monotonic()
    assert why(tmp_path, timeout=0.5) == "helm template ollama did not end in time"
    assert time.monotonic() - began < 5


def test_a_chart_from_a_repository_is_fetched_once_at_its_exact_version(tmp_path: Path, helm: Helm) -> None:
    package = tmp_path / "made.tgz"
    with tarfile.open(package, "w:gz") as archive:
        archive.add(tmp_path / "chart" / "Chart.yaml", "ollama/Chart.yaml")
    fetch = f"import shutil; shutil.copy({str(package)!r}, sys.argv[sys.argv.index('--destination') + 1] + '/it.tgz')"
    log = helm(f"if sys.argv[1] == 'pull':\n    {fetch}\nelse:\n    print({MANIFEST!r})")
    found = render(release(location=ChartLocation("ollama", "https://charts.example.com")), "v1.36.3", [], 10, tmp_path)
    assert found.takes == ">=1.25"
    [(pull, _, _), (template, _, _)] = calls(log)
    assert pull[:4] == ["pull", "ollama", "--version", "1.77.0"]
    assert dict(pairwise(pull))["--repo"] == "https://charts.example.com"
    assert Path(template[2]).name == "it.tgz" and not Path(template[2]).exists(), "nothing is left behind"


def test_a_repository_that_does_not_answer_is_named(tmp_path: Path, helm: Helm) -> None:
    helm("print('Error: no such host', file=sys.stderr); sys.exit(1)")
    for location, place in (
        (ChartLocation("ollama", "https://charts.example.com"), "https://charts.example.com"),
        (ChartLocation("oci://registry.example.com/charts/ollama"), "oci://registry.example.com/charts/ollama"),
    ):
        assert why(tmp_path, location=location) == f"helm can't get ollama 1.77.0 from {place}: no such host"


def test_the_releases_of_a_stack_are_those_that_the_program_makes() -> None:
    settings: Settings = load_settings("prod", {"ollama": {"labels": {"team": "ai"}}})
    ollama, librechat = releases_of(settings)
    assert (ollama.name, ollama.namespace, librechat.name, librechat.namespace) == 2 * ("ollama",) + 2 * ("librechat",)
    assert ollama.labels["team"] == "ai" and ollama.labels["private-chatgpt/stack"] == "prod"
    assert librechat.secrets[0] == "librechat-credentials" and len(librechat.secrets) == 3
    assert ollama.values["ollama"]["gpu"]["number"] == 1
