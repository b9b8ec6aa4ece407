"""Two teams on one cluster: each has what is its own, none reaches what is the other's."""

from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes.client import CoreV1Api, SchedulingV1Api  # gitleaks:allow - it takes this for a key

from local.cluster import LocalCluster
from tests.engine.commands import run_ops
from tests.engine.kube import Revision, eventually, stored
from tests.engine.stacks import Stack
from tests.engine.teams import LIBRECHAT, OLLAMA, stacks_of

Team = dict[str, Stack]


@pytest.fixture(scope="module")
def teams(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Team]:
    """Blue and red, deployed with the same settings but for the name; green, which claims what is blue's; grey."""
    both: dict[str, Any] = {"ollama": {**OLLAMA, "priority": 1000}, "librechat": LIBRECHAT}
    files = {
        "blue": {"team": "blue", **both},
        "red": {"team": "red", **both},
        "green": {"team": "blue", **both},
        "grey": {"ollama": {**OLLAMA, "namespace": "grey-models"}},
    }
    with stacks_of(cluster, tmp_path_factory.mktemp("teams"), files) as stacks:
        for name in ("blue", "red"):
            stacks[name].up()
        yield stacks


def objects_of(stack: Stack, team: str) -> dict[str, Revision]:
    """What the cluster keeps in the team's namespaces, those themselves, and what is of the whole cluster's."""
    return {
        key: revision
        for key, revision in stored(stack.cluster).items()
        if any(part.startswith(f"{team}-") for part in key.split("/"))
    }


def test_a_team_gives_namespaces_labels_and_an_output_their_name(teams: Team) -> None:
    blue = teams["blue"]
    assert blue.output("team") == "blue"
    assert blue.output("namespaces") == {"ollama": "blue-ollama", "librechat": "blue-librechat"}
    for namespace in blue.output("namespaces").values():
        found: Any = CoreV1Api(blue.api).read_namespace(namespace)
        assert found.metadata.labels["private-chatgpt/team"] == "blue"
    listed: Any = SchedulingV1Api(blue.api).list_priority_class()
    classes = {item.metadata.name: item for item in listed.items}
    assert classes["blue-ollama-pods-1000"].metadata.labels["private-chatgpt/team"] == "blue"
    assert "red-ollama-pods-1000" in classes


def test_a_stack_that_claims_the_namespaces_of_another_is_refused_and_changes_nothing_of_theirs(teams: Team) -> None:
    before = objects_of(teams["blue"], "blue")
    assert any(key.startswith("priorityclasses/") for key in before)
    teams["green"].run("preview")
    said = teams["green"].fail("up", "--yes", "--skip-preview")
    assert (
        "The namespace blue-ollama is there, and not this stack's: it belongs to the stack blue of project "
        "private-chatgpt, of team blue. It was not changed." in said
    )
    assert "Set ollama.namespace, or team, to a name that is free on this cluster" in said
    assert objects_of(teams["blue"], "blue") == before
    made = {item["type"] for item in teams["green"].resources()}
    assert not made & {"kubernetes:core/v1:Namespace", "kubernetes:scheduling.k8s.io/v1:PriorityClass"}
    teams["green"].run("destroy", "--yes", "--skip-preview")
    assert objects_of(teams["blue"], "blue") == before


def test_a_namespace_that_somebody_made_by_hand_is_not_taken_over_either(teams: Team) -> None:
    grey, core = teams["grey"], CoreV1Api(teams["grey"].api)
    by_hand: Any = {"metadata": {"name": "grey-models", "labels": {"whose": "somebody"}}}
    core.create_namespace(by_hand)
    try:
        said = grey.fail("up", "--yes", "--skip-preview")
        assert "not this stack's: it belongs to no helm release and no stack" in said
        live: Any = core.read_namespace("grey-models")
        assert live.metadata.labels.keys() == {"whose", "kubernetes.io/metadata.name"}
    finally:
        core.delete_namespace("grey-models")


def test_make_check_tells_of_the_collision_before_anybody_deploys(teams: Team) -> None:
    done = run_ops(teams["green"], "check", named=False)
    assert done.code == 1
    assert "claims the namespaces blue-librechat, blue-ollama, as Pulumi.blue.yaml does" in done.out
    assert "Pulumi.red.yaml\n" not in done.out


def test_destroying_one_team_leaves_the_other_as_it_is(teams: Team) -> None:
    blue, red = teams["blue"], teams["red"]
    before = objects_of(blue, "blue")
    assert len(before) > len(["release", "secrets", "policies", "pods"])
    red.run("destroy", "--yes", "--skip-preview")
    assert eventually(lambda: not objects_of(red, "red"), 60)
    assert objects_of(blue, "blue") == before
    blue.run("preview", "--expect-no-changes")
