"""Check `podSecurity`; tests/engine/test_preflight_admission.py holds the same specs against a real API server."""

from __future__ import annotations

from typing import Any

import pytest

from components.guardrails.objects import ENFORCE
from ops.preflight_checks.findings import CouldNotTellError, Result
from ops.preflight_checks.manifests import Pods
from ops.preflight_checks.pod_security import pod_security, violations
from ops.preflight_checks.view import Unreadable
from tests.unit.ops.pod_specs import ALLOWED_BY, SPECS, hardened
from tests.unit.ops.preflight_views import LABELS, NAMESPACE, failed, release, view, workload


@pytest.mark.parametrize("name", SPECS)
@pytest.mark.parametrize("level", ["baseline", "restricted"])
def test_a_level_refuses_what_it_has_to_refuse(name: str, level: str) -> None:
    annotations, spec = SPECS[name]
    found = list(violations(Pods("Pod it", spec, annotations=annotations), level))
    assert (not found) is (level in ALLOWED_BY.get(name, ())), found


def test_a_spec_breaks_one_rule_at_most() -> None:
    assert len(SPECS) > 30
    for name, (notes, spec) in SPECS.items():
        found = list(violations(Pods("Pod it", spec, annotations=notes), "restricted"))
        # The API server refuses a privileged container that may not escalate, whatever the level.
        assert len(found) <= 1 + name.startswith("privileged"), found


def test_an_unmasked_proc_is_refused_where_users_are_those_of_the_node() -> None:
    spec = {"containers": [{"name": "main", "securityContext": {"procMount": "Unmasked"}}]}
    assert list(violations(Pods("Pod it", spec), "baseline")) == ["container main: procMount is Unmasked"]


def labelled(level: str) -> dict[str, Any]:
    return {"metadata": {"name": "ollama", "labels": {**LABELS, ENFORCE: level}}}


BARE = workload(containers=[{"name": "ollama"}])


def test_a_refusal_names_the_level_the_workload_and_each_reason() -> None:
    (text,) = failed(list(pod_security(view(BARE, namespace=labelled("restricted")))))
    assert text == (
        "the level restricted of namespace ollama refuses the pods of Deployment ollama: "
        "container ollama: allowPrivilegeEscalation is not false; container ollama: capabilities.drop lacks ALL; "
        "container ollama: seccompProfile is not RuntimeDefault or Localhost; "
        "container ollama: runAsNonRoot is not true"
    )


@pytest.mark.parametrize("namespace", [None, NAMESPACE, labelled("baseline")])
def test_the_label_that_the_stack_gives_to_its_namespace_counts(namespace: Any) -> None:
    strict = release(namespace_labels={ENFORCE: "restricted"})
    (said,) = pod_security(view(BARE, of=strict, namespace=namespace))
    assert said.result is Result.FAILED and said.cure.endswith("(ollama.podSecurity)")
    lenient = release(namespace_labels={ENFORCE: "privileged"})
    assert not failed(list(pod_security(view(BARE, of=lenient, namespace=labelled("restricted")))))


def test_without_a_level_or_within_it_nothing_is_refused() -> None:
    (said,) = pod_security(view(BARE))
    assert said.text == "the namespace ollama sets no level (a cluster's own default can't be seen)"
    (said,) = pod_security(view(BARE, namespace=labelled("baseline")))
    assert said.text == "the namespace ollama enforces baseline, and the pods keep to it"
    (said,) = pod_security(view(workload(**hardened()), namespace=labelled("restricted")))
    assert said.result is Result.OK


def test_a_level_that_is_not_known_or_may_not_be_read_is_not_judged() -> None:
    for namespace in (labelled("strict"), Unreadable("not allowed")):
        with pytest.raises(CouldNotTellError):
            list(pod_security(view(BARE, namespace=namespace)))
