"""Checks `gpu` and `capacity`: whether the nodes can take the pods, as far as devices and as far as everything goes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from ops.diagnosis.objects import Object, name
from ops.diagnosis.words import in_setting
from ops.preflight_checks.findings import Result, Said, fails, unknown, well
from ops.preflight_checks.fitting import Options, Placing, fit_together, options
from ops.preflight_checks.limits import with_defaults
from ops.preflight_checks.manifests import Pods, shown, totals, with_runtime_class
from ops.preflight_checks.nodes import free_on
from ops.preflight_checks.view import Unreadable, View

AUTOSCALER = "where an autoscaler adds such nodes, switch the check off with that reason (preflight.off.{check})"


@dataclass(frozen=True)
class Asked:
    """The pods of a workload, and what each of them asks of a node."""

    pods: Pods
    all: Mapping[str, Decimal]

    @property
    def devices(self) -> dict[str, Decimal]:
        """What of it are GPUs and the like: resources that a device plugin offers."""
        return {resource: amount for resource, amount in self.all.items() if is_device(resource) and amount}

    @property
    def in_words(self) -> str:
        """What each pod asks for."""
        asked = sorted((resource, amount) for resource, amount in self.all.items() if amount)
        return ", ".join(f"{resource} {shown(resource, amount)}" for resource, amount in asked) or "no requests"


def is_device(resource: str) -> bool:
    """Whether a resource is one such as `nvidia.com/gpu`, and no resource of Kubernetes itself."""
    domain, slash, _ = resource.partition("/")
    return bool(slash) and not domain.endswith("kubernetes.io")


def asked_by(view: View) -> list[Asked]:
    """What the release's pods ask for, with what runtime classes and limit ranges add."""
    return [Asked(pods, totals(pods.spec, "requests")) for pods in prepared(view, view.pods)]


def prepared(view: View, all_pods: Sequence[Pods]) -> list[Pods]:
    """The pods as the API server will make them, as far as classes and ranges can be read."""
    classes, ranges = view.answers.get("runtimeclasses", ()), view.answers.get("limitranges", ())
    return [
        with_defaults(
            with_runtime_class(pods, () if isinstance(classes, Unreadable) else classes),
            () if isinstance(ranges, Unreadable) else ranges,
        )
        for pods in all_pods
    ]


def gpu(view: View) -> Iterator[Said]:
    """Whether some node has the devices that each pod asks for, and may be used by it."""
    wanted = [asked for asked in asked_by(view) if asked.devices]
    with_class = [asked for asked in asked_by(view) if asked.pods.spec.get("runtimeClassName")]
    if not wanted and not with_class:
        yield well("no GPU is asked for")
    for asked in with_class:
        classes = {name(item) for item in view.all("runtimeclasses")}
        if (missing := asked.pods.spec["runtimeClassName"]) not in classes:
            yield fails(
                f"{asked.pods.owner} asks for the RuntimeClass {missing}, which is not there; there is: "
                f"{', '.join(sorted(classes)) or 'none'}: its pods would be refused",
                f"Install what brings it (for NVIDIA the GPU operator), or drop or rename it"
                f"{in_setting(view.rendered.release.name, 'gpu.runtimeClass')}",
            )
    if not wanted:
        return
    nodes = view.all("nodes")
    for asked in wanted:
        yield _devices_on(view, asked, nodes)


def _devices_on(view: View, asked: Asked, nodes: Sequence[Object]) -> Said:
    spec = _asking(asked.pods.spec, asked.devices)
    found = options(spec, nodes, view.used)
    needed = ", ".join(f"{resource} >= {shown(resource, amount)}" for resource, amount in asked.devices.items())
    selector = asked.pods.spec.get("nodeSelector")
    where = f" matches {_shown_selector(selector)}" if selector else " takes it"
    release = view.rendered.release.name
    cure = (
        f"Free or add such a node; else ask for fewer{in_setting(release, 'gpu.count')}, or look at the node "
        f"selector{in_setting(release, 'nodeSelector')} and the tolerations{in_setting(release, 'tolerations')}; "
        + AUTOSCALER.format(check="gpu")
    )
    if not found.sure and not found.unsure:
        lines = "; ".join(found.lines) or "the cluster has no node"
        return fails(f"{asked.pods.owner}: no node with free {needed}{where}: {lines}", cure)
    pods = [Placing(asked.devices, [*found.sure, *found.unsure])] * asked.pods.count
    if not found.sure or _together(view, pods, nodes) is None:
        return unknown(f"{asked.pods.owner}: whether {needed} is free on {_listed(found)} can't be told", cure)
    if not _together(view, pods, nodes):
        return fails(
            f"{asked.pods.owner}: there is no room for {asked.pods.count} pods with {needed} each on "
            f"{', '.join(found.sure)}",
            cure,
        )
    return well(f"{asked.pods.owner}: {needed} is free on {', '.join(found.sure[:3])}")


def capacity(view: View) -> Iterator[Said]:
    """Whether there is a node for every pod with all that it asks for, beside what is there and what comes before."""
    nodes = view.all("nodes")
    pods: list[Placing] = []
    judged: list[Asked] = []
    for asked in asked_by(view):
        if asked.devices and _devices_on(view, asked, nodes).result is Result.FAILED:
            # The check `gpu` says it in better words, or is not to say it.
            say = well if "gpu" in view.off else unknown
            yield say(f"{asked.pods.owner}: not looked at, since no node has the devices that it asks for")
            continue
        found = options(asked.pods.spec, nodes, view.used)
        if found.sure or found.unsure:
            judged.append(asked)
            pods += [Placing(asked.all, [*found.sure, *found.unsure])] * asked.pods.count
            continue
        yield fails(
            f"{asked.pods.owner}: no node takes a pod that asks for {asked.in_words}: "
            f"{'; '.join(found.lines) or 'the cluster has no node'}",
            _cure(view),
        )
    if judged:
        yield _all_together(view, pods, judged, nodes)


def _all_together(view: View, pods: list[Placing], judged: Sequence[Asked], nodes: Sequence[Object]) -> Said:
    what = ", ".join(_counted(asked) for asked in judged)
    earlier = [
        Placing(totals(each.spec, "requests"), found.sure)
        for each in view.before
        for found in [options(each.spec, nodes, view.used)] * each.count
        if found.sure
    ]
    if earlier and not _together(view, earlier, nodes):
        earlier = []  # The check of those releases says so.
    beside = " beside the releases before it" if earlier else ""
    fit = _together(view, [*earlier, *pods], nodes)
    if fit is None:
        return unknown(f"whether there is room for {what} can't be told: not every node's pods are known", _cure(view))
    if not fit:
        return fails(f"the nodes have no room for all pods together{beside}: {what}", _cure(view))
    return well(f"there is room{beside} for {what}")


def _counted(asked: Asked) -> str:
    each = f"{asked.pods.count} pods, each " if asked.pods.count > 1 else ""
    return f"{asked.pods.owner} ({each}{asked.in_words})"


def _together(view: View, pods: Sequence[Placing], nodes: Sequence[Object]) -> bool | None:
    """Whether the pods fit on the nodes whose use is known; None where that can't be told, or others may have room."""
    free = {
        name(node): free_on(node, on_it)
        for node in nodes
        if (on_it := view.used.get(name(node))) is not None and not isinstance(on_it, Unreadable)
    }
    known = [Placing(pod.asked, [node for node in pod.nodes if node in free]) for pod in pods]
    fit = fit_together(known, free)
    if not fit and any(len(before.nodes) != len(after.nodes) for before, after in zip(pods, known, strict=True)):
        return None
    return fit


def _asking(spec: Object, amounts: Mapping[str, Decimal]) -> Object:
    """A pod that may go where this one may, and asks for these amounts only."""
    requests = {resource: str(amount) for resource, amount in amounts.items()}
    placed = {key: spec[key] for key in ("nodeSelector", "tolerations", "affinity") if spec.get(key)}
    return {**placed, "containers": [{"resources": {"requests": requests}}]}


def _cure(view: View) -> str:
    release = view.rendered.release.name
    return f"Free or add a node; else ask for less{in_setting(release, 'resources.requests')}; " + AUTOSCALER.format(
        check="capacity"
    )


def _listed(found: Options) -> str:
    nodes = [*found.sure, *found.unsure]
    return ", ".join(nodes[:3]) + (f" and {len(nodes) - 3} more" if len(nodes) > 3 else "")


def _shown_selector(selector: Mapping[str, str]) -> str:
    return "{" + ", ".join(f'{key}: "{value}"' for key, value in selector.items()) + "}"
