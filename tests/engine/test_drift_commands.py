"""`python -m ops drift` and `heal`, as people and programs run them: what they print, do and exit with."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from components.loading import PROJECT_DIR
from local.up import STAND_INS
from ops.diagnosis.history import records_of
from ops.drift_reading.healing import heal
from ops.drift_reading.reading import read_release
from tests.engine.commands import drift_fields, run_ops, unreachable
from tests.engine.editing import Hand, container
from tests.engine.kube import at_rest, stored, stored_in
from tests.engine.stacks import Stack

OLLAMA = "apps/v1/deployments/ollama"
CONFIG = "v1/configmaps/librechat-configenv"
SECRET = "v1/secrets/librechat-credentials"
NO_CHANGES = ("preview", "--refresh", "--expect-no-changes")
CLEAN, UNKNOWN, DRIFT = 0, 1, 2


@pytest.fixture(autouse=True)
def _undone(hands: tuple[Hand, Hand]) -> Iterator[None]:
    """No test leaves an edit to the next one."""
    yield
    for hand, release in zip(hands, ("ollama", "librechat"), strict=True):
        done = heal(hand.api, read_release(hand.api, release, hand.namespace), prune=True)
        assert not done.failed


def test_a_stack_as_declared_is_clean_and_nothing_is_healed(commanded: Stack) -> None:
    before = at_rest(commanded.cluster)
    answer = run_ops(commanded, "drift")
    assert (answer.code, answer.err) == (CLEAN, "")
    assert re.fullmatch(r"Stack dev: no drift in \d\d objects \(\d+\.\d s, nothing was changed\)\n", answer.out)
    answer = run_ops(commanded, "heal")
    assert answer.code == CLEAN and "healed" not in answer.out
    assert stored(commanded.cluster) == before


def test_drift_is_a_table_of_all_releases_or_of_one_and_writes_nothing(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    hands[0].scale(OLLAMA, 2)
    hands[1].patch(CONFIG, {"data": {"APP_TITLE": "Mine"}}, "kubectl-edit")
    before = stored_in(commanded.cluster, commanded.librechat), hands[0].get(OLLAMA)["spec"]
    answer = run_ops(commanded, "drift")
    assert answer.code == DRIFT
    for word in ("Declared", "Live", "Who and when", "spec.replicas", "data.APP_TITLE", "Mine", "kubectl-edit"):
        assert word in answer.out
    assert "2 drift in" in answer.out
    assert (stored_in(commanded.cluster, commanded.librechat), hands[0].get(OLLAMA)["spec"]) == before
    assert drift_fields(commanded, "--release", "ollama") == [("Deployment/ollama", "spec.replicas", "kubectl")]
    healed = run_ops(commanded, "heal", "--release", "librechat", "--json")
    assert healed.code == CLEAN
    (line,) = json.loads(healed.out)["healed"]
    assert line.startswith("ConfigMap/librechat-configenv data.APP_TITLE Mine → ")
    assert drift_fields(commanded) == [("Deployment/ollama", "spec.replicas", "kubectl")]


def test_a_dry_run_shows_the_patch_and_does_nothing(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    hands[0].patch(OLLAMA, container("ollama", env=[{"name": "FOO", "value": "bar"}]), "kubectl-set")
    hands[0].scale(OLLAMA, 2)
    hands[1].delete(CONFIG)
    hands[1].create("v1/configmaps/by-hand", {"data": {"a": "b"}})
    before = hands[0].get(OLLAMA)["spec"]
    answer = run_ops(commanded, "heal", "--dry-run")
    assert answer.code == DRIFT
    patch = answer.out[answer.out.index("would heal") :].splitlines()
    assert patch == [
        f"would heal: Deployment/ollama (namespace {commanded.ollama})",
        "  - spec.replicas: 2",
        "  + spec.replicas: 1",
        '  - spec.template.spec.containers[ollama].env[FOO]: {"name": "FOO", "value": "bar"}',
        f"would heal: ConfigMap/librechat-configenv (namespace {commanded.librechat})",
        "  + the whole object",
        "would leave alone: ConfigMap/by-hand (created by kubectl-create)",
    ]
    assert hands[0].get(OLLAMA)["spec"] == before
    assert not hands[1].is_there(CONFIG) and hands[1].is_there("v1/configmaps/by-hand")


@pytest.mark.parametrize("by_engine", [False, True], ids=["heal", "pulumi up --refresh"])
def test_what_was_healed_leaves_the_engine_nothing_to_do_and_stands_in_the_history(
    commanded: Stack, hands: tuple[Hand, Hand], by_engine: bool
) -> None:
    began = datetime.now(UTC)
    hands[0].scale(OLLAMA, 3)
    commanded.fail(*NO_CHANGES)
    if by_engine:
        commanded.run("up", "--yes", "--refresh")
    else:
        answer = run_ops(commanded, "heal")
        assert answer.code == CLEAN, answer
        assert answer.out.startswith("healed: Deployment/ollama spec.replicas 3 → 1 (kubectl")
    assert hands[0].get(OLLAMA)["spec"]["replicas"] == 1
    commanded.run(*NO_CHANGES)
    history = json.loads(run_ops(commanded, "history", "--json").out)["releases"]["ollama"]
    said = next(entry["helm"]["description"] for entry in history if entry["helm"])
    (when,) = re.findall(r"Healed (20[^ ]+Z): Deployment/ollama spec\.replicas 3 → 1 \(kubectl", said)[-1:]
    assert began - timedelta(seconds=1) <= datetime.fromisoformat(when) <= datetime.now(UTC)
    (update,) = [entry["update"] for entry in history if entry["update"] and entry["when"] > began.isoformat()]
    if by_engine:
        assert update["changes"]["update"] == 1
    else:
        assert update["kind"] == "refresh" and "update" not in update["changes"]
        assert re.match(
            r"heal, asked for by [^:]+: Deployment/ollama spec\.replicas 3 → 1 \(kubectl", update["message"]
        )


def test_what_helms_own_command_deployed_is_drift_until_it_is_taken_back(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    helm = ("helm", "--kubeconfig", str(commanded.cluster.kubeconfig), "--namespace", commanded.ollama)
    chart = str(PROJECT_DIR / STAND_INS / "ollama")
    line = (*helm, "upgrade", "ollama", chart, "--reuse-values", "--set", "replicaCount=2")
    subprocess.run(line, check=True, capture_output=True)
    (row,) = json.loads(run_ops(commanded, "drift", "--json").out)["releases"][0]["drift"]
    assert (row["object"], row["field"], row["manager"]) == ("Release/ollama", "revision", "Helm")
    assert "which the stack didn't make" in commanded.fail(*NO_CHANGES, "--diff")
    assert run_ops(commanded, "heal").code == DRIFT
    assert hands[0].get(OLLAMA)["spec"]["replicas"] == 2, "nobody is told that it was taken back, so it wasn't"
    (way_back,) = re.findall(r"\(back: helm (.+)\)", row["live"])
    subprocess.run((*helm, *way_back.split()), check=True, capture_output=True)
    assert drift_fields(commanded) == []
    assert hands[0].get(OLLAMA)["spec"]["replicas"] == 1
    commanded.run(*NO_CHANGES)


def test_what_somebody_made_is_left_alone_but_with_prune(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    hands[0].create("v1/configmaps/by-hand", {"data": {"a": "b"}})
    answer = run_ops(commanded, "heal")
    assert answer.code == DRIFT and "ConfigMap/by-hand" in answer.out
    assert hands[0].is_there("v1/configmaps/by-hand")
    answer = run_ops(commanded, "heal", "--prune")
    assert answer.code == CLEAN and "ConfigMap/by-hand pruned (created by kubectl-create)" in answer.out
    assert not hands[0].is_there("v1/configmaps/by-hand")


def test_watching_says_it_again_until_somebody_ends_it(commanded: Stack, hands: tuple[Hand, Hand]) -> None:
    line = [sys.executable, "-m", "ops", "drift", "--stack", "dev", "--json", "--watch", "0.2"]
    with subprocess.Popen(
        line, cwd=commanded.engine.project_dir, env=commanded.engine.environment(), stdout=subprocess.PIPE, text=True
    ) as watching:
        assert watching.stdout is not None
        try:
            first = json.loads(watching.stdout.readline())
            hands[0].scale(OLLAMA, 2)
            # What it ends with is what the last whole look found: two in a row must have seen it.
            later = [json.loads(watching.stdout.readline()) for _ in range(3)]
        finally:
            watching.send_signal(signal.SIGINT)
        assert watching.wait(20) == DRIFT
    assert [bool(release["drift"]) for release in first["releases"]] == [False, False]
    assert [bool(release["drift"]) for release in later[-1]["releases"]] == [True, False]


def test_a_release_that_helm_left_half_done_is_reported_and_left_to_recover(
    commanded: Stack, hands: tuple[Hand, Hand]
) -> None:
    secrets = hands[0].api.items(hands[0].path("v1/secrets/").rstrip("/"))
    latest = records_of("ollama", secrets)[-1]["metadata"]["name"]
    record = f"v1/secrets/{latest}"
    hands[0].patch(record, {"metadata": {"labels": {"status": "pending-upgrade"}}}, "helm")
    try:
        answer = run_ops(commanded, "drift")
        assert answer.code == DRIFT
        assert "Release/ollama" in answer.out and "pending-upgrade" in answer.out
        assert "python -m ops recover" in commanded.fail(*NO_CHANGES, "--diff")
        healed = run_ops(commanded, "heal")
        assert healed.code == DRIFT and "healed:" not in healed.out
    finally:
        hands[0].patch(record, {"metadata": {"labels": {"status": "deployed"}}}, "helm")


@pytest.mark.parametrize("command", ["drift", "heal"])
def test_a_cluster_that_does_not_answer_is_no_clean_stack(commanded: Stack, command: str) -> None:
    with unreachable(commanded):
        answer = run_ops(commanded, command)
    assert (answer.code, answer.out) == (UNKNOWN, "")
    assert answer.err.startswith("Could not tell: ") and "Traceback" not in answer.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--release", "nobody"), "has no release nobody; it has ollama, librechat"),
        (("--watch", "0"), "found 0; allowed: a number of seconds over 0"),
        (("--watch", "soon"), "found soon; allowed: a number of seconds over 0"),
    ],
)
def test_what_makes_no_sense_is_refused(commanded: Stack, arguments: tuple[str, ...], said: str) -> None:
    for command in ("drift", "heal"):
        answer = run_ops(commanded, command, *arguments)
        assert answer.code == UNKNOWN and said in answer.err
