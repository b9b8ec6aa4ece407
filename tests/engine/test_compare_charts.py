"""The comparison of charts finds what differs, and the stand-in charts are what they say."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from components.charts import LIBRECHAT, OLLAMA, STAND_IN_ANNOTATION, Chart
from local.compare_charts import STAND_INS, RenderError, main, render

PINNED = [pytest.param(chart, id=chart.name) for chart in (OLLAMA, LIBRECHAT)]
VALUES: dict[str, dict[str, Any]] = {
    "ollama": {
        "ollama": {"models": {"pull": ["llama3.1:8b"]}, "gpu": {"enabled": True, "number": 2}},
        "nodeSelector": {"nvidia.com/gpu.present": "true"},
        "persistentVolume": {"enabled": True, "annotations": {"helm.sh/resource-policy": "keep"}},
    },
    "librechat": {
        "fullnameOverride": "librechat",
        "global": {"librechat": {"existingSecretName": "app-keys"}},
        "librechat": {"configEnv": {"CREDS_KEY": None}, "configYamlContent": "version: 1.3.13\n"},
        "mongodb": {
            "useStatefulSet": True,
            "auth": {"enabled": True, "existingSecret": "mongodb-keys", "usernames": ["chat"], "databases": ["Chat"]},
        },
        "meilisearch": {"auth": {"existingMasterKeySecret": "meilisearch-keys"}},
    },
}
CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata: {name: settings}
data:
  greeting: {{ .Values.greeting }}
"""
SERVICE = """
apiVersion: v1
kind: Service
metadata:
  name: app
  labels: {helm.sh/chart: app-1.0.0}
spec: {ports: [{port: 80}], selector: {app: a}}
"""

WriteChart = Callable[..., Path]
Compare = Callable[..., tuple[int, str]]


@pytest.fixture
def write_chart(tmp_path: Path) -> WriteChart:
    """Writes a chart `app` into a folder: one template per argument, `greeting: hello` among its values."""

    def write(folder: str, *templates: str, version: str = "1.0.0") -> Path:
        chart = tmp_path / folder
        (chart / "templates").mkdir(parents=True)
        (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "app", "version": version}))
        (chart / "values.yaml").write_text("greeting: hello\n")
        for number, template in enumerate(templates):
            (chart / "templates" / f"{number}.yaml").write_text(template)
        return chart

    return write


@pytest.fixture
def compare(capsys: pytest.CaptureFixture[str]) -> Compare:
    """Runs the program on two charts: its exit code, and what it printed."""

    def run(real: Path, stand_in: Path, *values: Path) -> tuple[int, str]:
        code = main(["--real", str(real), "--stand-in", str(stand_in), "--values", *map(str, values)])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    return run


@pytest.fixture
def values_of(tmp_path: Path) -> Callable[[str], Path]:
    """Writes the sample values of an app into a file."""

    def write(app: str) -> Path:
        file = tmp_path / f"{app}.yaml"
        file.write_text(yaml.safe_dump(VALUES[app]))
        return file

    return write


def test_charts_that_render_the_same_in_another_order_and_layout_are_equal(
    write_chart: WriteChart, compare: Compare
) -> None:
    rearranged = (
        "spec:\n  selector: {app: a}\n  ports:\n    - {port: 80, nodePort: null}\n" + SERVICE.rpartition("spec")[0]
    )
    real, stand_in = write_chart("real", SERVICE, CONFIG_MAP), write_chart("stand-in", CONFIG_MAP, rearranged)
    assert compare(real, stand_in) == (0, "app: 0 differences in 2 objects\n")


def test_a_field_that_differs_is_named_with_both_sides(write_chart: WriteChart, compare: Compare) -> None:
    real, stand_in = write_chart("real", SERVICE), write_chart("stand-in", SERVICE.replace("port: 80", "port: 81"))
    code, printed = compare(real, stand_in)
    assert code == 1
    assert printed.splitlines()[0] == "Service/app spec.ports.0.port: real 80, stand-in 81"


def test_a_number_is_not_the_same_as_its_text(write_chart: WriteChart, compare: Compare) -> None:
    real, stand_in = write_chart("real", SERVICE), write_chart("stand-in", SERVICE.replace("port: 80", 'port: "80"'))
    assert compare(real, stand_in)[0] == 1


def test_an_object_that_only_one_chart_has_is_named(write_chart: WriteChart, compare: Compare) -> None:
    both, one = write_chart("both", SERVICE, CONFIG_MAP), write_chart("one", SERVICE)
    assert compare(both, one) == (1, "ConfigMap/settings: only in the real chart\napp: 1 differences in 2 objects\n")
    assert compare(one, both) == (
        1,
        "ConfigMap/settings: only in the stand-in chart\napp: 1 differences in 2 objects\n",
    )


def test_a_text_on_the_list_may_differ_but_not_be_missing(write_chart: WriteChart, compare: Compare) -> None:
    real = write_chart("real", SERVICE)
    assert compare(real, write_chart("other", SERVICE.replace("app-1.0.0", "parent-2.0.0")))[0] == 0
    code, printed = compare(real, write_chart("without", SERVICE.replace("helm.sh/chart: app-1.0.0", "")))
    assert code == 1
    assert "Service/app metadata.labels.helm.sh/chart: real 'app-1.0.0', stand-in not present" in printed


def test_an_emptied_public_key_is_not_the_same_as_the_chart_s_default(
    write_chart: WriteChart, compare: Compare
) -> None:
    environment = CONFIG_MAP.replace("name: settings", "name: app-configenv").replace("greeting:", "JWT_SECRET:")
    real, emptied = (
        write_chart("real", environment),
        write_chart("emptied", environment.replace("{{ .Values.greeting }}", '""')),
    )
    assert compare(real, write_chart("other", environment.replace("{{ .Values.greeting }}", "other")))[0] == 0
    code, printed = compare(real, emptied)
    assert code == 1
    assert "ConfigMap/app-configenv data.JWT_SECRET: real 'hello', stand-in ''" in printed


def test_another_version_is_a_difference(write_chart: WriteChart, compare: Compare) -> None:
    code, printed = compare(write_chart("real", SERVICE), write_chart("stand-in", SERVICE, version="1.0.1"))
    assert code == 1
    assert "Chart.yaml version: real '1.0.0', stand-in '1.0.1'" in printed


def test_both_charts_get_the_values(write_chart: WriteChart, compare: Compare, tmp_path: Path) -> None:
    deaf = CONFIG_MAP.replace("{{ .Values.greeting }}", "hello")
    real, stand_in = write_chart("real", CONFIG_MAP), write_chart("stand-in", deaf)
    values = tmp_path / "values.yaml"
    values.write_text("greeting: good evening\n")
    assert compare(real, stand_in)[0] == 0
    code, printed = compare(real, stand_in, values)
    assert code == 1
    assert "ConfigMap/settings data.greeting: real 'good evening', stand-in 'hello'" in printed


def test_a_chart_that_does_not_render_is_an_error_with_helms_reason(write_chart: WriteChart, compare: Compare) -> None:
    code, printed = compare(write_chart("real", SERVICE), write_chart("broken", "{{ fail `no such disk` }}"))
    assert code == 2
    assert "broken can't be rendered" in printed
    assert "no such disk" in printed


def test_a_folder_without_a_chart_is_an_error(write_chart: WriteChart, compare: Compare, tmp_path: Path) -> None:
    code, printed = compare(tmp_path, write_chart("stand-in", SERVICE))
    assert code == 2
    assert f"{tmp_path} is no unpacked chart" in printed


def test_without_helm_the_error_says_where_it_comes_from(
    write_chart: WriteChart, compare: Compare, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    chart = write_chart("real", SERVICE)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert compare(chart, chart) == (2, "helm is not on PATH; `make toolchain` puts it into the toolchain's folder\n")


@pytest.mark.parametrize(
    ("app", "template", "right", "wrong", "reported"),
    [
        ("ollama", "_names.tpl", "(.number | default 1)", "1", "limits.nvidia.com/gpu: real 2, stand-in 1"),
        ("ollama", "deployment.yaml", '"nodeSelector"', "", "spec.nodeSelector: real {'nvidia.com/gpu.present'"),
        (
            "ollama",
            "_pull_models.tpl",
            "ollama pull",
            "ollama run",
            "Deployment/ollama spec.template.spec.containers.0.",
        ),
        ("ollama", "claim.yaml", ".annotations", ".labels", "real {'helm.sh/resource-policy': 'keep'}"),
        ("librechat", "deployment.yaml", "optional: true", "optional: false", "optional: real True, stand-in False"),
        ("librechat", "deployment.yaml", "checksum/configEnv", "checksum/env", "annotations.checksum/configEnv: real"),
        (
            "librechat",
            "_mongodb.tpl",
            "secrets/mongodb-passwords",
            "secrets/passwords",
            "StatefulSet/librechat-mongodb",
        ),
        (
            "librechat",
            "mongodb.yaml",
            "networkPolicy.enabled",
            "auth.password",
            "NetworkPolicy/librechat-mongodb: only",
        ),
        (
            "librechat",
            "meilisearch.yaml",
            ".persistence.size",
            "8",
            "PersistentVolumeClaim/librechat-meilisearch spec.",
        ),
        ("librechat", "_environment.tpl", "7700", "7701", "ConfigMap/librechat-configenv data.MEILI_HOST: real"),
    ],
)
def test_a_stand_in_that_renders_something_else_is_caught(
    app: str,
    template: str,
    right: str,
    wrong: str,
    reported: str,
    compare: Compare,
    values_of: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    changed = shutil.copytree(STAND_INS / app, tmp_path / "changed")
    values = values_of(app)
    assert compare(STAND_INS / app, changed, values)[0] == 0
    file = changed / "templates" / template
    assert right in file.read_text()
    file.write_text(file.read_text().replace(right, wrong))
    code, printed = compare(STAND_INS / app, changed, values)
    assert code == 1
    assert reported in printed


@pytest.mark.parametrize("chart", PINNED)
def test_a_stand_in_has_the_pinned_name_and_version_and_says_what_it_is(chart: Chart) -> None:
    metadata = yaml.safe_load((STAND_INS / chart.name / "Chart.yaml").read_text())
    assert (metadata["name"], metadata["version"]) == (chart.name, chart.version)
    assert metadata["annotations"] == {STAND_IN_ANNOTATION: "true"}
    assert metadata["description"].startswith("Stand-in")


@pytest.mark.parametrize("chart", PINNED)
def test_a_value_that_a_stand_in_does_not_read_is_an_error_that_names_it(
    chart: Chart, values_of: Callable[[str], Path], tmp_path: Path
) -> None:
    misspelt = tmp_path / "misspelt.yaml"
    misspelt.write_text("podAnnotation: {a: b}\nserviceAccount: {creat: true}\n")
    with pytest.raises(RenderError, match=r"'podAnnotation' not allowed") as error:
        render(STAND_INS / chart.name, [values_of(chart.name), misspelt], chart.name, chart.name)
    assert "'/serviceAccount': additional properties 'creat' not allowed" in str(error.value)


def test_the_librechat_stand_in_starts_on_its_public_keys_only_where_they_are_not_removed(
    values_of: Callable[[str], Path],
) -> None:
    data = render(STAND_INS / "librechat", [values_of("librechat")], "librechat", "chat")[
        "ConfigMap/librechat-configenv"
    ]["data"]
    assert "CREDS_KEY" not in data
    assert data["CREDS_IV"] == "public-default-of-the-chart"


@pytest.mark.parametrize(
    ("mongodb", "expected"),
    [
        ({"useStatefulSet": False}, "set mongodb.useStatefulSet to true"),
        ({"auth": {"existingSecret": ""}}, "name one in mongodb.auth.existingSecret"),
        ({"resourcesPreset": "large"}, "/mongodb/resourcesPreset"),
    ],
)
def test_what_only_the_real_mongodb_chart_can_do_is_refused(
    mongodb: dict[str, Any], expected: str, values_of: Callable[[str], Path], tmp_path: Path
) -> None:
    overlay = tmp_path / "overlay.yaml"
    overlay.write_text(yaml.safe_dump({"mongodb": mongodb}))
    with pytest.raises(RenderError, match=expected):
        render(STAND_INS / "librechat", [values_of("librechat"), overlay], "librechat", "chat")
