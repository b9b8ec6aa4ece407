"""Why a pod that has a node does not get ready, from its status and events."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from ops.diagnosis.causes import Cause, LogOf, Rank
from ops.diagnosis.containers import image, pod_causes
from ops.diagnosis.objects import Event
from tests.unit.ops.why_objects import NOW, event, pod, snapshot


def cause_of(*events: Event, **status: Any) -> Cause:
    """The only cause of the pod in this state."""
    (found,) = pod_causes(snapshot(), "Deployment ollama", pod(**status), events)
    assert found.subject == "Deployment ollama, pod ollama-5d7c-abcde"
    return found


def waiting(reason: str, message: str = "") -> Mapping[str, Any]:
    return {"waiting": {"reason": reason, "message": message}}


def ended(code: int, **more: Any) -> Mapping[str, Any]:
    return {"terminated": {"exitCode": code, "reason": "Error", **more}}


def test_a_ready_pod_has_no_cause() -> None:
    ready = pod(conditions=[{"type": "Ready", "status": "True"}], state=ended(1))
    assert list(pod_causes(snapshot(), "Deployment ollama", ready, [])) == []
    assert list(pod_causes(snapshot(), "Deployment ollama", pod(phase="Succeeded"), [])) == []


@pytest.mark.parametrize(
    ("why", "cure"),
    [
        ("rpc error: code = NotFound desc = docker.io/x:1: not found", "registry, name and tag"),
        ("rpc error: code = Unknown desc = pull access denied, authorization failed", "pull secret"),
        ("rpc error: code = Unknown desc = 429 Too Many Requests - toomanyrequests", "use a mirror"),
        (
            'rpc error: code = Unknown desc = Head "https://r/v2": dial tcp 1.2.3.4:443: i/o timeout',
            "reach the registry",
        ),
    ],
)
def test_an_image_that_can_not_be_pulled_says_what_the_registry_said(why: str, cure: str) -> None:
    found = cause_of(
        event("Failed", f'Failed to pull image "x:1": {why}'),
        event("Failed", "Error: ErrImagePull", seconds_ago=5),
        state=waiting("ImagePullBackOff", 'Back-off pulling image "x:1"'),
    )
    assert found.rank is Rank.IMAGE
    assert found.text == "image x:1 can't be pulled: " + why.replace("rpc error: code = ", "").replace(" desc =", ":")
    assert cure in found.cure


def test_an_image_whose_events_are_gone_is_named_by_its_container() -> None:
    found = cause_of(state=waiting("InvalidImageName", 'couldn\'t parse image name "X:1": invalid reference format'))
    assert found.text.startswith("image example.com/main:1 can't be pulled: couldn't parse image name")
    assert image("s", 'Back-off pulling image "y"').text == "image y can't be pulled"


def test_a_container_that_can_not_start_says_what_is_missing() -> None:
    found = cause_of(state=waiting("CreateContainerConfigError", 'secret "librechat-credentials" not found'))
    assert (found.rank, found.text) == (
        Rank.START,
        'container main can\'t start: secret "librechat-credentials" not found',
    )


def test_a_crash_names_the_exit_code_and_where_its_log_is() -> None:
    found = cause_of(state=waiting("CrashLoopBackOff"), lastState=ended(127, message="one\ntwo"), restartCount=4)
    assert found.rank is Rank.CRASH
    assert found.text == "container main ends with exit code 127 (its command is not there), restarted 4 times"
    assert found.details == ("one", "two")
    assert found.log == LogOf("ollama-5d7c-abcde", "main", previous=True)
    assert cause_of(state=ended(1)).log == LogOf("ollama-5d7c-abcde", "main", previous=False)


def test_a_container_out_of_memory_is_told_its_limit() -> None:
    limits = {"containers": [{"name": "main", "resources": {"limits": {"memory": "1Gi"}}}]}
    found = cause_of(state=waiting("CrashLoopBackOff"), lastState=ended(137, reason="OOMKilled"), spec=limits)
    assert found.text == "container main ends with exit code 137 (out of memory)"
    assert found.cure == "raise its memory limit of 1Gi"


def test_a_container_that_its_liveness_probe_ended_is_not_taken_for_a_crash() -> None:
    found = cause_of(
        event("Unhealthy", "Liveness probe failed: connection refused"),
        event("Killing", "Container main failed liveness probe, will be restarted", warning=False),
        state=waiting("CrashLoopBackOff"),
        lastState=ended(137),
    )
    assert (found.rank, found.text) == (
        Rank.PROBE,
        "container main runs, but liveness probe failed: connection refused",
    )


def test_of_two_probes_that_failed_in_one_second_the_later_one_is_told() -> None:
    found = cause_of(
        event("Unhealthy", "Readiness probe failed: connection refused"),
        event("Unhealthy", "Readiness probe failed: HTTP probe failed with statuscode: 503"),
        state={"running": {}},
    )
    assert found.text == "container main runs, but readiness probe failed: HTTP probe failed with statuscode: 503"


def test_a_failed_post_start_command_comes_before_the_crash_that_it_causes() -> None:
    found = cause_of(
        event("FailedPostStartHook", "PostStartHook failed"),
        state=waiting("CrashLoopBackOff"),
        lastState=ended(0),
    )
    assert found.rank is Rank.HOOK
    assert found.text == "the postStart command of container main failed: PostStartHook failed"
    assert found.cure == "check the names in (ollama.models)"


@pytest.mark.parametrize(
    ("latest", "state", "text"),
    [
        (event("Pulling", 'Pulling image "x:1"', seconds_ago=300), waiting("ContainerCreating"),
         'container main waits for its image: pulling image "x:1" since 5 min ago'),
        (event("Started", "Started container main", seconds_ago=300), waiting("ContainerCreating"),
         "container main still runs its postStart command, since 5 min ago"),
        (event("Started", "Started container main"), {"running": {}}, "container main runs, but is not ready yet"),
        (event("Scheduled", ""), waiting("ContainerCreating"), "container main is being created"),
    ],
)  # fmt: skip
def test_what_takes_long_says_what_it_is_at(latest: Event, state: Any, text: str) -> None:
    found = cause_of(latest, state=state)
    assert (found.rank, found.text) == (Rank.SLOW, text)
    assert "ollama.chart.timeout" in found.cure


def test_a_volume_that_can_not_be_mounted_comes_before_the_container_that_waits_for_it() -> None:
    mount = event(
        "FailedMount", 'MountVolume.SetUp failed for volume "config" : configmap "librechat-config" not found'
    )
    assert cause_of(mount, state=waiting("ContainerCreating")).rank is Rank.VOLUME
    attach = event("FailedAttachVolume", "Multi-Attach error for volume pvc-1")
    assert "in use on another node" in cause_of(attach, state=waiting("ContainerCreating")).cure
    assert cause_of(mount, event("Started", "", seconds_ago=1), state={"running": {}}).rank is Rank.SLOW


def test_a_pod_that_was_evicted_says_why() -> None:
    evicted = pod(phase="Failed")
    evicted["status"].update(reason="Evicted", message="The node was low on resource: memory.")
    (found,) = pod_causes(snapshot(), "Deployment ollama", evicted, [])
    assert (found.rank, found.text) == (Rank.EVICTED, "Evicted: The node was low on resource: memory.")


def test_a_node_that_has_not_begun_with_a_pod_is_named() -> None:
    found = cause_of(spec={"nodeName": "gone"}, conditions=[{"type": "PodScheduled", "status": "True"}])
    assert found.text == "has been given to the node gone, which has not begun with it"


def test_an_init_container_that_ended_well_is_no_cause() -> None:
    both = pod(state=waiting("ErrImagePull", "x"))
    both["status"]["initContainerStatuses"] = [{"name": "init", "state": ended(0), "ready": False}]
    assert [cause.rank for cause in pod_causes(snapshot(), "w", both, [])] == [Rank.IMAGE]
    both["status"]["initContainerStatuses"] = [{"name": "init", "state": ended(2), "ready": False}]
    assert [cause.rank for cause in pod_causes(snapshot(), "w", both, [])] == [Rank.CRASH, Rank.IMAGE]


def test_what_only_the_deletion_of_a_pod_ended_is_no_crash() -> None:
    def deleted(state: Any) -> list[Rank]:
        times = {"deletionTimestamp": (NOW + timedelta(seconds=30)).isoformat(), "deletionGracePeriodSeconds": 30}
        return [cause.rank for cause in pod_causes(snapshot(), "w", pod(state=state, metadata=times), [])]

    assert deleted(ended(143, finishedAt=(NOW + timedelta(seconds=1)).isoformat())) == []
    assert deleted({"running": {}}) == []
    assert deleted(ended(1, finishedAt=(NOW - timedelta(seconds=60)).isoformat())) == [Rank.CRASH]
    assert deleted(waiting("ImagePullBackOff")) == [Rank.IMAGE]


def test_the_events_of_another_container_say_nothing_of_this_one() -> None:
    other = event("FailedPostStartHook", "failed", container="sidecar")
    assert cause_of(other, state=waiting("CrashLoopBackOff"), lastState=ended(1)).rank is Rank.CRASH
