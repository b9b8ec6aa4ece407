"""`rollback` redeploys an earlier revision: engine, helm and cluster agree on it, and `history` tells of it."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
import yaml
from kubernetes.client import ApiClient, CoreV1Api, SchedulingV1Api  # gitleaks:allow - it takes this for a key

from components.rollback import VARIABLE
from components.settings import CheckName
from local.cluster import LocalCluster
from ops import backend, history, rollback
from ops.helm_records import Record, records_in
from ops.tokens import RELEASE
from tests.engine.commands import run_ops
from tests.engine.kube import at_rest, eventually, stored, stored_in
from tests.engine.leaks import keys_of, leaks
from tests.engine.operations import AUTHOR, OLDER, ask, upgraded
from tests.engine.stacks import Stack, beside, name_of, type_of

pytestmark = pytest.mark.alone

ROLLED_BACK = {
    "update kubernetes:helm.sh/v3:Release ollama": {"chart", "version", "values.resources.limits.memory"},
    "update kubernetes:core/v1:ResourceQuota ollama-quota": {'spec.hard["limits.memory"]'},
}
"""A release, and the quota that is sized for it."""


@pytest.fixture(scope="module")
def deployed(cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with upgraded(cluster, tmp_path_factory.mktemp("rollback"), beside("rollback")) as stack:
        yield stack


def test_a_rollback_is_a_pending_change_of_that_release_alone_and_up_goes_forward(deployed: Stack) -> None:
    api, ollama = deployed.api, deployed.ollama
    first, second = revisions(api, ollama)
    others = stored_in(deployed.cluster, deployed.librechat), but_releases(deployed)
    claims = claims_in(api, ollama)
    # A change in the code that nobody has deployed yet: a rollback is no occasion to.
    with deployed.changed({"librechat.title": "Not yet"}):
        pending = deployed.changes()
        began = time.monotonic()
        answer = ask(rollback, deployed, "--release", "ollama", "--yes", "--json")
        assert time.monotonic() - began < 30
        assert deployed.changes() == {**pending, **ROLLED_BACK}
    report = json.loads(answer.out)
    assert answer.code == 0, answer.err
    assert (report["from"], report["to"], report["revision"], report["agrees"]) == (2, 1, 3, True)
    assert report["changes"] == [f"chart version (1.77.0 → {OLDER})", "resources.limits.memory"]
    assert report["resourcesChanged"] == len(ROLLED_BACK)

    third = revisions(api, ollama)[-1]
    assert (third.number, third.status, third.chart_version) == (3, "deployed", OLDER)
    assert third.values == first.values != second.values
    assert inputs(deployed)["values"] == first.values
    assert limits(api, ollama) == {"memory": "4Gi"}
    assert (stored_in(deployed.cluster, deployed.librechat), but_releases(deployed)) == others
    assert claims_in(api, ollama) == claims

    assert deployed.changes() == ROLLED_BACK
    deployed.up()
    assert deployed.changes() == {}
    fourth = revisions(api, ollama)[-1]
    assert (fourth.number, fourth.chart_version, fourth.values) == (4, second.chart_version, second.values)
    assert limits(api, ollama) == {"memory": "6Gi"}


def test_what_it_was_made_of_stays_in_no_file_and_no_later_run(deployed: Stack) -> None:
    project = deployed.engine.project_dir
    before = sorted(project.rglob("Pulumi*")), deployed.config.read_text()
    answer = ask(rollback, deployed, "1", "--release", "ollama", "--yes")
    assert answer.code == 0, answer.err
    assert "ollama: from revision 4 back to 1" in answer.out
    assert "ollama is now at revision 5, the same as 1" in answer.out
    assert (sorted(project.rglob("Pulumi*")), (project / deployed.config.name).read_text()) == before
    assert VARIABLE not in os.environ
    kept = [file for file in deployed.engine.directory.rglob("*") if file.is_file()]
    assert kept and not [file for file in kept if VARIABLE.encode() in file.read_bytes()]
    again = ask(rollback, deployed, "1", "--release", "ollama", "--yes", "--json")
    assert (again.code, json.loads(again.out)["resourcesChanged"]) == (0, 0)
    assert len(revisions(deployed.api, deployed.ollama)) == 5, "what is so already makes no revision"
    said = {"answers": f"{answer.out}{answer.err}{again.out}{again.err}".encode()}
    assert leaks(keys_of(deployed), said) == []
    deployed.up()


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["99", "--release", "ollama"], "there is no revision 99; helm keeps: 1, 2, "),
        (["--release", "nobody"], "the stack's state has no release 'nobody'; its releases: ollama, librechat"),
        (["--release", "librechat"], "no earlier revision that was ready was made of other values"),
        (["1", "--release", "ollama"], "nobody can be asked here; say --yes"),
    ],
)
def test_what_can_not_be_rolled_back_changes_nothing(deployed: Stack, arguments: list[str], told: str) -> None:
    before = at_rest(deployed.cluster)
    answer = ask(rollback, deployed, *arguments)
    assert answer.code == 2
    assert f"Nothing was changed: {told}" in answer.err
    assert stored(deployed.cluster) == before


def test_a_chart_that_its_source_no_longer_holds_is_named_and_nothing_is_changed(deployed: Stack) -> None:
    before = at_rest(deployed.cluster)
    source = yaml.safe_load(deployed.config.read_text())["config"]["private-chatgpt:charts"]
    older, away = Path(source, "ollama-older"), Path(source).parent / "away"
    older.rename(away)
    try:
        answer = ask(rollback, deployed, "1", "--release", "ollama", "--yes")
    finally:
        away.rename(older)
    assert answer.code == 1
    assert f"chart ollama {OLDER} is not in the directory" in answer.err
    assert "The rollback failed: " in answer.err
    assert stored(deployed.cluster) == before
    assert deployed.changes() == {}


def test_the_present_revision_and_a_failed_one_are_refused(deployed: Stack) -> None:
    present = revisions(deployed.api, deployed.ollama)[-1].number
    answer = ask(rollback, deployed, str(present), "--release", "ollama", "--yes")
    assert (answer.code, f"revision {present} is the one that runs now" in answer.err) == (2, True)
    unchecked = {"preflight": {"off": dict.fromkeys(get_args(CheckName), "what happens without it is the test")}}
    nowhere = {"ollama.nodeSelector": {"no-such": "node"}, "ollama.chart.timeout": 5}
    with deployed.changed({**unchecked, **nowhere}):
        deployed.fail("up", "--yes", "--skip-preview")
        failed, went_back = revisions(deployed.api, deployed.ollama)[-2:]
        assert (failed.status, went_back.status) == ("failed", "deployed")
        answer = ask(rollback, deployed, str(failed.number), "--release", "ollama", "--yes")
        assert (answer.code, f"revision {failed.number} is failed: it never was ready" in answer.err) == (2, True)
    # Helm has gone back by itself: that revision runs under another number.
    answer = ask(rollback, deployed, str(present), "--release", "ollama", "--yes")
    assert answer.code == 0, answer.err
    assert inputs(deployed)["values"] == went_back.values
    assert deployed.changes() == {}


def test_history_tells_who_deployed_and_rolled_back_what(deployed: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"GITHUB_ACTIONS": "true", "GITHUB_RUN_ID": "77", "GITHUB_RUN_NUMBER": "7"}.items():
        monkeypatch.setenv(name, value)
    deployed.up()
    answer = ask(history, deployed, "--json")
    assert answer.code == 0, answer.err
    entries = json.loads(answer.out)["releases"]["ollama"]
    made = {entry["helm"]["revision"]: entry for entry in entries if entry["helm"]}
    assert made[1]["helm"]["chart_version"] == OLDER
    assert made[1]["update"]["message"] == "The first version"
    assert made[1]["update"]["author"] == AUTHOR
    assert len(made[1]["update"]["commit"]) == 40
    assert made[2]["update"]["message"] == "More memory"
    assert made[3]["update"]["message"].startswith("rollback of ollama to revision 1, asked for by ")
    (failed,) = [entry for entry in made.values() if entry["helm"]["status"] == "failed"]
    assert failed["update"]["result"] == "failed"
    assert entries[0]["helm"] is None
    assert entries[0]["update"]["ci"].startswith("GitHub Actions 7")
    assert [entry["when"] for entry in entries] == sorted((entry["when"] for entry in entries), reverse=True)
    (installed,) = [entry for entry in json.loads(answer.out)["releases"]["librechat"] if entry["helm"]]
    assert installed["update"]["start"] == made[1]["update"]["start"]
    monkeypatch.setattr(backend, "PAGE", 3)
    assert ask(history, deployed, "--json").out == answer.out, "it does not hang on how many are asked for at once"
    table = ask(history, deployed, "--release", "ollama").out
    assert "Release ollama" in table and "Release librechat" not in table
    assert ask(history, deployed, "--release", "nobody").code == 2


def test_a_revision_s_priority_class_comes_back_with_it_though_an_up_has_taken_it_away(deployed: Stack) -> None:
    with deployed.changed({"ollama.priority": 1000}):
        deployed.up()
        number = revisions(deployed.api, deployed.ollama)[-1].number
    with deployed.changed({"ollama.priority": 2000}):
        deployed.up()
        assert classes_of(deployed) == {f"{deployed.ollama}-pods-2000"}
        answer = ask(rollback, deployed, str(number), "--release", "ollama", "--yes")
        assert answer.code == 0, answer.err
        # The other class stays for the next `up`, which wants it again, or takes it away.
        assert classes_of(deployed) == {f"{deployed.ollama}-pods-{priority}" for priority in (1000, 2000)}
        assert inputs(deployed)["values"]["priorityClassName"] == f"{deployed.ollama}-pods-1000"
    deployed.up()
    assert classes_of(deployed) == set()
    assert deployed.changes() == {}


def classes_of(stack: Stack) -> set[str]:
    """The PriorityClasses of Ollama's namespace, by name."""
    listed: Any = SchedulingV1Api(stack.api).list_priority_class()
    return {item.metadata.name for item in listed.items if item.metadata.name.startswith(f"{stack.ollama}-pods")}


@pytest.mark.parametrize("app", ["ollama", "librechat"])
def test_guardrails_and_keys_that_nobody_has_deployed_yet_are_in_no_rollbacks_way(deployed: Stack, app: str) -> None:
    namespace = {"ollama": deployed.ollama, "librechat": deployed.librechat}[app]
    before = revisions(deployed.api, namespace, app)[-1].number
    with deployed.changed({"librechat.title": "Later", "ollama.resources.limits.memory": "7Gi"}):
        deployed.up()
    assert revisions(deployed.api, namespace, app)[-1].number > before
    with deployed.changed({"access": {"viewers": ["readers"], "operators": ["on-call"]}}):
        pending = deployed.changes()
        assert f"create kubernetes:rbac.authorization.k8s.io/v1:Role {app}-viewers" in pending
        answer = ask(rollback, deployed, str(before), "--release", app, "--yes", "--json")
        assert (answer.code, json.loads(answer.out)["agrees"]) == (0, True), answer.err
        assert run_ops(deployed, "drift").code == 0, "it was deployed, though it is no longer what the stack file says"
    deployed.up()
    assert deployed.changes() == {}


def revisions(api: ApiClient, namespace: str, release: str = "ollama") -> list[Record]:
    answer: Any = CoreV1Api(api).list_namespaced_secret(namespace, _preload_content=False)
    return records_in(release, json.loads(answer.data)["items"])


def inputs(stack: Stack) -> Any:
    """What the engine's state says that Ollama's release was made from."""
    (found,) = [
        item for item in stack.resources() if type_of(item["urn"]) == RELEASE and name_of(item["urn"]) == "ollama"
    ]
    return found["inputs"]


def but_releases(stack: Stack) -> dict[str, Any]:
    """What the state says of all but releases and quotas, without where in the program it was registered."""
    sized = (":Release", ":ResourceQuota")
    others = [item for item in stack.resources() if item["custom"] and not item["type"].endswith(sized)]
    return {item["urn"]: [shown(item.get(key)) for key in ("id", "inputs", "outputs")] for item in others}


def shown(value: Any) -> Any:
    """Without what is encrypted: each write of the state encrypts it anew."""
    if isinstance(value, dict):
        return {key: shown(item) for key, item in value.items() if key != "ciphertext"}
    return value


def claims_in(api: ApiClient, namespace: str) -> list[tuple[str, str, str]]:
    claims: list[Any] = CoreV1Api(api).list_namespaced_persistent_volume_claim(namespace).items
    return [(item.metadata.name, item.metadata.uid, item.spec.volume_name) for item in claims]


def limits(api: ApiClient, namespace: str) -> dict[str, str]:
    """What the pod that runs was given."""

    def only_pod() -> Any:
        pods: list[Any] = CoreV1Api(api).list_namespaced_pod(namespace).items
        running = [pod for pod in pods if not pod.metadata.deletion_timestamp]
        return running[0] if len(running) == 1 else None

    found: dict[str, str] = eventually(only_pod).spec.containers[0].resources.limits
    return found
