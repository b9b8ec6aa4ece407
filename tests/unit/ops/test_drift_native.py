"""The stack's own objects are compared with what was deployed, and not with what the stack file says by now."""

from __future__ import annotations

import base64
import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from kubernetes import client

from components.librechat import secret_keys
from components.loading import Settings
from components.replicas import Shared
from ops.backend import BackendError
from ops.drift_reading.asking import UNKNOWN, _with_native, exit_code
from ops.drift_reading.deployed import Deployed, deployed_beside
from ops.drift_reading.drifted import Report
from ops.drift_reading.healing import Healed, heal
from ops.drift_reading.native import AHEAD, _path, declared_natively
from ops.preflight_checks.reading import Api, Deadline
from ops.preflight_checks.rendering import Release, releases_of
from tests.unit.deployment import load_settings

ENGINE, KUBECTL = "pulumi-kubernetes-0a1b", "kubectl-edit"
ENFORCE = "pod-security.kubernetes.io/enforce"
AHEAD_OF_IT = {
    "ollama": {"podSecurity": "baseline"},
    "access": {"viewers": ["readers"]},
    "network": {"dns": {"namespace": "dns"}},
}
"""What the stack file says by now, and nobody has deployed."""
State = list[dict[str, Any]]


@dataclass(frozen=True)
class Server(Api):
    """An API server that fills in nothing; notes what is written."""

    objects: dict[str, dict[str, Any]] = field(default_factory=dict)
    written: list[tuple[str, str, Any]] = field(default_factory=list)

    def get(self, path: str, *_: Any, **__: Any) -> Any:
        if path not in self.objects:
            raise client.ApiException(status=404)
        return copy.deepcopy(self.objects[path])

    def send(self, method: str, path: str, body: Any = None, *_: Any, dryRun: str = "", **__: Any) -> Any:  # noqa: N803
        if not dryRun:
            self.written.append((method, path, json.loads(body) if isinstance(body, str) else body))
        return body if isinstance(body, Mapping) else self.get(path)


def encoded(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def part(settings: Settings, app: str) -> tuple[Release, dict[str, Any]]:
    release = next(item for item in releases_of(settings) if item.name == app)
    assert settings.librechat is not None
    return release, dict(secret_keys(app, settings.librechat, Shared.of(release.values)))


def fields_of(value: Any) -> dict[str, Any]:
    """All of it as owned, a list as one value."""
    return {f"f:{key}": fields_of(item) if isinstance(item, Mapping) else {} for key, item in value.items()}


def entry(manager: str, fields: Mapping[str, Any], moment: str = "2026-11-21T07:00:00Z") -> dict[str, Any]:
    return {"manager": manager, "time": moment, "fieldsV1": fields}


def deployed(settings: Settings, app: str) -> tuple[Server, State]:
    """A cluster and a state after an `up` of these settings."""
    release, keys = part(settings, app)
    server, state = Server(client.ApiClient(), Deadline(time.monotonic() + 60)), State()
    for item in declared_natively(release, keys).values():
        live = copy.deepcopy(item.holding(dict.fromkeys(item.keys, encoded("0123456789abcdef"))))
        body = {key: value for key, value in live.items() if key not in ("apiVersion", "kind")}
        owned = fields_of({**body, "metadata": {key: body["metadata"][key] for key in ("labels", "annotations")}})
        live["metadata"]["managedFields"] = [entry(ENGINE, owned)]
        server.objects[_path(live)] = live
        inputs = copy.deepcopy(dict(item.manifest))
        kind = "kubernetes:core/v1:Secret" if item.keys else f"kubernetes:some/v1:{live['kind']}"
        if item.keys:
            inputs["data"] = {"4dabf18193072939515e22adb298388d": "1b47", "ciphertext": "v1:abc"}
        outputs = {"metadata": copy.deepcopy(live["metadata"])}
        parent = f"urn:pulumi:prod::private-chatgpt::chat:components:X$chat:components:HelmApp::{app}"
        state.append({"type": kind, "urn": "urn", "parent": parent, "inputs": inputs, "outputs": outputs})
    return server, state


def disown(owned: dict[str, Any], fields: Mapping[str, Any]) -> None:
    """As the API server does with what somebody else changes."""
    for step, inner in fields.items():
        if inner and step in owned:
            disown(owned[step], inner)
        else:
            owned.pop(step, None)


def by_hand(server: Server, path: str, edit: Callable[[Any], None], fields: Mapping[str, Any]) -> None:
    live = server.objects[path]
    edit(live)
    disown(live["metadata"]["managedFields"][0]["fieldsV1"], fields)
    later = entry(KUBECTL, fields, "2026-11-21T08:00:00Z")
    live["metadata"]["managedFields"] = [*live["metadata"]["managedFields"], later]


def refreshed(server: Server, state: State) -> None:
    """What `pulumi refresh` does: what is live becomes the inputs, as far as they had those fields."""
    for item in state:
        manifest = {key: value for key, value in item["inputs"].items() if key != "data"}
        live = server.objects[_path(manifest)]
        item["outputs"] = {"metadata": copy.deepcopy(live["metadata"])}
        for key in item["inputs"]:
            if key == "metadata":
                item["inputs"][key]["labels"] = dict(live[key]["labels"])
            elif key != "data":
                item["inputs"][key] = copy.deepcopy(live[key])


def looked(server: Server, state: State | BackendError, settings: Settings, app: str, **report: Any) -> Report:
    asked: Future[list[Mapping[str, Any]]] = Future()
    if isinstance(state, BackendError):
        asked.set_exception(state)
    else:
        asked.set_result([*state])
    release, _ = part(settings, app)
    return _with_native(server, settings, release, Report(app, release.namespace, **report), asked)


def lines(report: Report) -> Sequence[str]:
    return [item.line() for item in report.drift]


@pytest.fixture
def before() -> Settings:
    return load_settings("prod")


@pytest.fixture
def after() -> Settings:
    return load_settings("prod", AHEAD_OF_IT)


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_what_nobody_has_deployed_yet_is_no_drift_and_heal_sends_nothing(
    app: str, before: Settings, after: Settings
) -> None:
    server, state = deployed(before, app)
    assert declared_natively(*part(after, app)) != declared_natively(*part(before, app))
    report = looked(server, state, after, app)
    assert (lines(report), report.untold) == ([], [])
    assert heal(server, report) == Healed() and server.written == []


def test_what_was_taken_out_of_the_stack_file_is_no_drift_either(before: Settings, after: Settings) -> None:
    server, state = deployed(after, "ollama")
    assert lines(looked(server, state, before, "ollama")) == []


def test_an_edit_is_healed_to_what_was_deployed_and_not_to_what_the_stack_file_says_by_now(
    before: Settings, after: Settings
) -> None:
    server, state = deployed(before, "ollama")
    path = "/api/v1/namespaces/ollama"
    deployed_level = server.objects[path]["metadata"]["labels"][ENFORCE]
    by_hand(
        server,
        path,
        lambda live: live["metadata"]["labels"].update({ENFORCE: "privileged"}),
        {"f:metadata": {"f:labels": {f"f:{ENFORCE}": {}}}},
    )
    report = looked(server, state, after, "ollama")
    (line,) = lines(report)
    assert f"privileged ({KUBECTL}" in line and f": {deployed_level} → privileged" in line
    heal(server, report)
    sent = [body["metadata"]["labels"][ENFORCE] for method, at, body in server.written if at == path]
    assert sent and set(sent) == {deployed_level} != {"baseline"}


DENY = "/apis/networking.k8s.io/v1/namespaces/ollama/networkpolicies/default-deny"


def loosened(live: Any) -> None:
    live["spec"]["ingress"] = [{}]


@pytest.mark.parametrize("noted", [False, True], ids=["as it is", "after pulumi refresh"])
def test_an_edit_that_a_refresh_has_put_into_the_state_is_drift_all_the_same(noted: bool, before: Settings) -> None:
    server, state = deployed(before, "ollama")
    by_hand(server, DENY, loosened, {"f:spec": {"f:ingress": {}}})
    if noted:
        refreshed(server, state)
    report = looked(server, state, before, "ollama")
    (line,) = lines(report)
    assert line.startswith("NetworkPolicy/default-deny spec.ingress: [] → [{}]") and KUBECTL in line
    heal(server, report)
    (sent, *_) = [body for _, at, body in server.written if at == DENY]
    assert sent["spec"]["ingress"] == []
    server.objects[DENY] = deployed(before, "ollama")[0].objects[DENY]
    again = looked(server, state, before, "ollama")
    assert lines(again) == [], "the state still holds the edit, and a second heal must not bring it back"
    assert (heal(server, again), len(again.drifted)) == (Healed(), 0)


def test_an_object_of_somebody_else_in_the_place_of_the_stacks_own_is_drift_after_a_refresh_too() -> None:
    settings = load_settings("prod", {"access": {"viewers": ["readers"]}})
    server, state = deployed(settings, "ollama")
    path = "/apis/rbac.authorization.k8s.io/v1/namespaces/ollama/rolebindings/viewers"
    live = server.objects[path]
    live["subjects"] = [{"kind": "Group", "name": "system:authenticated"}]
    live["metadata"]["managedFields"] = [entry("kubectl-create", fields_of({"subjects": [], "roleRef": {}}))]
    for noted in (False, True):
        if noted:
            refreshed(server, state)
        report = looked(server, state, settings, "ollama")
        assert ("subjects", "kubectl-create") in [(item.field, item.manager) for item in report.drift]


def test_a_deleted_guardrail_is_left_to_the_engine_where_the_stack_file_says_the_same_of_it(
    before: Settings, after: Settings
) -> None:
    server, state = deployed(before, "ollama")
    del server.objects[DENY]
    same, ahead = (looked(server, state, settings, "ollama").drifted for settings in (before, after))
    assert [(item.by_engine, item.fixed) for item in same] == [(True, "")]
    assert [(item.by_engine, item.fixed) for item in ahead] == [(False, AHEAD)]
    done = heal(server, looked(server, state, after, "ollama"))
    assert done.failed == [f"NetworkPolicy/default-deny: {AHEAD}"] and server.written == []


def test_a_rewritten_key_is_drift_of_a_secret_before_and_after_a_refresh_and_an_added_one_is_not_declared(
    before: Settings,
) -> None:
    server, state = deployed(before, "librechat")
    path = "/api/v1/namespaces/librechat/secrets/librechat-credentials"
    by_hand(
        server,
        path,
        lambda live: live["data"].update({"JWT_SECRET": encoded("edited-by-hand"), "MORE": encoded("put-by-hand")}),
        {"f:data": {"f:JWT_SECRET": {}, "f:MORE": {}}},
    )
    for look_again in (False, True):
        if look_again:
            refreshed(server, state)
        report = looked(server, state, before, "librechat")
        assert [(item.change, item.field, item.live) for item in report.drift] == [
            ("added", "data.MORE", "(not shown)"),
            ("changed", "data.JWT_SECRET", "(not shown)"),
        ]


def test_a_key_that_the_program_has_by_now_and_the_secret_does_not_is_no_drift(before: Settings) -> None:
    _, state = deployed(before, "librechat")
    release, keys = part(before, "librechat")
    more = {name: [*of_secret, "NOT_YET_DEPLOYED"] for name, of_secret in keys.items()}
    found = deployed_beside("librechat", state, declared_natively(release, more))
    assert {item.manifest["metadata"]["name"]: item.keys for item in found if item.keys} == {
        name: frozenset(of_secret) for name, of_secret in keys.items()
    }


def test_no_ciphertext_of_the_state_is_taken_for_a_value(before: Settings) -> None:
    _, state = deployed(before, "librechat")
    assert "ciphertext" in str(state)
    assert "ciphertext" not in str(deployed_beside("librechat", state, {}))


def test_how_the_provider_writes_an_object_into_the_state_is_no_change_of_it() -> None:
    def quota(spec: dict[str, Any]) -> Deployed:
        return Deployed({"kind": "ResourceQuota", "metadata": {"name": "app"}, "spec": spec})

    assert quota({"hard": {"limits.memory": "6144Mi"}, "scopes": []}).is_like(quota({"hard": {"limits.memory": "6Gi"}}))
    assert not quota({"hard": {"limits.memory": "6Gi"}}).is_like(quota({"hard": {"limits.memory": "7Gi"}}))
    assert not quota({"ingress": [{}]}).is_like(quota({"ingress": []}))


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (BackendError("no stack named 'prod' found"), "the stack's state can't be read: no stack named 'prod' found"),
        ([], "the stack's state holds none of it"),
    ],
)
def test_without_what_was_deployed_it_can_not_be_told(state: Any, why: str, before: Settings) -> None:
    server, _ = deployed(before, "ollama")
    report = looked(server, state, before, "ollama")
    assert report.untold == [f"namespace, Secrets and guardrails: {why}"]
    assert exit_code([report]) == UNKNOWN
    assert heal(server, report) == Healed() and server.written == []


def test_an_app_that_is_in_the_stack_file_only_has_no_drift(before: Settings) -> None:
    server, _ = deployed(before, "ollama")
    assert looked(server, [], before, "ollama", installed=False).untold == []
