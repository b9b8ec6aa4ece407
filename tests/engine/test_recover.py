"""What a killed `up` leaves behind: a plain `up` stops before it, `recover` mends it, and the next one converges."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import AppsV1Api

from local.cluster import LocalCluster
from local.engine import PROJECT
from tests.engine.faults import claims_of
from tests.engine.interrupting import held, interruptible, kill, let_go, ops, orphans, pods, records, working
from tests.engine.kube import eventually
from tests.engine.leaks import keys_of, leaks
from tests.engine.stacks import Stack


@pytest.fixture
def fresh(cluster: LocalCluster, tmp_path: Path) -> Iterator[Stack]:
    """A stack that is not deployed yet."""
    with interruptible(cluster, tmp_path, tmp_path.name.replace("_", "-").strip("-")) as stack:
        yield stack


@pytest.fixture(scope="module")
def deployed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack; each test leaves it as it was."""
    with interruptible(cluster, tmp_path_factory.mktemp("recovered"), "recovered") as stack:
        stack.up()
        yield stack


def ollama(stack: Stack) -> Any:
    """Ollama's Deployment as it is."""
    return AppsV1Api(stack.api).read_namespaced_deployment("ollama", stack.ollama)


def test_an_install_that_was_killed_is_refused_by_up_and_mended_by_recover(fresh: Stack) -> None:
    fresh.change(held("ollama", "install"))
    kill(fresh, "ollama", "pending-install")
    assert "is currently locked" in fresh.fail("up", "--yes", "--skip-preview")
    fresh.run("cancel", "--yes")
    printed = fresh.fail("up", "--yes", "--skip-preview")
    assert "release ollama" in printed and "revision 1 is pending-install since" in printed
    assert "make recover STACK=dev" in printed
    assert {item.name for item in orphans(fresh)} >= {"pulumi-resource-kubernetes", "pulumi.dynamic"}
    kept = claims_of(fresh)
    assert set(kept) == {"ollama"}

    asked = ops(fresh, "recover")
    assert asked.returncode == 1 and "Nothing was changed" in asked.stderr, asked
    assert "helm uninstall ollama: it never was deployed; its claims stay" in asked.stdout
    assert "creating kubernetes:helm.sh/v3:Release ollama" in asked.stdout
    assert records(fresh, "ollama").is_under_way and orphans(fresh)

    mended = ops(fresh, "recover", "--yes")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert orphans(fresh) == [] and records(fresh, "ollama").latest is None
    assert claims_of(fresh) == kept
    let_go(fresh.api, "install")
    converges(fresh)
    assert claims_of(fresh)["ollama"] == kept["ollama"]


def test_an_install_whose_claims_helm_would_delete_is_taken_over_with_them(fresh: Stack) -> None:
    fresh.change(held("librechat", "take-over"))
    kill(fresh, "librechat", "pending-install")
    kept = claims_of(fresh)
    assert "librechat-images" in kept
    mended = ops(fresh, "recover", "--yes")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "its objects stay, with what librechat-images holds" in mended.stdout
    assert "no longer there" in mended.stdout, "the lock"
    # A controller may make the claim of a StatefulSet after the kill.
    assert kept.items() <= claims_of(fresh).items()
    let_go(fresh.api, "take-over")
    converges(fresh)
    assert kept.items() <= claims_of(fresh).items()


def test_an_upgrade_that_was_killed_is_rolled_back_and_nothing_of_it_stays(deployed: Stack) -> None:
    keys, kept, before = keys_of(deployed), claims_of(deployed), ollama(deployed)
    with deployed.changed(held("ollama", "upgrade")):
        kill(deployed, "ollama", "pending-upgrade")
        deployed.run("cancel", "--yes")
        printed = deployed.fail("up", "--yes", "--skip-preview")
        assert "revision 2 is pending-upgrade" in printed and "make recover STACK=dev" in printed
    assert ollama(deployed).spec.template.spec.node_selector == {"private-chatgpt.test/held": "upgrade"}

    deployed.up()
    assert ollama(deployed).spec.template.spec.node_selector, "the old program alone notices nothing"
    glance = ops(deployed, "recover", "--check")
    assert glance.returncode == 1 and "make recover STACK=dev" in glance.stderr, glance

    mended = ops(deployed, "recover", "--yes")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "helm rollback ollama to revision 1" in mended.stdout
    after = ollama(deployed)
    assert after.spec.template.spec == before.spec.template.spec
    managers = {item.manager for item in after.metadata.managed_fields}
    assert managers == {item.manager for item in before.metadata.managed_fields}, "helm wrote under the release's name"
    converges(deployed)
    assert claims_of(deployed) == kept and keys_of(deployed) == keys
    assert leaks(keys, {"printed": "\n".join(deployed.printed).encode()}) == []


def test_an_upgrade_that_an_orphan_brought_to_its_end_is_taken_back_to_what_the_engine_knows(deployed: Stack) -> None:
    revision = records(deployed, "ollama").revisions[-1].number
    with deployed.changed(held("ollama", "orphan")):
        kill(deployed, "ollama", "pending-upgrade")
    let_go(deployed.api, "orphan")
    eventually(lambda: not records(deployed, "ollama").is_under_way, 60)
    latest = records(deployed, "ollama").latest
    assert latest and (latest.number, latest.status) == (revision + 1, "deployed")

    mended = ops(deployed, "recover", "--yes")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert f"helm rollback ollama to revision {revision}" in mended.stdout
    assert ollama(deployed).spec.template.spec.node_selector is None
    drift = ops(deployed, "drift")
    assert drift.returncode == 0, drift.stdout + drift.stderr
    converges(deployed)


def test_a_stack_that_somebody_works_on_is_left_alone(deployed: Stack) -> None:
    with deployed.changed(held("ollama", "alive")):
        with working(deployed, "ollama", "pending-upgrade") as engine:
            assert ops(deployed, "recover", "--check").returncode == 0, "the engine itself tells of the lock"
            refused = ops(deployed, "recover", "--yes", "--break-lock")
            assert refused.returncode == 1, refused.stdout
            assert f"process {engine} of" in refused.stderr and "still running" in refused.stderr
            assert records(deployed, "ollama").is_under_way and not orphans(deployed)
        assert ops(deployed, "recover", "--yes").returncode == 0
    converges(deployed)


def test_what_was_made_without_the_engine_having_noted_it_is_noted(deployed: Stack) -> None:
    # `pulumi stack import` would strike what is pending.
    file = deployed.engine.state_dir / ".pulumi" / "stacks" / PROJECT / "dev.json"
    checkpoint = json.loads(file.read_text())
    state = checkpoint["checkpoint"]["latest"]
    (release,) = [item for item in state["resources"] if item["urn"].endswith("Release::librechat")]
    below = [
        item for item in state["resources"] if release["urn"] in (item.get("parent"), *item.get("dependencies", ()))
    ]
    state["resources"] = [item for item in state["resources"] if item not in [release, *below]]
    state["pending_operations"] = [
        {"type": "creating", "resource": {key: value for key, value in release.items() if key not in ("id", "outputs")}}
    ]
    file.write_text(json.dumps(checkpoint))
    before = [pod.metadata.uid for pod in pods(deployed, "librechat")]

    mended = ops(deployed, "recover", "--yes")
    assert mended.returncode == 0, mended.stdout + mended.stderr
    assert "1 noted as there" in mended.stdout
    converges(deployed)
    assert [pod.metadata.uid for pod in pods(deployed, "librechat")] == before


def test_what_can_not_be_told_is_not_mended(deployed: Stack, tmp_path: Path) -> None:
    absent = ops(deployed, "recover", "--yes", "--kubeconfig", str(tmp_path / "absent"))
    assert absent.returncode == 2 and "Could not tell" in absent.stderr
    with interruptible(deployed.cluster, tmp_path / "other", "nowhere") as other:
        other.run("stack", "rm", "--yes", "--preserve-config")
        unknown = ops(other, "recover", "--yes")
    assert unknown.returncode == 2 and "no stack named" in unknown.stderr


def converges(stack: Stack) -> None:
    """A plain `up` ends well, and there is nothing more to do or to mend."""
    stack.up()
    assert stack.changes() == {}
    for app in ("ollama", "librechat"):
        latest = records(stack, app).latest
        assert latest is not None and latest.status == "deployed"
    nothing = ops(stack, "recover")
    assert nothing.returncode == 0 and "nothing to mend" in nothing.stdout, nothing.stdout + nothing.stderr
