"""No pod of the apps gets a token of the Kubernetes API, or rights there, whatever Helm values say."""

from __future__ import annotations

from typing import Any

import pytest

from components.faults import SettingsError
from tests.unit.deployment import load_settings
from tests.unit.guardrails.test_chart_values import fault

TOKEN = {"automountServiceAccountToken": True}
IRSA = {"annotations": {"eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/chat"}}


@pytest.mark.parametrize(
    ("app", "values", "found", "allowed"),
    [
        *(
            (app, {"serviceAccount": {key: value}}, f"serviceAccount.{key} found {shown}", allowed)
            for app in ("ollama", "librechat")
            for key, value, shown, allowed in (
                ("automount", True, "true", "false"),
                ("automount", None, "null", "false"),
                ("create", False, "false", "true"),
                ("create", None, "null", "true"),
            )
        ),
        ("librechat", {"mongodb": TOKEN}, "mongodb.automountServiceAccountToken found true", "false"),
        ("librechat", {"mongodb": {"arbiter": TOKEN}}, "mongodb.arbiter.automountServiceAccountToken", "false"),
        ("librechat", {"mongodb": {"hidden": TOKEN}}, "mongodb.hidden.automountServiceAccountToken", "false"),
        ("librechat", {"mongodb": {"serviceAccount": TOKEN}}, "mongodb.serviceAccount.automountServiceAc", "false"),
        ("librechat", {"mongodb": {"rbac": {"create": True}}}, "mongodb.rbac.create found true", "false"),
        ("librechat", {"redis": {"master": TOKEN}}, "redis.master.automountServiceAccountToken found true", "false"),
        ("librechat", {"redis": {"rbac": {"create": True}}}, "redis.rbac.create found true", "false"),
        ("librechat", {"meilisearch": {"serviceAccount": {"create": True}}}, "meilisearch.serviceAccount.cr", "false"),
        (
            "librechat",
            {"meilisearch": {"serviceAccount": {"name": "default"}}},
            'meilisearch.serviceAccount.name found "default"',
            '"meilisearch"',
        ),
    ],
)
def test_values_that_give_a_pod_a_token_or_rights_are_an_error(
    app: str, values: dict[str, Any], found: str, allowed: str
) -> None:
    text = fault("ha", app, values)
    assert text.startswith(f"Pulumi.ha.yaml: {app}.values: {found}")
    assert f"; allowed: {allowed}. Drop it; a cloud's identity needs serviceAccount.annotations alone" in text


def volumes(**token: Any) -> list[Any]:
    """A volume with a token."""
    return [{"name": "token", "projected": {"sources": [{"serviceAccountToken": {"path": "token", **token}}]}}]


@pytest.mark.parametrize(
    ("app", "values", "at"),
    [
        ("ollama", {"volumes": volumes()}, "volumes"),
        ("librechat", {"mongodb": {"extraVolumes": volumes()}}, "mongodb.extraVolumes"),
    ],
)
def test_a_token_in_a_volume_is_an_error_unless_it_is_for_somebody_else(
    app: str, values: dict[str, Any], at: str
) -> None:
    text = fault("dev", app, values)
    assert text.startswith(f"Pulumi.dev.yaml: {app}.values: {at}.0.projected.sources.0.serviceAccountToken found ")
    assert "allowed: an audience of its own" in text
    load_settings("dev", {"librechat": {"values": {"volumes": volumes(audience="vault")}}})


@pytest.mark.parametrize(
    ("app", "values", "place"),
    [
        ("ollama", {"extraObjects": [{"kind": "RoleBinding"}]}, "extraObjects.0 found"),
        ("librechat", {"mongodb": {"extraDeploy": ["kind: ClusterRoleBinding\n"]}}, "mongodb.extraDeploy.0 found"),
    ],
)
def test_a_binding_among_further_objects_is_an_error(app: str, values: dict[str, Any], place: str) -> None:
    text = fault("dev", app, values)
    assert place in text
    assert text.endswith("allowed: other kinds. Drop it; groups of people get their rights by access")


@pytest.mark.parametrize(
    ("app", "values"),
    [
        ("ollama", {"serviceAccount": IRSA}),
        ("librechat", {"serviceAccount": {"create": True, "automount": False, **IRSA}}),
        ("librechat", {"mongodb": {"automountServiceAccountToken": None, "rbac": {"create": False}}}),
        ("librechat", {"mongodb": {"serviceAccount": {"create": False}}}),
        ("librechat", {"redis": {"enabled": False, "master": TOKEN}}),
        ("ollama", {"extraObjects": [{"kind": "ConfigMap"}]}),
    ],
    ids=["a cloud's identity", "as it is by default", "taken away", "no account", "a part that is off", "no binding"],
)
def test_accounts_that_give_nothing_are_let_through(app: str, values: dict[str, Any]) -> None:
    load_settings("dev", {app: {"values": values}})


def test_an_account_of_another_shape_is_an_error_and_no_traceback() -> None:
    for app in ("ollama", "librechat"):
        with pytest.raises(SettingsError):
            load_settings("dev", {app: {"values": {"serviceAccount": 5}}})
