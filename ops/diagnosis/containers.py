"""Pods that have a node and don't get ready: images, containers that can't start, crash or fail their probes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta

from ops.diagnosis.causes import Cause, LogOf, Rank
from ops.diagnosis.objects import Event, Object, Snapshot, ago, condition, is_ready, moment, name, uid
from ops.diagnosis.scheduling import unschedulable
from ops.diagnosis.words import in_setting, shortened

IMAGE = ("ErrImagePull", "ImagePullBackOff", "InvalidImageName", "ErrImageNeverPull", "ImageInspectError",
         "RegistryUnavailable", "SignatureValidationFailed")  # fmt: skip
START = ("CreateContainerConfigError", "CreateContainerError", "RunContainerError", "PreStartHookError")
PULL = re.compile(
    r'Failed to pull image "(?P<image>[^"]+)": (?P<why>.*)|Back-off pulling image "(?P<backed>[^"]+)"(: (?P<more>.*))?'
)
MOUNT = ("FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox")
EXIT_CODES = {
    126: "its command can't be executed",
    127: "its command is not there",
    137: "killed (SIGKILL)",
    139: "segmentation fault",
    143: "asked to end (SIGTERM)",
}


def pod_causes(snapshot: Snapshot, workload: str, pod: Object, events: Sequence[Event]) -> Iterator[Cause]:
    """Why a pod that is there is not ready; `events` are those of the namespace."""
    if is_ready(pod):
        return
    subject = f"{workload}, pod {name(pod)}"
    own = sorted((event for event in events if event.uid == uid(pod)), key=lambda event: event.seen)
    status = pod.get("status", {})
    scheduled = condition(pod, "PodScheduled")
    if status.get("phase") == "Failed" and status.get("reason"):
        yield Cause(Rank.EVICTED, subject, f"{status['reason']}: {shortened(status.get('message', ''))}")
    elif scheduled.get("status") == "False":
        yield unschedulable(snapshot, subject, scheduled.get("message") or scheduled.get("reason", ""), pod["spec"])
    else:
        found = list(_container_causes(snapshot, subject, pod, own))
        # One container of the pod may be ready, another be waiting for it: what merely waits says nothing then.
        failed = [cause for cause in found if cause.rank < Rank.SLOW]
        yield from failed or found[:1]
        if not status.get("containerStatuses") and not failed:
            node = pod["spec"].get("nodeName")
            text = f"has been given to the node {node}, which has not begun with it"
            yield Cause(Rank.SLOW, subject, text, (), f"look at that node: kubectl describe node {node}")


def _container_causes(snapshot: Snapshot, subject: str, pod: Object, events: Sequence[Event]) -> Iterator[Cause]:
    for event in events[::-1]:
        # Once the container runs, its volumes are mounted and its sandbox is made.
        if event.reason in MOUNT and not _has_started(events):
            yield volume(subject, event.message)
            break
    status = pod.get("status", {})
    for container in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        if container.get("ready") or container["name"] in _done(status):
            continue
        own = [event for event in events if event.container in ("", container["name"])]
        cause = _of_container(snapshot, subject, pod, container, own)
        # A pod that is being deleted is not ready any more, however well it was before.
        if not _only_deleted(pod, container, cause):
            yield cause


def _of_container(snapshot: Snapshot, subject: str, pod: Object, container: Object, events: Sequence[Event]) -> Cause:
    state = container.get("state") or {}
    waiting, running = state.get("waiting") or {}, state.get("running")
    reason, message = waiting.get("reason", ""), waiting.get("message", "")
    if reason in IMAGE:
        pulls = [event.message for event in events if event.message.startswith("Failed to pull image")]
        return image(subject, pulls[-1] if pulls else message, container.get("image", ""))
    if reason in START:
        return Cause(Rank.START, subject, f"container {container['name']} can't start: {shortened(message or reason)}")
    if hook := _failed_hook(snapshot, subject, container, reason, events):
        return hook
    probes = [event for event in events if event.reason == "Unhealthy"]
    killed = [event for event in events if event.reason == "Killing" and "failed" in event.message]
    if ended := state.get("terminated") or (container.get("lastState") or {}).get("terminated"):
        if killed and ended.get("reason") != "OOMKilled":
            return probe(subject, container["name"], probes or killed)
        return _crash(subject, pod, container, ended)
    if running is not None and probes:
        return probe(subject, container["name"], probes)
    return _slow(snapshot, subject, container, events)


def image(subject: str, message: str, reference: str = "") -> Cause:
    """An image that can't be pulled, from what the kubelet says of it."""
    found = PULL.search(message)
    if found:
        reference, message = found["image"] or found["backed"], found["why"] or found["more"] or ""
    # The kubelet wraps what the registry says several times; the last part is the registry's own.
    why = re.sub(r"^(ErrImagePull|ImagePullBackOff): ", "", message)
    why = re.sub(r"rpc error: code = (\w+) desc = ", r"\1: ", why)
    text = f"image {reference} can't be pulled: {shortened(why)}" if why else f"image {reference} can't be pulled"
    return Cause(Rank.IMAGE, subject, text, (), _image_cure(why))


def volume(subject: str, message: str) -> Cause:
    """A volume or a sandbox that the node can't make."""
    cure = ""
    if "Multi-Attach" in message:
        cure = "the volume is in use on another node: delete the pod that holds it there"
    return Cause(Rank.VOLUME, subject, shortened(message), (), cure)


def probe(subject: str, container: str, events: Sequence[Event]) -> Cause:
    """A probe that fails; `events` in the order in which they were seen."""
    return Cause(Rank.PROBE, subject, f"{_named(container)} runs, but {_lower(shortened(events[-1].message))}")


def hook_failed(snapshot: Snapshot, subject: str, container: str, message: str) -> Cause:
    """A postStart command that failed."""
    text = f"the postStart command of {_named(container)} failed{f': {shortened(message)}' if message else ''}"
    return Cause(Rank.HOOK, subject, text, (), _pulls(snapshot, "check the names in"))


def _failed_hook(
    snapshot: Snapshot, subject: str, container: Object, reason: str, events: Sequence[Event]
) -> Cause | None:
    failed = [event for event in events if event.reason == "FailedPostStartHook"]
    if not failed and reason != "PostStartHookError":
        return None
    return hook_failed(snapshot, subject, container["name"], failed[-1].message if failed else "")


def _crash(subject: str, pod: Object, container: Object, ended: Object) -> Cause:
    code, restarts = ended.get("exitCode"), container.get("restartCount", 0)
    meaning = "out of memory" if ended.get("reason") == "OOMKilled" else EXIT_CODES.get(code or 0, "")
    text = f"container {container['name']} ends with exit code {code}"
    text += f" ({meaning})" if meaning else ""
    text += f", restarted {restarts} times" if restarts > 1 else ""
    cure = ""
    if ended.get("reason") == "OOMKilled":
        limit = _limit(pod, container["name"], "memory")
        cure = f"raise its memory limit{f' of {limit}' if limit else ''}"
    # Only a container that has been replaced has a log of "the one before".
    previous = "terminated" not in (container.get("state") or {})
    details = tuple(shortened(line, 200) for line in (ended.get("message") or "").splitlines()[-5:])
    return Cause(Rank.CRASH, subject, text, details, cure, LogOf(name(pod), container["name"], previous))


def _slow(snapshot: Snapshot, subject: str, container: Object, events: Sequence[Event]) -> Cause:
    """Nothing has failed: say what the container is at, and since when."""
    about = [event for event in events if event.reason in ("Pulling", "Pulled", "Started", "Created")]
    latest = about[-1] if about else None
    state = container.get("state") or {}
    what = "is being created"
    cure = f"give it longer{in_setting(snapshot.release, 'chart.timeout')}"
    if "running" in state:
        what = "runs, but is not ready yet"
    elif latest and latest.reason == "Pulling":
        what = f"waits for its image: {_lower(latest.message)} since {ago(latest.seen, snapshot.now)}"
    elif latest and latest.reason == "Started":
        what = f"still runs its postStart command, since {ago(latest.seen, snapshot.now)}"
        cure = _pulls(snapshot, "it pulls, one after another,") + f"; {cure}"
    return Cause(Rank.SLOW, subject, f"container {container['name']} {what}", (), cure.removeprefix("; "))


def _pulls(snapshot: Snapshot, words: str) -> str:
    """Ollama's chart pulls the models in its postStart command (2026-11, facts.md)."""
    return f"{words}{in_setting(snapshot.release, 'models')}" if in_setting(snapshot.release, "models") else ""


def _image_cure(why: str) -> str:
    low = why.lower()
    if re.search(r"unauthorized|denied|forbidden|\b40[13]\b|authentication required", low):
        return "check the name; for a private registry name its pull secret in the values"
    if re.search(r"not found|manifest unknown|\b404\b|invalid reference", low):
        return "check registry, name and tag in the values, and that the image is there for the node's architecture"
    if re.search(r"toomanyrequests|too many requests|\b429\b", low):
        return "the registry limits pulls: log in to it, or use a mirror"
    if re.search(r"timeout|timed out|no such host|refused|deadline|\b50[234]\b", low):
        return "check that the nodes reach the registry (proxy, firewall, DNS)"
    return ""


def _has_started(events: Sequence[Event]) -> bool:
    return any(event.reason == "Started" for event in events)


def _done(status: Object) -> set[str]:
    """Init containers that ended well."""
    return {
        item["name"]
        for item in status.get("initContainerStatuses") or ()
        if ((item.get("state") or {}).get("terminated") or {}).get("exitCode") == 0
    }


def _only_deleted(pod: Object, container: Object, cause: Cause) -> bool:
    """Whether the deletion of its pod explains all that is wrong with a container."""
    until = moment(pod["metadata"].get("deletionTimestamp"))
    if until is None:
        return False
    state = container.get("state") or {}
    if cause.rank is Rank.SLOW:
        return "running" in state
    ended = moment((state.get("terminated") or {}).get("finishedAt"))
    # The API server writes down when the time to end is over, not when it began.
    asked = until - timedelta(seconds=pod["metadata"].get("deletionGracePeriodSeconds") or 0)
    return cause.rank is Rank.CRASH and ended is not None and ended >= asked


def _limit(pod: Object, container: str, resource: str) -> str:
    for item in pod["spec"]["containers"]:
        if item["name"] == container:
            return str(((item.get("resources") or {}).get("limits") or {}).get(resource, ""))
    return ""


def _named(container: str) -> str:
    return f"container {container}" if container else "its container"


def _lower(text: str) -> str:
    return text[:1].lower() + text[1:]
