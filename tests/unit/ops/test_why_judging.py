"""From what a cluster holds to the cause that is told first."""

from dataclasses import replace
from datetime import timedelta

import pytest

from ops.diagnosis.causes import Cause, Rank
from ops.diagnosis.expected import expected_pods
from ops.diagnosis.judging import Diagnosis, State, judge
from ops.diagnosis.objects import Snapshot
from ops.diagnosis.report import as_json, lines
from tests.unit.ops.why_objects import (
    NOW,
    OWN,
    deployment,
    event,
    node,
    pod,
    replica_set,
    revision,
    scaled_up,
    snapshot,
)

UNSCHEDULABLE = "0/1 nodes are available: 1 Insufficient nvidia.com/gpu. preemption: 0/1 nodes are available: 1 No use."
UNBOUND = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims"
QUOTA = (
    'Error creating: pods "ollama-5d7c-" is forbidden: exceeded quota: small, requested: requests.memory=2Gi, '
    "used: requests.memory=0, limited: requests.memory=1Gi"
)


def first(found: Diagnosis) -> Cause:
    assert found.causes, found
    return found.causes[0]


def live(**pod_status: object) -> Snapshot:
    """Ollama deployed for the first time, its pod as given."""
    return snapshot(
        deployments=[deployment()],
        replicasets=[replica_set()],
        pods=[pod(**pod_status)],  # type: ignore[arg-type]
        revisions=[revision(1)],
    )


def test_a_release_whose_workloads_are_complete_has_nothing_wrong() -> None:
    old = event("FailedScheduling", UNSCHEDULABLE)
    found = judge(snapshot(deployments=[deployment(ready=1)], revisions=[revision(1)], events=[old]))
    assert (found.state, found.causes, found.notes) == (State.READY, (), ())
    assert "nothing wrong" in found.headline


def test_a_namespace_that_is_not_there_is_said_and_nothing_else() -> None:
    found = judge(snapshot(namespace_found=False))
    assert (found.state, found.causes) == (State.NOT_INSTALLED, ())
    assert found.headline == "not deployed: there is no namespace ollama"


def test_what_a_pod_that_is_gone_asked_for_comes_from_the_values() -> None:
    values = {"ollama": {"gpu": {"enabled": True, "type": "nvidia", "number": 8}}, "nodeSelector": {"gpu": "yes"}}
    found = judge(
        snapshot(
            events=[*scaled_up(), event("FailedScheduling", UNSCHEDULABLE)],
            nodes=[node("gpu", labels={"gpu": "yes"}, allocatable={"nvidia.com/gpu": "4"})],
            expected=expected_pods("ollama", values),
        )
    )
    assert found.state is State.NOT_INSTALLED
    cause = first(found)
    assert cause.subject == "Deployment ollama, pod ollama-5d7c-abcde"
    assert cause.details == (
        "gpu: nvidia.com/gpu 8 asked, 4 in all",
        "scheduler: 0/1 nodes are available: 1 Insufficient nvidia.com/gpu",
    )
    assert cause.cure == "add a node that has enough nvidia.com/gpu free, or ask for fewer (ollama.gpu.count)"


@pytest.mark.parametrize(
    ("there", "text", "details"),
    [
        ("4", "no node can take it", ("gpu: nvidia.com/gpu 8 asked, 4 in all", f"scheduler: {UNBOUND}")),
        ("8", "waits for a volume claim that is not bound", (f"scheduler: {UNBOUND}",)),
    ],
)
def test_an_event_that_still_tells_of_an_unbound_claim_does_not_hide_that_no_node_can_take_the_pod(
    there: str, text: str, details: tuple[str, ...]
) -> None:
    found = judge(
        snapshot(
            events=[*scaled_up(), event("FailedScheduling", UNBOUND)],
            nodes=[node("gpu", allocatable={"nvidia.com/gpu": there})],
            expected=expected_pods("ollama", {"ollama": {"gpu": {"enabled": True, "type": "nvidia", "number": 8}}}),
        )
    )
    assert (first(found).text, first(found).details) == (text, details)


@pytest.mark.parametrize(
    ("gpu", "limits", "borne"),
    [
        ({"type": "amd", "number": 2}, {"amd.com/gpu": 2}, []),
        ({"nvidiaResource": "nvidia.com/mig-1g.10gb"}, {"nvidia.com/mig-1g.10gb": 1}, ["nvidia.com/mig-1g.10gb"]),
        ({"mig": {"enabled": True, "devices": {"1g.10gb": 2}}}, {"nvidia.com/mig-1g.10gb": 2}, ["nvidia.com/gpu"]),
    ],
)
def test_a_pod_that_is_gone_asked_for_the_devices_of_its_values(
    gpu: dict[str, object], limits: dict[str, int], borne: list[str]
) -> None:
    spec = expected_pods("ollama", {"ollama": {"gpu": {"enabled": True, **gpu}}})["ollama"]
    assert spec["containers"][0]["resources"]["limits"] == limits
    assert [item["key"] for item in spec["tolerations"]] == borne
    assert expected_pods("ollama", {"ollama": None, "resources": {}})["ollama"]["tolerations"] == []


def test_events_of_an_earlier_try_are_not_told_again() -> None:
    earlier = event("FailedScheduling", UNSCHEDULABLE, name="ollama-old-aaaaa", seconds_ago=600)
    events = [*scaled_up(20), earlier, event("FailedCreate", QUOTA, kind="ReplicaSet", name="ollama-5d7c")]
    found = judge(snapshot(events=events))
    assert [cause.rank for cause in found.causes] == [Rank.REFUSED]
    assert first(found).subject == "Deployment ollama"


def test_what_began_before_the_failed_operation_is_left_out_but_for_the_clocks() -> None:
    events = [event("FailedCreate", QUOTA, kind="ReplicaSet", name="ollama-5d7c", seconds_ago=60)]
    assert judge(snapshot(events=events), since=NOW - timedelta(seconds=55)).causes
    assert not judge(snapshot(events=events), since=NOW - timedelta(seconds=30)).causes


@pytest.mark.parametrize(
    ("warning", "over"),
    [
        (event("FailedScheduling", UNSCHEDULABLE), event("Scheduled", "", seconds_ago=5, warning=False)),
        (
            event("FailedCreate", QUOTA, kind="ReplicaSet", name="ollama-5d7c"),
            event("SuccessfulCreate", "", kind="ReplicaSet", name="ollama-5d7c", seconds_ago=5, warning=False),
        ),
        (
            event("Failed", 'Failed to pull image "x": i/o timeout'),
            event("Pulled", "", seconds_ago=5, warning=False),
        ),
        (event("FailedMount", "no"), event("Started", "", seconds_ago=5, warning=False)),
    ],
)
def test_a_warning_that_a_later_event_says_is_over_is_no_cause(warning: object, over: object) -> None:
    assert first(judge(snapshot(events=[*scaled_up(), warning]))).rank < Rank.SLOW
    assert [cause for cause in judge(snapshot(events=[*scaled_up(), warning, over])).causes if cause.rank < 11] == []


def test_events_of_somebody_elses_objects_are_not_looked_at() -> None:
    other = event("FailedScheduling", UNSCHEDULABLE, name="debug-pod", uid="other")
    assert judge(snapshot(events=[other])).causes == ()


def test_a_rolled_back_upgrade_is_explained_by_the_events_of_the_failed_revision() -> None:
    events = [
        event("FailedScheduling", UNSCHEDULABLE, name="ollama-old-aaaaa", seconds_ago=900),
        event("FailedCreate", QUOTA, kind="ReplicaSet", name="ollama-5d7c", seconds_ago=40),
    ]
    revisions = [
        revision(1, "superseded", seconds_ago=1000),
        revision(2, "failed", 'Upgrade "ollama" failed: context deadline exceeded', seconds_ago=50),
        revision(3, "deployed", "Rollback to 1", seconds_ago=20),
    ]
    stands = snapshot(deployments=[deployment(ready=1)], revisions=revisions, events=events)
    found = judge(stands)
    assert found.state is State.ROLLED_BACK
    assert found.headline.startswith("the upgrade to revision 2 50 s ago failed and was rolled back")
    assert [cause.rank for cause in found.causes] == [Rank.REFUSED]

    # An upgrade that succeeds afterwards ends the story.
    later = [*revisions[:2], revision(3, "superseded", "Rollback to 1"), revision(4)]
    assert judge(replace(stands, revisions=later)).state is State.READY


def test_a_rollback_that_failed_too_is_called_so() -> None:
    revisions = [
        revision(1, "deployed", seconds_ago=1000),
        revision(2, "failed", 'Upgrade "ollama" failed: context deadline exceeded', seconds_ago=50),
        revision(3, "failed", 'Release "ollama" failed: context deadline exceeded', seconds_ago=20),
    ]
    events = [event("FailedCreate", QUOTA, kind="ReplicaSet", name="ollama-5d7c", seconds_ago=40)]
    found = judge(snapshot(deployments=[deployment()], revisions=revisions, events=events))
    assert found.state is State.FAILED
    assert "and so did the rollback" in found.headline
    assert first(found).rank is Rank.REFUSED


def test_helms_own_word_on_a_failed_upgrade_counts() -> None:
    patch = 'cannot patch "ollama" with kind PersistentVolumeClaim: x is invalid: spec: Forbidden: no'
    text = f'Upgrade "ollama" failed: {patch}'
    revisions = [revision(1, "superseded"), revision(2, "failed", text), revision(3, "deployed", "Rollback to 1")]
    found = judge(snapshot(deployments=[deployment(ready=1)], revisions=revisions))
    assert first(found).line == (
        "PersistentVolumeClaim ollama: it is there already and can't be changed: spec: Forbidden: no"
    )


def test_an_unbound_claim_comes_before_the_pod_that_waits_for_it() -> None:
    claim = {
        "metadata": {"name": "ollama", "uid": "c", "annotations": OWN},
        "spec": {"storageClassName": "fast"},
        "status": {"phase": "Pending"},
    }
    unbound = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": UNBOUND}
    missing = event(
        "ProvisioningFailed", '"fast" not found', kind="PersistentVolumeClaim", name="ollama", uid="c", seconds_ago=9
    )
    stands = replace(live(conditions=[unbound]), events=[missing])
    with_claim = replace(stands, resources={**stands.resources, "persistentvolumeclaims": [claim]})
    assert [cause.line for cause in judge(with_claim).causes] == ['claim ollama: there is no StorageClass "fast"']
    assert first(judge(stands)).text == "waits for a volume claim that is not bound"


def test_a_database_that_fails_comes_before_what_needs_it() -> None:
    crash = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}, "lastState": {"terminated": {"exitCode": 1}}}
    mongodb = "ollama-mongodb"
    owner = {"kind": "StatefulSet", "name": mongodb, "uid": f"d-{mongodb}"}
    found = judge(
        snapshot(
            deployments=[deployment()],
            statefulsets=[deployment(mongodb)],
            replicasets=[replica_set()],
            pods=[pod(**crash), pod(f"{mongodb}-0", metadata={"ownerReferences": [owner]}, **crash)],  # type: ignore[arg-type]
            revisions=[revision(1)],
        )
    )
    assert [cause.subject for cause in found.causes] == [
        "StatefulSet ollama-mongodb, pod ollama-mongodb-0",
        "Deployment ollama, pod ollama-5d7c-abcde",
    ]


def test_time_that_was_up_while_models_were_pulled_is_told_apart_from_a_failure() -> None:
    started = event("Started", "Started container ollama", seconds_ago=1500, warning=False)
    found = judge(snapshot(events=[*scaled_up(1600), started]))
    assert first(found).rank is Rank.SLOW
    assert first(found).details == ("Deployment ollama, pod ollama-5d7c-abcde: its container had started 25 min ago",)
    assert "pulls the models one after another" in first(found).cure
    assert "ollama.chart.timeout" in first(found).cure


def test_a_probe_that_failed_long_before_the_pod_was_ended_is_no_cause() -> None:
    failed = event("Unhealthy", "Readiness probe failed: refused", seconds_ago=600)
    for ended, told in ((590, True), (30, False)):
        killing = event("Killing", "Stopping container main", seconds_ago=ended, warning=False)
        found = judge(snapshot(events=[*scaled_up(700), failed, killing]))
        assert [cause.rank for cause in found.causes] == ([Rank.PROBE] if told else [])


def test_what_somebody_else_owns_under_the_releases_names_is_found() -> None:
    account = {"metadata": {"name": "ollama", "annotations": {"meta.helm.sh/release-name": "theirs"}}}
    mine = {"metadata": {"name": "ollama", "annotations": OWN}, "spec": {}}
    other = {"metadata": {"name": "default"}}
    found = judge(snapshot(serviceaccounts=[account, other], services=[mine]))
    assert [cause.line for cause in found.causes] == [
        'ServiceAccount ollama: belongs to the release "theirs": helm does not take it over'
    ]


def test_a_record_that_says_pending_is_told_after_what_the_pods_say() -> None:
    waiting = {"type": "PodScheduled", "status": "False", "message": UNSCHEDULABLE}
    stands = replace(live(conditions=[waiting]), revisions=[revision(1, "pending-install")])
    found = judge(stands)
    assert [cause.rank for cause in found.causes] == [Rank.NODE, Rank.RECORD]
    assert "helm -n ollama uninstall ollama" in found.causes[1].cure
    upgrade = judge(replace(stands, revisions=[revision(1), revision(2, "pending-upgrade")]))
    assert "helm -n ollama rollback ollama" in upgrade.causes[1].cure


def test_a_service_without_an_address_keeps_a_release_from_being_ready() -> None:
    service = {"metadata": {"name": "ollama", "annotations": OWN}, "spec": {"type": "LoadBalancer"}}
    stands = snapshot(deployments=[deployment(ready=1)], services=[service], revisions=[revision(1)])
    assert first(judge(stands)).rank is Rank.SERVICE
    given = {**service, "status": {"loadBalancer": {"ingress": [{"ip": "10.0.0.1"}]}}}
    assert judge(replace(stands, resources={**stands.resources, "services": [given]})).state is State.READY


def test_an_incomplete_workload_of_which_nothing_else_is_known_is_told_with_its_condition() -> None:
    stuck = {**deployment(), "status": {"conditions": [{"type": "Progressing", "message": "timed out progressing"}]}}
    found = judge(snapshot(deployments=[stuck], revisions=[revision(1)]))
    assert first(found).line == "Deployment ollama: 0 of 1 pods are ready"
    assert first(found).details == ("timed out progressing",)


def test_without_any_trace_that_is_said_with_what_helm_said_and_what_could_not_be_read() -> None:
    blind = snapshot(unreadable={"events": "403 Forbidden", "pods": "403 Forbidden", "secrets": "timed out"})
    found = judge(blind, errors=["context deadline exceeded"])
    assert found.causes == ()
    assert found.notes[:3] == (
        "events, pods can't be read: 403 Forbidden",
        "secrets can't be read: timed out",
        "helm said: context deadline exceeded",
    )
    assert "no event tells why" in found.notes[3]


def test_without_helms_records_a_release_is_judged_by_its_workloads() -> None:
    def without_records(ready: int) -> Diagnosis:
        stands = snapshot(deployments=[deployment(ready=ready)])
        return judge(replace(stands, resources={"deployments": stands.resources["deployments"]}))

    assert without_records(1).state is State.READY
    assert without_records(0).state is State.NOT_READY
    assert judge(replace(snapshot(), resources={})).state is State.UNKNOWN


def test_of_many_causes_three_are_told_and_all_are_in_the_json() -> None:
    causes = tuple(Cause(Rank.CRASH, f"pod {number}", "crashes", ("detail",), "mend it") for number in range(5))
    found = Diagnosis("ollama", "ns", State.NOT_READY, "not well", causes, ("a note",))
    assert lines(found) == [
        "ollama (namespace ns): not well",
        *(
            line
            for number in range(3)
            for line in (f"  pod {number}: crashes", "    detail", "    What to do: mend it.")
        ),
        "  and 2 more: pod 3; pod 4",
        "  note: a note",
    ]
    told = as_json(found)
    assert [cause["subject"] for cause in told["causes"]] == [f"pod {number}" for number in range(5)]
    assert told["causes"][0] == {
        "kind": "crash",
        "subject": "pod 0",
        "text": "crashes",
        "details": ["detail"],
        "cure": "mend it",
    }
