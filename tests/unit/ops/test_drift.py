"""What drift is, without a cluster: fields, targets, differences, and words that hold no secret."""

from __future__ import annotations

import base64
import copy
import gzip
import json
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ops import drift as drift_command
from ops import heal as heal_command
from ops.diagnosis.masking import Masker
from ops.drift_reading.comparing import Difference, differences
from ops.drift_reading.declared import RecordError, declared_of, pack
from ops.drift_reading.drifted import Drifted
from ops.drift_reading.entries import Drift, Excepted, told
from ops.drift_reading.fields import MISSING, get, managers_of, owner_of, put, shown
from ops.drift_reading.target import keep, target_of

OURS, KUBECTL, CONTROLLER = "pulumi-resource-kubernetes", "kubectl-edit", "kube-controller-manager"
PROVIDER, HELM = "pulumi-kubernetes", "Helm"  # field managers of helm's records
ENV = 'k:{"name":"A"}'
APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""Where `kubectl apply` keeps all that it was given."""


def entry(manager: str, fields: dict[str, Any], time: str = "2026-11-21T07:00:00Z", **more: Any) -> dict[str, Any]:
    return {"manager": manager, "operation": "Update", "time": time, "fieldsV1": fields, **more}


def item(spec: dict[str, Any], *entries: dict[str, Any]) -> dict[str, Any]:
    metadata = {"name": "app", "namespace": "apps", "managedFields": list(entries)}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


def declared(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app"}, "spec": spec}


def test_a_field_that_only_somebody_else_owns_is_taken_away() -> None:
    live = item({"paused": True, "replicas": 1}, entry(OURS, {"f:spec": {"f:replicas": {}}}),
                entry(KUBECTL, {"f:spec": {"f:paused": {}}}))  # fmt: skip
    assert target_of(declared({"replicas": 1}), live)["spec"] == {"replicas": 1}


@pytest.mark.parametrize("manager", [OURS, CONTROLLER])
def test_a_field_that_helm_or_a_controller_added_stays(manager: str) -> None:
    live = item({"paused": True, "replicas": 1}, entry(manager, {"f:spec": {"f:paused": {}}}))
    assert target_of(declared({"replicas": 1}), live) == live


def test_what_is_only_written_to_the_status_is_nobodys_edit() -> None:
    live = item({"replicas": 1}, entry(KUBECTL, {"f:spec": {"f:replicas": {}}}, subresource="status"))
    assert managers_of(live) == []


def test_an_entry_of_a_list_is_known_by_its_key() -> None:
    trees: dict[str, Any] = {
        "f:spec": {"f:env": {ENV: {".": {}, "f:name": {}}, 'k:{"name":"B"}': {".": {}, "f:name": {}}}}
    }
    live = item({"env": [{"name": "B"}, {"name": "A", "value": "edited"}]}, entry(KUBECTL, trees))
    found = target_of(declared({"env": [{"name": "A", "value": "declared"}]}), live)
    assert found["spec"]["env"] == [{"name": "A", "value": "declared"}]


def test_the_order_of_a_list_stays_where_nothing_is_missing_in_it() -> None:
    tree: dict[str, Any] = {"f:spec": {"f:env": {ENV: {".": {}}, 'k:{"name":"B"}': {".": {}}}}}
    live = item({"env": [{"name": "B"}, {"name": "A"}]}, entry(OURS, tree))
    assert target_of(declared({"env": [{"name": "A"}, {"name": "B"}]}), live) == live


def test_a_list_that_names_an_entry_twice_is_taken_as_a_whole() -> None:
    tree: dict[str, Any] = {"f:spec": {"f:env": {ENV: {".": {}}}}}
    twice = [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]
    live = item({"env": twice}, entry(OURS, tree))
    assert target_of(declared({"env": twice}), live) == live


def test_a_map_that_is_owned_as_a_whole_is_replaced_as_a_whole() -> None:
    live = item({"nodeSelector": {"a": "b", "c": "d"}}, entry(KUBECTL, {"f:spec": {"f:nodeSelector": {}}}))
    assert target_of(declared({"nodeSelector": {"a": "b"}}), live)["spec"] == {"nodeSelector": {"a": "b"}}


def test_an_exception_leaves_a_field_as_it_is() -> None:
    live = item({"replicas": 3}, entry(KUBECTL, {"f:spec": {"f:replicas": {}}}))
    target = target_of(declared({"replicas": 1}), live)
    keep(target, live, [("f:spec", "f:replicas")])
    assert target == live


def test_the_latest_foreign_writer_is_who_it_was() -> None:
    tree: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    live = item({"replicas": 3}, entry(OURS, tree, "2026-11-21T09:00:00Z"), entry("a", tree, "2026-11-21T07:00:00Z"),
                entry("b", tree, "2026-11-21T08:00:00Z"))  # fmt: skip
    owner = owner_of(("f:spec", "f:replicas"), managers_of(live))
    assert owner is not None
    assert owner.name == "b"


def test_the_changed_key_of_an_entry_is_one_difference() -> None:
    tree: dict[str, Any] = {"f:spec": {"f:ports": {'k:{"port":81,"protocol":"TCP"}': {".": {}, "f:port": {}}}}}
    live = item({"ports": [{"name": "http", "port": 81, "protocol": "TCP"}]}, entry(KUBECTL, tree))
    expected = item({"ports": [{"name": "http", "port": 80, "protocol": "TCP"}]})
    (found,) = differences(expected, live)
    assert (shown(found.path), found.declared, found.live) == ("spec.ports[http].port", 80, 81)
    assert found.manager is not None


def test_status_and_what_the_server_writes_are_no_difference() -> None:
    live = item({"replicas": 1}) | {"status": {"replicas": 1}}
    live["metadata"] |= {"resourceVersion": "2", "generation": 3}
    assert differences(item({"replicas": 1}), live) == []


@pytest.mark.parametrize(
    ("kind", "path", "value"),
    [
        ("Secret", ("f:data", "f:a"), "plain-one"),
        ("Deployment", ("f:spec", 'k:{"name":"MY_TOKEN"}', "f:value"), "plain-one"),
        ("Deployment", ("f:spec", 'k:{"name":"MY_TOKEN"}'), {"name": "MY_TOKEN", "value": "plain-one"}),
        ("Deployment", ("f:spec", "f:containers"), [{"env": [{"name": "DB_PASSWORD", "value": "plain-one"}]}]),
        ("Deployment", ("f:spec", "f:args"), ["--password", "plain-one"]),
        ("ConfigMap", ("f:data", "f:text"), "db_pass = plain-one"),
        ("ConfigMap", ("f:data", "f:text"), '{"pass":"plain-one"}'),
        ("Deployment", ("f:spec", "f:args"), ['{"pass":"plain-one"}']),
        ("ConfigMap", ("f:data", "f:MEILI_MASTER_KEY"), "plain-one"),
        ("Secret", ("f:metadata", "f:annotations", f"f:{APPLIED}"), '{"data":{"url":"plain-one"}}'),
        ("Secret", ("f:metadata", "f:annotations"), {APPLIED: '{"data":{"url":"plain-one"}}'}),
        ("ConfigMap", ("f:data", "f:text"), "before known-secret after"),
        ("ConfigMap", ("f:data", "f:text"), "x" * 76 + "known-secret"),
    ],
)
def test_no_secret_stands_in_what_is_told(kind: str, path: tuple[str, ...], value: Any) -> None:
    live = {"kind": kind, "metadata": {"name": "app"}}
    said = told("app", "apps", live, Difference(path, MISSING, value, None, (path,)), Masker(["known-secret"]))
    assert "plain-one" not in str(said)
    assert "known" not in said.live
    assert said.live


@pytest.mark.parametrize(
    "text", ["bypass = all", '["--token-file", "/run/it", "--port", "8"]', "proxy passthrough: on"]
)
def test_what_is_no_secret_is_told_as_it_is(text: str) -> None:
    live = {"kind": "ConfigMap", "metadata": {"name": "app"}}
    said = told("app", "apps", live, Difference(("f:data", "f:text"), "before", text, None), Masker(["known-secret"]))
    assert (said.declared, said.live) == ("before", text)


@pytest.mark.parametrize(
    ("field", "covered"),
    [("spec.replicas", True), ("spec", True), ("*", True), ("spec.rep", False), ("spec.replicas.x", False)],
)
def test_an_exception_covers_its_field_and_all_below(field: str, covered: bool) -> None:
    drift = Drift("app", "apps", "Deployment/app", "changed", "spec.replicas")
    assert Excepted("Deployment/app", field, "why").covers(drift) is covered
    assert not Excepted("Deployment/other", field, "why").covers(drift)


def record(status: str, version: int, manifest: str) -> dict[str, Any]:
    labels = {"name": "app", "status": status, "version": str(version)}
    metadata = {"name": f"app.v{version}", "labels": labels, "creationTimestamp": "2026-11-21T07:00:00Z"}
    packed = pack({"manifest": manifest, "info": {}, "hooks": [{"kind": "Job", "name": "test"}]})
    return {"type": "helm.sh/release.v1", "metadata": metadata, "data": {"release": packed}}


def test_the_revision_that_is_deployed_is_what_is_declared() -> None:
    secret = "kind: Secret\napiVersion: v1\nmetadata: {name: s}\nstringData: {a: b}\nx: null\n"
    found = declared_of("app", "apps", [record("deployed", 9, secret), record("superseded", 8, "")])
    (only,) = found.objects
    assert only["data"] == {"a": "Yg=="}
    assert "x" not in only
    assert only["metadata"]["annotations"]["meta.helm.sh/release-name"] == "app"
    assert found.hooks == {("Job", "test")}


def test_records_without_a_deployed_revision_declare_nothing() -> None:
    with pytest.raises(RecordError, match="not deployed"):
        declared_of("app", "apps", [])
    with pytest.raises(RecordError, match="helm says failed"):
        declared_of("app", "apps", [record("failed", 1, "")])
    assert declared_of("app", "apps", [record("pending-install", 1, "")]).is_pending


@pytest.mark.parametrize("manifest", ["a: [", "kind: ConfigMap\ndata: {a: =}", "kind: ConfigMap\n", "only a text"])
def test_manifests_that_can_not_be_read_are_an_error_that_names_the_record(manifest: str) -> None:
    with pytest.raises(RecordError, match=r"the manifests in helm's record app\.v1 can't be read"):
        declared_of("app", "apps", [record("deployed", 1, manifest)])


def of_helm(status: str, version: int, manifest: str, maker: str) -> dict[str, Any]:
    found = record(status, version, manifest)
    superseded_by = entry(HELM, {"f:metadata": {"f:labels": {"f:status": {}}}})
    found["metadata"]["managedFields"] = [entry(maker, {"f:data": {}, "f:type": {}}), superseded_by]
    return found


def test_what_somebody_deployed_by_helms_own_command_is_told_from_the_stacks_own_revisions() -> None:
    ours, theirs = "kind: ConfigMap\nmetadata: {name: a}\n", "kind: ConfigMap\nmetadata: {name: b}\n"
    records = [of_helm("superseded", 1, ours, PROVIDER), of_helm("deployed", 2, theirs, HELM)]
    found = declared_of("app", "apps", records).overtaken
    assert found is not None
    assert (found.own, found.revision, found.by.name) == (1, 2, HELM)
    back = [*records[:1], of_helm("superseded", 2, theirs, HELM), of_helm("deployed", 3, ours, HELM)]
    assert declared_of("app", "apps", back).overtaken is None
    assert declared_of("app", "apps", [*records[:1], of_helm("deployed", 2, theirs, PROVIDER)]).overtaken is None
    assert declared_of("app", "apps", [of_helm("deployed", 2, theirs, HELM)]).overtaken is None
    orphaned = [of_helm("superseded", 1, ours, PROVIDER), of_helm("superseded", 2, theirs, PROVIDER)]
    taken_back = of_helm("deployed", 3, ours, HELM)
    assert declared_of("app", "apps", [*orphaned, taken_back]).overtaken is not None
    taken_back["metadata"]["annotations"] = {"private-chatgpt/taken-back": "recover"}
    assert declared_of("app", "apps", [*orphaned, taken_back]).overtaken is None
    failed = [of_helm("failed", 1, ours, PROVIDER), of_helm("deployed", 2, theirs, HELM)]
    assert declared_of("app", "apps", failed).overtaken is None


@pytest.mark.parametrize("kept", [0, 8, 40])
def test_a_record_that_is_cut_off_is_an_error_that_names_it(kept: int) -> None:
    cut = record("deployed", 1, "kind: ConfigMap")
    cut["data"]["release"] = base64.b64encode(cut["data"]["release"][:kept].encode()).decode()
    with pytest.raises(RecordError, match=r"helm's record app\.v1 can't be read"):
        declared_of("app", "apps", [cut])
    # Cut inside what is compressed, too.
    inner = gzip.compress(json.dumps({"manifest": "x" * 500}).encode())[:kept]
    cut["data"]["release"] = base64.b64encode(base64.b64encode(inner)).decode()
    with pytest.raises(RecordError, match=r"helm's record app\.v1 can't be read"):
        declared_of("app", "apps", [cut])


names = st.text("abc", min_size=1, max_size=2)
values = st.recursive(
    st.integers(0, 3) | st.text("xy", max_size=2), lambda inner: st.dictionaries(names, inner, max_size=3), max_leaves=8
)
specs = st.dictionaries(names, values, max_size=4)


def owned(value: Any) -> dict[str, Any]:
    return {f"f:{key}": owned(inner) for key, inner in value.items()} if isinstance(value, dict) else {}


@given(specs, specs)
def test_what_somebody_else_made_of_it_is_always_brought_back(wanted: dict[str, Any], edited: dict[str, Any]) -> None:
    live = item(edited, entry(KUBECTL, {"f:spec": owned(edited)}))
    before = copy.deepcopy(live)
    target = target_of(declared(wanted), live)
    assert live == before
    for difference in differences(item(wanted), {**target, "metadata": live["metadata"]}):
        # What is left of maps that somebody added, the API server drops.
        assert difference.live in ({}, MISSING) or difference.declared in ({}, MISSING), difference


@given(specs)
def test_what_is_as_declared_has_nothing_to_heal(wanted: dict[str, Any]) -> None:
    live = item(wanted, entry(OURS, {"f:spec": owned(wanted)}))
    assert target_of(declared(wanted), live) == live


def test_a_path_can_be_put_and_read_and_taken_away() -> None:
    root: dict[str, Any] = {"list": [{"name": "A", "v": 1}]}
    put(root, ("f:list", ENV, "f:v"), 2)
    put(root, ("f:more", "f:x"), 3)
    assert root == {"list": [{"name": "A", "v": 2}], "more": {"x": 3}}
    assert get(root, ("f:list", ENV, "f:v")) == 2
    put(root, ("f:list", ENV), MISSING)
    assert get(root, ("f:list", ENV)) is MISSING


@pytest.mark.parametrize(
    ("drift", "patch"),
    [
        (
            Drift("a", "a", "Deployment/a", "changed", "spec.replicas", "1", "3"),
            ["- spec.replicas: 3", "+ spec.replicas: 1"],
        ),
        (Drift("a", "a", "Deployment/a", "added", "spec.paused", "", "true"), ["- spec.paused: true"]),
        (Drift("a", "a", "Deployment/a", "removed", "spec.paused", "false"), ["+ spec.paused: false"]),
        (Drift("a", "a", "Deployment/a", "deleted"), ["+ the whole object"]),
    ],
)
def test_a_patch_says_what_goes_and_what_comes(drift: Drift, patch: list[str]) -> None:
    assert drift.patch() == patch


def test_what_somebody_added_to_a_secret_needs_no_engine() -> None:
    changed, more = (Drift("a", "a", "Secret/a", change, "data.A") for change in ("changed", "added"))
    excepted = Drift("a", "a", "Secret/a", "changed", "data.B", reason="somebody else's")
    found = [(each, None) for each in (changed, more, excepted)]
    assert Drifted({}, "", by_engine=True, found=found).for_engine == [changed]
    assert Drifted({}, "", found=found).for_engine == []
    assert Drifted({}, "", found=found).to_heal == [changed, more]


def test_what_is_excepted_is_applied_as_it_is() -> None:
    live = item({"hard": {"pods": "100", "cpu": "9"}})
    let_be, edited = (("f:spec", "f:hard", f"f:{key}") for key in ("pods", "cpu"))
    found = [
        (Drift("a", "a", "Deployment/app", "changed", "spec.hard.pods", reason="theirs"),
         Difference(let_be, "10", "100", None, (let_be,))),
        (Drift("a", "a", "Deployment/app", "changed", "spec.hard.cpu"),
         Difference(edited, "4", "9", None, (edited,))),
    ]  # fmt: skip
    wanted = declared({"hard": {"pods": "10", "cpu": "4"}})
    assert Drifted(wanted, "", live=live, found=found).to_apply["spec"] == {"hard": {"pods": "100", "cpu": "4"}}
    assert wanted["spec"] == {"hard": {"pods": "10", "cpu": "4"}}


@pytest.mark.parametrize("command", [drift_command, heal_command])
def test_a_mistake_in_the_command_line_does_not_look_like_drift(
    command: ModuleType, capsys: pytest.CaptureFixture[str]
) -> None:
    for line in (["--stack"], ["--stack", "dev", "--watch", "-1"], ["--stack", "dev", "--no-such"]):
        with pytest.raises(SystemExit) as ended:
            command.main(line)
        assert ended.value.code == 1
    assert command.main(["--stack", "no-such-stack"]) == 1
    assert "There is no stack no-such-stack" in capsys.readouterr().err
