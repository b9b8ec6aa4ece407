"""What the engine itself says of an edit inside a release, and does about it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from local.engine import PROJECT
from ops.diagnosis.objects import name
from tests.engine.commands import unreachable
from tests.engine.editing import Hand, asked, container
from tests.engine.kube import eventually
from tests.engine.stacks import Stack, beside, name_of, stack_on, type_of

OLLAMA = "apps/v1/deployments/ollama"
GUARD = "pulumi-python:dynamic:ReleaseGuard"
NO_CHANGES = ("preview", "--refresh", "--expect-no-changes")


@pytest.fixture(scope="module")
def guarded(cluster: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack_on(cluster, tmp_path_factory.mktemp("guarded"), settings=beside("guarded")) as stack:
        stack.up()
        yield stack


@pytest.fixture
def hand(guarded: Stack) -> Iterator[Hand]:
    with asked(guarded.cluster) as api:
        yield Hand(api, guarded.ollama)


def guards(stack: Stack) -> dict[str, dict[str, Any]]:
    return {name_of(item["urn"]): item for item in stack.resources() if type_of(item["urn"]) == GUARD}


def test_what_was_just_deployed_has_no_drift(guarded: Stack) -> None:
    assert guards(guarded).keys() == {"ollama", "librechat"}
    guarded.run(*NO_CHANGES)


def test_the_state_file_grows_by_less_than_three_kilobytes_for_each_guard(guarded: Stack) -> None:
    file = guarded.engine.state_dir / ".pulumi" / "stacks" / PROJECT / f"{guarded.name}.json"
    with_guards = file.stat().st_size
    entries = [len(json.dumps(guard)) for guard in guards(guarded).values()]
    with guarded.changed({"drift.guard": False}):
        guarded.up()
        assert guards(guarded) == {}
        growth = (with_guards - file.stat().st_size) / len(entries)
    guarded.up()
    print(f"bytes of the state file for each guard: {growth:.0f}, of its own entry: {entries}")
    assert max(entries) < growth < 3000


def test_the_process_of_the_guards_is_given_nothing_of_the_stacks_config(guarded: Stack) -> None:
    (provider,) = [item for item in guarded.resources() if item["type"] == "pulumi:providers:pulumi-python"]
    assert not {*(provider.get("inputs") or {}), *(provider.get("outputs") or {})} - {"__internal"}


def test_nothing_waits_for_a_guard(guarded: Stack) -> None:
    urns = {guard["urn"] for guard in guards(guarded).values()}
    assert len(urns) == 2
    assert not [item["urn"] for item in guarded.resources() if urns & set(item.get("dependencies") or ())]


def test_an_edit_inside_a_release_is_a_change_that_up_undoes(guarded: Stack, hand: Hand) -> None:
    hand.patch(OLLAMA, container("ollama", env=[{"name": "API_TOKEN", "value": "sk-not-to-be-seen"}]), "kubectl-set")
    hand.patch(OLLAMA, container("ollama", image="someone/else:1"), "kubectl-set")
    field = "spec.template.spec.containers[ollama]"
    said = guarded.fail(*NO_CHANGES, "--diff")
    assert f"Deployment/ollama {field}.env[API_TOKEN]: added" in said
    assert f"Deployment/ollama {field}.image: ollama/ollama:0.32.15 → someone/else:1 (kubectl-set" in said
    assert "no changes were expected" in said

    guarded.up("--refresh")
    live = hand.get(OLLAMA)["spec"]["template"]["spec"]["containers"][0]
    assert live["image"] == "ollama/ollama:0.32.15"
    assert [item["name"] for item in live["env"]] == ["OLLAMA_HOST", "HOME"]
    guarded.run(*NO_CHANGES)
    outputs = guards(guarded)["ollama"]["outputs"]
    assert outputs["drift"] == []
    assert [line.partition(" (kubectl-set")[0] for line in outputs["healed"]] == [
        f"Deployment/ollama {field}.image someone/else:1 → ollama/ollama:0.32.15",
        f"Deployment/ollama {field}.env[API_TOKEN] taken away",
    ]
    assert "sk-not-to-be-seen" not in json.dumps(guarded.resources()) + "".join(guarded.printed)


def test_a_refresh_remembers_what_it_saw_and_the_next_up_heals_it(guarded: Stack, hand: Hand) -> None:
    hand.delete("v1/services/ollama")
    guarded.run("refresh", "--yes", "--skip-preview")
    assert guards(guarded)["ollama"]["outputs"]["drift"] == ["Service/ollama deleted (unknown)"]
    assert f"update {GUARD} ollama" in guarded.changes()
    guarded.up()
    assert hand.is_there("v1/services/ollama")
    guarded.run(*NO_CHANGES)


def test_an_object_made_by_hand_is_shown_but_up_leaves_it_alone(guarded: Stack, hand: Hand) -> None:
    hand.create("v1/configmaps/by-hand", {"data": {"a": "b"}})
    assert "ConfigMap/by-hand not ours, created by hand (kubectl-create" in guarded.fail(*NO_CHANGES, "--diff")
    guarded.up("--refresh")
    assert hand.is_there("v1/configmaps/by-hand")
    hand.delete("v1/configmaps/by-hand")
    guarded.up("--refresh")
    guarded.run(*NO_CHANGES)


def test_a_field_that_the_stack_file_excepts_is_neither_shown_nor_healed(guarded: Stack, hand: Hand) -> None:
    excepted = {"object": "Deployment/ollama", "field": "spec.replicas", "reason": "scaled at night by somebody else"}
    with guarded.changed({"drift.except": [excepted]}):
        guarded.up()
        hand.scale(OLLAMA, 2)
        guarded.run(*NO_CHANGES)
        hand.patch(OLLAMA, container("ollama", image="someone/else:1"), "kubectl-set")
        guarded.up("--refresh")
        spec = hand.get(OLLAMA)["spec"]
        assert (spec["replicas"], spec["template"]["spec"]["containers"][0]["image"]) == (2, "ollama/ollama:0.32.15")
    guarded.up("--refresh")
    assert hand.get(OLLAMA)["spec"]["replicas"] == 1


def test_a_stack_without_a_guard_is_as_it_was_before(guarded: Stack) -> None:
    with guarded.changed({"drift.guard": False}):
        gone = {f"{GUARD} ollama", f"{GUARD} librechat", "pulumi:providers:pulumi-python guards"}
        assert set(guarded.changes()) == {f"delete {item}" for item in gone}


def test_a_protected_stack_says_how_to_take_the_guards_away(guarded: Stack) -> None:
    with guarded.changed({"protect": True}):
        guarded.up()
        with guarded.changed({"protect": True, "drift.guard": False}):
            said = guarded.fail("up", "--yes", "--skip-preview")
            for guard in guards(guarded).values():
                assert "cannot be deleted" in said and guard["urn"] in said
                guarded.run("state", "unprotect", guard["urn"], "--yes")
            guarded.up()
            assert guards(guarded) == {}
        guarded.up()
    guarded.up()
    assert guards(guarded).keys() == {"ollama", "librechat"}


def test_a_release_that_somebody_uninstalled_comes_back_with_its_guard(guarded: Stack, hand: Hand) -> None:
    line = ("helm", "--kubeconfig", str(guarded.cluster.kubeconfig), "--namespace", guarded.ollama)
    subprocess.run((*line, "uninstall", "ollama"), check=True, capture_output=True)
    guarded.up("--refresh")
    assert hand.is_there(OLLAMA)
    assert guards(guarded)["ollama"]["outputs"]["drift"] == []
    guarded.run(*NO_CHANGES)


def test_a_namespace_that_somebody_deleted_comes_back_with_all_that_was_in_it(guarded: Stack, hand: Hand) -> None:
    secret = f"/api/v1/namespaces/{guarded.librechat}/secrets/librechat-credentials"
    before = hand.api.get(secret)["data"]
    hand.api.send("DELETE", f"/api/v1/namespaces/{guarded.librechat}")
    eventually(lambda: guarded.librechat not in [name(item) for item in hand.api.items("/api/v1/namespaces")], 60)
    guarded.up("--refresh")
    assert hand.api.get(secret)["data"] == before
    guarded.run(*NO_CHANGES)


def test_a_cluster_that_does_not_answer_is_no_clean_release(guarded: Stack) -> None:
    with unreachable(guarded):
        guarded.run("preview", "--expect-no-changes")
        guarded.fail(*NO_CHANGES)
    guarded.run(*NO_CHANGES)
