"""`components.values.merge` merges as Helm does: `helm template` itself says what is right."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from components.values import Values, merge
from tests.engine.chart_servers import helm

DEFAULTS: Values = {
    "text": "default",
    "map": {"kept": 1, "also": {"deep": "default", "deeper": {"x": 1}}},
    "list": [1, 2, 3],
    "empty": {},
}


@pytest.fixture
def chart(tmp_path: Path) -> Path:
    """A chart that renders the values that it got."""
    folder = tmp_path / "chart"
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text("{apiVersion: v2, name: echo, version: 1.0.0}")
    (folder / "values.yaml").write_text(yaml.safe_dump(DEFAULTS))
    (folder / "templates" / "values.yaml").write_text("values: {{- toYaml .Values | nindent 2 }}\n")
    return folder


def rendered(chart: Path, *layers: Values) -> Any:
    """What templates see with these layers as `-f` files, the last one winning."""
    options = []
    for number, layer in enumerate(layers):
        file = chart.parent / f"layer-{number}.yaml"
        file.write_text(yaml.safe_dump(layer))
        options += ["-f", str(file)]
    return yaml.safe_load(helm("template", "echo", str(chart), *options))["values"]


@pytest.mark.parametrize(
    "layers",
    [
        pytest.param([{"map": {"new": 2}}, {"map": {"kept": 3}}], id="maps merge"),
        pytest.param([{"list": [4]}, {"list": [5, 6]}], id="lists replace"),
        pytest.param([{"list": [{"a": 1}]}, {"list": [{"b": 2}]}], id="maps in lists do not merge"),
        pytest.param([{"list": [4]}, {"list": []}], id="an empty list replaces"),
        pytest.param([{"map": {"kept": 2}}, {"map": {}}], id="an empty map changes nothing"),
        pytest.param([{"text": "first"}, {"text": "second"}], id="scalars replace"),
        pytest.param([{"text": None}], id="null removes a default"),
        pytest.param([{"text": "first"}, {"text": None}], id="null removes what an earlier layer said"),
        pytest.param([{"text": None}, {"text": "second"}], id="a later layer brings back what null removed"),
        pytest.param([{"map": {"also": None}}], id="null removes a map in a map"),
        pytest.param([{"map": None}, {"map": {"new": 1}}], id="a map after null"),
        pytest.param([{"map": {"also": {"deep": None}}}, {"map": {"also": {"other": 1}}}], id="null deep inside"),
        pytest.param([{"own": {"a": 1, "b": 2}}, {"own": {"a": None}}], id="null without a default"),
        pytest.param([{"list": [1, None]}], id="null in a list"),
        pytest.param([{"map": {"kept": 2}}, {"map": None}, {"map": {"again": 3}}], id="three layers"),
        pytest.param([{"empty": {"a": {"b": 1}}}, {"empty": {"a": {"c": 2}}}], id="maps that the chart has empty"),
    ],
)
def test_helm_sees_the_same_values_in_one_merged_file_as_in_several(chart: Path, layers: list[Values]) -> None:
    expected = rendered(chart, *layers)
    assert expected != DEFAULTS
    assert rendered(chart, merge(*layers)) == expected
