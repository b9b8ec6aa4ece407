"""Whether a stack may take a namespace, by whose it is already."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client
from urllib3.exceptions import MaxRetryError

from ops import namespace_owner
from ops.namespace_owner import namespace_refusal

OURS = {"private-chatgpt/project": "private-chatgpt", "private-chatgpt/stack": "red"}
THEIRS = {**OURS, "private-chatgpt/stack": "blue", "private-chatgpt/team": "blue"}
BY_HAND = {"whose": "somebody"}


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the cluster answers: `namespace`, or `error`."""
    answer: dict[str, Any] = {}

    class Core:
        def __init__(self, api: Any) -> None:
            self.api = api

        def read_namespace(self, name: str, **_: Any) -> Any:
            if "error" in answer:
                raise answer["error"]
            return {"metadata": {"name": name, **answer["namespace"]}}

    @contextlib.contextmanager
    def connect(context: str) -> Iterator[client.ApiClient]:
        with client.ApiClient(client.Configuration()) as api:
            yield api

    monkeypatch.setattr(client, "CoreV1Api", Core)
    monkeypatch.setattr(namespace_owner, "connect", connect)
    return answer


def refusal(*, adopt: bool = False) -> str | None:
    return namespace_refusal("prod", "chat", "librechat", OURS, adopt=adopt)


def test_a_namespace_that_is_not_there_is_free(live: dict[str, Any]) -> None:
    live["error"] = client.ApiException(status=404)
    assert refusal() is None


def test_the_stack_s_own_namespace_is_taken_up_again(live: dict[str, Any]) -> None:
    live["namespace"] = {"labels": OURS}
    assert refusal() is None


@pytest.mark.parametrize("adopt", [False, True])
def test_another_stack_s_namespace_is_refused_whatever_is_switched_off(live: dict[str, Any], adopt: bool) -> None:
    live["namespace"] = {"labels": THEIRS}
    assert refusal(adopt=adopt) == (
        "The namespace chat is there, and not this stack's: it belongs to the stack blue of project private-chatgpt, "
        "of team blue. It was not changed.\n  Set librechat.namespace, or team, to a name that is free on this "
        "cluster, or have that namespace deleted if nobody needs it."
    )


@pytest.mark.parametrize("adopt", [False, True])
@pytest.mark.parametrize(
    ("theirs", "ours", "whose"),
    [
        ({"private-chatgpt/team": "blue"}, {"private-chatgpt/team": "green"}, ", of team blue."),
        ({"private-chatgpt/team": "blue"}, {}, ", of team blue."),
        ({}, {"private-chatgpt/team": "green"}, ", of no team."),
    ],
)
def test_a_stack_of_the_same_name_in_another_team_is_another_stack(
    live: dict[str, Any], theirs: dict[str, str], ours: dict[str, str], whose: str, adopt: bool
) -> None:
    live["namespace"] = {"labels": OURS | theirs}
    said = str(namespace_refusal("prod", "chat", "librechat", OURS | ours, adopt=adopt))
    assert f"it belongs to the stack red of project private-chatgpt{whose} It was not changed" in said
    live["namespace"] = {"labels": OURS | ours}
    assert namespace_refusal("prod", "chat", "librechat", OURS | ours, adopt=adopt) is None


@pytest.mark.parametrize("labels", [BY_HAND, None])
def test_a_namespace_made_by_hand_is_refused_unless_the_check_of_names_is_off(
    live: dict[str, Any], labels: Any
) -> None:
    live["namespace"] = {"labels": labels}
    assert "it belongs to no helm release and no stack" in str(refusal())
    assert refusal(adopt=True) is None


def test_a_namespace_on_its_way_out_is_waited_for(live: dict[str, Any]) -> None:
    live["namespace"] = {"labels": OURS, "deletionTimestamp": "2026-11-21T12:00:00Z"}
    assert "is being deleted: wait until it is gone" in str(refusal())


def test_whoever_may_not_look_may_not_take(live: dict[str, Any]) -> None:
    live["error"] = client.ApiException(status=403, reason="Forbidden")
    assert "Whose the namespace chat is can't be told" in str(refusal(adopt=True))


def test_of_a_cluster_that_does_not_answer_the_engine_will_say_so(live: dict[str, Any]) -> None:
    live["error"] = MaxRetryError(None, "/api")  # type: ignore[arg-type]
    assert refusal() is None
