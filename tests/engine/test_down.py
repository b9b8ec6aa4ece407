"""`make down` of a stack says what would be lost, and refuses where the stack is protected."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster import LocalCluster
from tests.engine.interrupting import interruptible, ops
from tests.engine.kube import at_rest, eventually, stored, stored_in
from tests.engine.leaks import keys_of, leaks
from tests.engine.stacks import Stack


@pytest.fixture(scope="module")
def stack(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A protected stack."""
    with interruptible(cluster, tmp_path_factory.mktemp("down"), "down", {"protect": True}) as stack:
        stack.up()
        yield stack


def test_a_protected_stack_is_refused_with_what_would_be_lost_and_the_step_that_allows_it(stack: Stack) -> None:
    at_rest(stack.cluster)
    before = stored_in(stack.cluster, stack.ollama) | stored_in(stack.cluster, stack.librechat)
    said = ops(stack, "down")
    assert said.returncode == 1
    assert "pulumi config set private-chatgpt:protect false --stack dev && pulumi up --stack dev" in said.stderr
    for namespace in (stack.ollama, stack.librechat):
        assert f"namespace {namespace}, with everything in it" in said.stdout
    assert "claim ollama, 5Gi: its volume and what it holds are deleted" in said.stdout
    assert (
        'Helm will say that ollama, librechat-meilisearch "were kept": by helm, yes; the namespace then takes'
        in said.stdout
    )
    assert "librechat-creds-key" in said.stdout
    assert stored_in(stack.cluster, stack.ollama) | stored_in(stack.cluster, stack.librechat) == before
    assert leaks(keys_of(stack), {"printed": (said.stdout + said.stderr).encode()}) == []


def test_every_claim_of_the_stack_is_named_for_programs(stack: Stack) -> None:
    told = json.loads(ops(stack, "down", "--json").stdout)
    held = [key for key in stored(stack.cluster) if key.startswith("persistentvolumeclaims/")]
    assert {f"persistentvolumeclaims/{item['namespace']}/{item['name']}" for item in told["claims"]} == {
        key for key in held if key.split("/")[1] in told["namespaces"]
    }
    assert told["protect"] is True and len(told["keys"]) == 8 and told["protected"] >= 12


def test_a_protected_stack_whose_cluster_is_away_is_refused_all_the_same(stack: Stack, tmp_path: Path) -> None:
    said = ops(stack, "down", "--kubeconfig", str(tmp_path / "absent"))
    assert said.returncode == 1
    assert "Could not tell what would be lost" in said.stderr and "protect false" in said.stderr


def test_after_the_step_it_may_go_and_what_was_said_is_what_happens(stack: Stack) -> None:
    stack.change({"protect": False})
    early = ops(stack, "down")
    assert early.returncode == 1 and "protected resources" in early.stderr and "pulumi up --stack dev" in early.stderr
    stack.up()
    assert ops(stack, "down").returncode == 0
    stack.run("destroy", "--yes", "--skip-preview")
    gone = (stack.ollama, stack.librechat)
    assert eventually(lambda: not any(stored_in(stack.cluster, namespace) for namespace in gone))
    assert "nothing of value would be lost" in ops(stack, "down").stdout
