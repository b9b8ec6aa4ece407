"""`pulumi destroy` takes all or nothing, and says which."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from local.cluster import LocalCluster
from tests.engine.kube import at_rest, eventually, stored, stored_in, volume_paths
from tests.engine.leaks import files, keys_of, leaks, printed
from tests.engine.stacks import Stack, beside, stack_on


def test_a_protected_stack_refuses_to_be_destroyed_and_says_what_to_do(prod: Stack) -> None:
    at_rest(prod.cluster)
    before = everything(prod)
    said = prod.fail("destroy", "--yes", "--skip-preview")
    assert "cannot be deleted" in said and "because it is protected" in said
    assert "remove the `protect` flag" in said and "run `pulumi up`" in said
    assert everything(prod) == before


def test_leaving_out_what_is_protected_leaves_everything(prod: Stack) -> None:
    at_rest(prod.cluster)
    before = everything(prod)
    said = prod.run("destroy", "--yes", "--skip-preview", "--exclude-protected").stdout
    assert "There were no unprotected resources to destroy" in said
    assert "protected resources associated with this stack" in said
    assert everything(prod) == before


def test_keys_namespaces_and_releases_are_protected_in_prod_alone(dev: Stack, prod: Stack) -> None:
    def protected(stack: Stack) -> set[str]:
        return {item["type"] for item in stack.resources() if item.get("protect")}

    kinds = {
        "kubernetes:core/v1:Namespace",
        "kubernetes:core/v1:ResourceQuota",
        "kubernetes:helm.sh/v3:Release",
        "pulumi-python:dynamic:ReleaseGuard",
        "random:index/randomPassword:RandomPassword",
    }
    assert protected(prod) == kinds
    assert all(item["protect"] for item in prod.resources() if item["type"] in kinds)
    assert protected(dev) == set()


def test_after_the_explicit_step_nothing_is_left_but_the_history(cluster: LocalCluster, tmp_path: Path) -> None:
    before = stored(cluster).keys()
    with stack_on(cluster, tmp_path / "gone", settings={**beside("gone"), "protect": True}) as stack:
        paths_before = volume_paths(stack.api)
        stack.up()
        keys = keys_of(stack)
        volumes = {Path(path) for path in volume_paths(stack.api) - paths_before}
        assert len(volumes) == len(["models", "images", "database", "search index"])
        deployed = stored(cluster).keys()
        assert "because it is protected" in stack.fail("destroy", "--yes", "--skip-preview")
        assert stored(cluster).keys() == deployed
        assert all(volume.is_dir() for volume in volumes)

        stack.change({"protect": False})
        stack.up()
        assert stored(cluster).keys() == deployed
        stack.run("destroy", "--yes", "--skip-preview", "--diff")
        assert eventually(lambda: not stored(cluster).keys() - before)
        assert eventually(lambda: not any(volume.exists() for volume in volumes))
        assert stack.resources() == []
        assert leaks(keys, printed(stack.printed) | files(stack)) == []


def everything(stack: Stack) -> tuple[Mapping[str, Any], list[str]]:
    """Every object of the stack's namespaces, with its revision, and every resource of its state."""
    objects = stored_in(stack.cluster, stack.ollama) | stored_in(stack.cluster, stack.librechat)
    return objects, sorted(item["urn"] for item in stack.resources())
