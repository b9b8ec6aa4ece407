"""Two renderings compared, and which changes the API server would refuse."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console

from ops import upgrade_check
from ops.diagnosis.objects import Object
from ops.upgrading.checking import Report
from ops.upgrading.comparing import compare
from ops.upgrading.immutable import refused, volumes_left
from ops.upgrading.report import show


def made(kind: str, name: str = "app", **parts: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, **parts.pop("metadata", {})}, **parts}


def workload(kind: str = "Deployment", image: str = "app:1", **spec: Any) -> dict[str, Any]:
    labels = spec.pop("labels", {"app": "a"})
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "main", "image": image}]}}
    return made(kind, spec={"selector": {"matchLabels": {"app": "a"}}, "template": template, **spec})


def stateful_set(size: str = "1Gi", claim: str = "data", **spec: Any) -> dict[str, Any]:
    templates = [{"metadata": {"name": claim}, "spec": {"resources": {"requests": {"storage": size}}}}]
    return workload("StatefulSet", serviceName="app", **{"volumeClaimTemplates": templates, **spec})


def claim(size: str = "2Gi", keep: bool = False, **spec: Any) -> dict[str, Any]:
    metadata = {"annotations": {"helm.sh/resource-policy": "keep"}} if keep else {}
    return made("PersistentVolumeClaim", metadata=metadata, spec={"resources": {"requests": {"storage": size}}, **spec})


def test_nothing_changed_is_nothing_found() -> None:
    objects = [workload(), stateful_set(), claim()]
    found = compare(objects, objects)
    assert not (found.added or found.removed or found.changed or found.images or found.restarts or found.relabelled)
    assert refused(objects, objects) == [] == volumes_left(objects, found)


def test_version_labels_are_counted_and_restart_pods_but_are_no_change() -> None:
    def labelled(version: str) -> Object:
        labels = {"app": "a", "helm.sh/chart": f"app-{version}", "app.kubernetes.io/version": version}
        return {**workload(labels=labels), "metadata": {"name": "app", "labels": labels}}

    found = compare([labelled("1"), made("Service")], [labelled("2"), made("Service")])
    assert (found.changed, found.relabelled, found.restarts) == ([], 1, ["Deployment app"])


def test_fields_images_and_objects_are_told_apart() -> None:
    found = compare(
        [workload(replicas=1), made("Service", "gone")], [workload(replicas=2, image="app:2"), made("Secret", "new")]
    )
    assert [(change.field, change.before, change.after) for change in found.changed] == [("spec.replicas", "1", "2")]
    assert [(change.before, change.after) for change in found.images] == [("app:1", "app:2")]
    assert (found.added, found.removed) == (["Secret new"], ["Service gone"])


def test_a_field_that_comes_or_goes_has_an_empty_side_and_a_secret_is_masked() -> None:
    key = "0123456789abcdef" * 4  # gitleaks:allow - made up here
    found = compare([made("ConfigMap", data={"a": "1"})], [made("ConfigMap", data={"b": key})])
    sides = {change.field: (change.before, change.after) for change in found.changed}
    assert sides == {"data.a": ("1", ""), "data.b": ("", "***")}


def with_container(**parts: Any) -> Object:
    made_before: dict[str, Any] = workload()
    made_before["spec"]["template"]["spec"]["containers"][0] |= parts
    return made_before


@pytest.mark.parametrize(
    ("before", "after", "sides"),
    [
        (
            made("Secret", data={"redis-password": "b2xkb2xkb2xk"}),
            made("Secret", data={"redis-password": "bmV3bmV3bmV3"}),
            {"data.redis-password": ("(not shown)", "(not shown)")},
        ),
        (
            made("Secret", stringData={"pw": "hunter2-old"}),
            made("Secret", stringData={"other": "hunter2-new"}),
            {"stringData.pw": ("(not shown)", ""), "stringData.other": ("", "(not shown)")},
        ),
        (
            made("Secret", type="Opaque"),
            made("Secret", type="Opaque", data={"pw": "hunter2-new"}),
            {"data": ("", "{'pw': '(not shown)'}")},
        ),
        (
            with_container(env=[{"name": "DB_PASSWORD", "value": "hunter2-old"}]),
            with_container(env=[{"name": "DB_PASSWORD", "value": "hunter2-new"}]),
            {"spec.template.spec.containers.0.env.0.value": ("***", "***")},
        ),
        (
            with_container(args=["--password", "hunter2-old"]),
            with_container(args=["serve", "--password", "hunter2-new"]),
            {
                "spec.template.spec.containers.0.args.0": ("", "serve"),
                "spec.template.spec.containers.0.args.1": ("***", "***"),
            },
        ),
        (
            made("ConfigMap", data={"text": "hunter2-old", "name": "a"}),
            made("ConfigMap", data={"text": "at http://u/hunter2-new", "name": "b"}),
            {"data.text": ("***", "at http://u/***"), "data.name": ("a", "b")},
        ),
    ],
)
def test_that_a_secret_changes_is_told_and_neither_value_is(
    before: Object, after: Object, sides: dict[str, tuple[str, str]]
) -> None:
    found = compare([before], [after], ["hunter2-old", "hunter2-new"] if before["kind"] == "ConfigMap" else [])
    assert {change.field: (change.before, change.after) for change in found.changed} == sides


def test_what_is_no_secret_of_an_upgrade_stays_readable() -> None:
    before = with_container(env=[{"name": "OLLAMA_HOST", "value": "a"}], args=["--token-file", "/a", "--port", "1"])
    after = with_container(env=[{"name": "OLLAMA_HOST", "value": "b"}], args=["--token-file", "/b", "--port", "2"])
    shown = {(change.before, change.after) for change in compare([before], [after]).changed}
    assert shown == {("a", "b"), ("/a", "/b"), ("1", "2")}


@pytest.mark.parametrize("kind", ["Deployment", "DaemonSet", "StatefulSet"])
def test_a_selector_can_not_change(kind: str) -> None:
    other = workload(kind)
    other["spec"]["selector"] = {"matchLabels": {"app": "b"}}
    [text] = refused([workload(kind)], [other])
    assert text.startswith(f"{kind} app: spec.selector changes") and "kubectl delete" in text


@pytest.mark.parametrize(
    ("changed", "fields"),
    [
        ({"serviceName": "other"}, "spec.serviceName changes"),
        ({"size": "2Gi"}, "spec.volumeClaimTemplates changes"),
        ({"claim": "other", "serviceName": "other"}, "spec.serviceName, spec.volumeClaimTemplates change,"),
        ({"podManagementPolicy": "Parallel"}, "spec.podManagementPolicy changes"),
    ],
)
def test_a_stateful_set_keeps_what_it_was_made_with(changed: dict[str, Any], fields: str) -> None:
    parts = {"serviceName": changed.pop("serviceName")} if "serviceName" in changed else {}
    other = stateful_set(**changed)
    other["spec"] |= parts
    [text] = refused([stateful_set()], [other])
    assert fields in text and "--cascade=orphan" in text


def test_what_may_change_is_let_through() -> None:
    after = stateful_set(replicas=3, updateStrategy={"type": "OnDelete"}, minReadySeconds=5, image="app:2")
    assert refused([stateful_set(), claim("1Gi")], [after, claim("3Gi")]) == []


def test_a_claim_neither_shrinks_nor_moves() -> None:
    found = refused([claim("2Gi", storageClassName="a")], [claim("1Gi", storageClassName="b")])
    assert len(found) == 2
    assert "spec.storageClassName can't change" in found[0] and "can't shrink from 2Gi to 1Gi" in found[1]


def test_a_claim_that_goes_takes_its_data_along_unless_it_is_kept() -> None:
    for objects, fate in (
        ([claim()], "DELETED by helm"),
        ([claim(keep=True)], "stays"),
        ([stateful_set()], "stays"),
    ):
        [text] = volumes_left(objects, compare(objects, []))
        assert fate in text and "Back its data up" in text


def test_the_report_names_the_line_to_change_or_what_comes_first() -> None:
    def told(first: list[str]) -> str:
        printed = io.StringIO()
        comparison = compare([workload()], [workload(image="app:2")])
        report = Report("ollama", "1.77.0", "1.78.0", "", first, comparison, None, ["ollama.new"])
        show(report, "dev", Console(file=printed, width=200))
        return printed.getvalue()

    assert "private-chatgpt:ollama.chart.version: 1.78.0, then pulumi up" in told([])
    text = told(["Deployment [bold]app[/]: refused"])
    assert "Deployment [bold]app[/]: refused" in text and "Nothing stands" not in text
    assert "app:2" in text and "the cluster did not answer" in text and "not known" in text and "ollama.new" in text


def test_a_stack_chart_or_version_that_is_none_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert upgrade_check.main(["--stack", "no-such-stack", "ollama", "1.0.0"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err
    for arguments, said in ((["olama", "1.0.0"], "invalid choice"), (["ollama", "v1"], "a version such as")):
        with pytest.raises(SystemExit) as left:
            upgrade_check.main(["--stack", "prod", *arguments])
        assert left.value.code == 2 and said in capsys.readouterr().err
