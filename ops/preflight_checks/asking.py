"""Asks a cluster for what there is to see for each release of a stack."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import partial

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.objects import Object
from ops.diagnosis.placing import quantity
from ops.diagnosis.reading import UnreachableError
from ops.preflight_checks import reading
from ops.preflight_checks.access import needed
from ops.preflight_checks.fitting import options
from ops.preflight_checks.manifests import Pods, Ref, pods_of
from ops.preflight_checks.names import refs_of
from ops.preflight_checks.reading import Api, Pool, Question
from ops.preflight_checks.rendering import Release, Rendered, render
from ops.preflight_checks.scheduling import prepared
from ops.preflight_checks.view import Kind, Unreadable, View, is_owned_by

CANDIDATES = 25
"""Nodes for each workload whose pods are listed, the largest of those that could take it if they were empty."""
FOR_ANSWERS = 2
"""Seconds that must be left when helm has rendered: the last questions hang on what it says."""


@dataclass(frozen=True)
class Cluster:
    """One cluster that is being asked."""

    api: Api
    version: str
    """Of the API server, such as `v1.36.3`."""

    @staticmethod
    def reach(api: Api) -> Cluster:
        """The cluster, which answers; raises UnreachableError where it doesn't."""
        try:
            return Cluster(api, str(api.get("/version")["gitVersion"]))
        except client.ApiException as error:
            if error.status == 401:
                raise UnreachableError("the cluster does not accept the credentials of the kubeconfig") from error
            raise UnreachableError(f"the API server answers {error.status} {error.reason}") from error
        except (HTTPError, OSError, ValueError) as error:
            raise UnreachableError(f"the cluster does not answer: {reading.in_short(error)}") from error

    def views(self, releases: Sequence[Release]) -> list[View]:
        """What there is to see for each release."""
        api = self.api
        with Pool(api.deadline) as pool:
            kinds = pool.answer(pool.start(partial(reading.read_kinds, api)))
            if isinstance(kinds, Unreadable):
                raise UnreachableError(f"the API server does not say what it serves: {kinds.why}")
            # Helm first: it takes longest.
            served = sorted({version for version, _ in kinds} | {"/".join(each) for each in kinds})
            left = api.deadline.left() - FOR_ANSWERS
            rendering = {item.name: pool.start(partial(render, item, self.version, served, left)) for item in releases}
            user = pool.answer(pool.start(partial(reading.user_name, api)))
            shared = pool.answers(reading.lists_of_cluster(api))
            places = {item.name: _Place.read(api, pool, item) for item in releases}
            rendered = {item.name: _rendered(item, pool, rendering[item.name]) for item in releases}
            pods = {key: pods_of(item.manifests) for key, item in rendered.items()}
            used = _used(api, pool, shared, [each for found in pods.values() for each in found])
            views: list[View] = []
            before: list[Pods] = []
            own: list[Object] = []
            for release in releases:
                view = places[release.name].view(api, pool, rendered[release.name], kinds)
                own += view.own_pods
                view = replace(view, version=self.version, answers={**shared, **view.answers})
                view = replace(view, used=_without(used, own), before=tuple(before))
                views.append(replace(view, user=user) if isinstance(user, str) else view)
                before += prepared(view, pods[release.name])
            return views


def existing_secrets(api: Api, release: Release) -> dict[str, Question[Object | None]]:
    """Questions for the Secrets that others make for a release, by name."""
    inside = f"/api/v1/namespaces/{release.namespace}/secrets"
    return {item.name: partial(reading.read_one, api, f"{inside}/{item.name}") for item in release.existing_secrets}


@dataclass(frozen=True)
class _Place:
    """What is in the namespace of a release."""

    namespace: Object | Unreadable | None
    lists: Mapping[str, list[Object] | Unreadable]

    @staticmethod
    def read(api: Api, pool: Pool, release: Release) -> _Place:
        """Asks for the namespace and what is in it."""
        lists = pool.answers(reading.lists_of_namespace(api, release.namespace))
        path = f"/api/v1/namespaces/{release.namespace}"
        return _Place(pool.answer(pool.start(partial(reading.read_one, api, path))), lists)

    def view(self, api: Api, pool: Pool, rendered: Rendered, kinds: Mapping[tuple[str, str], Kind]) -> View:
        """Asks for what is there under the release's names, and what the user may do."""
        release = rendered.release
        refs = refs_of(release, list(rendered.manifests), kinds)
        live = pool.answers(
            {
                ref: partial(reading.read_one, api, reading.path_of(ref, kinds[ref.api_version, ref.kind]))
                for ref in refs
            }
        )
        accesses = needed(release, rendered.manifests, kinds, namespace_is_there=isinstance(self.namespace, Mapping))
        allowed = pool.answers({access: partial(reading.is_allowed, api, access) for access in accesses})
        unread = next((item for item in allowed.values() if isinstance(item, Unreadable)), None)
        return View(
            rendered=rendered,
            answers=self.lists,
            namespace=self.namespace,
            kinds=kinds,
            live=live,
            existing_secrets=pool.answers(existing_secrets(api, release)),
            denied=unread or [access for access, answer in allowed.items() if not answer],
            own_pods=_own_pods(release, live, self.lists["pods"]),
        )


def _rendered(release: Release, pool: Pool, future: Future[Rendered]) -> Rendered:
    answer = pool.answer(future)
    return Rendered(release, missing=answer.why) if isinstance(answer, Unreadable) else answer


def _own_pods(
    release: Release, live: Mapping[Ref, Object | Unreadable | None], pods: list[Object] | Unreadable
) -> list[Object]:
    """The pods of the release's workloads that are there now, by the selectors of those."""
    selectors = [
        item["spec"]["selector"]["matchLabels"].items()
        for item in live.values()
        if isinstance(item, Mapping)
        and is_owned_by(item, release.name, release.namespace)
        and "template" in (item.get("spec") or {})
        and (item["spec"].get("selector") or {}).get("matchLabels")
    ]
    listed = [] if isinstance(pods, Unreadable) else pods
    return [pod for pod in listed if any(s <= (pod["metadata"].get("labels") or {}).items() for s in selectors)]


def _used(
    api: Api, pool: Pool, shared: Mapping[str, list[Object] | Unreadable], pods: Sequence[Pods]
) -> dict[str, list[Object] | Unreadable]:
    """The pods on those nodes that matter."""
    nodes = shared["nodes"]
    if isinstance(nodes, Unreadable):
        return {}
    largest = sorted(nodes, key=_size, reverse=True)
    chosen: set[str] = set()
    for each in pods:
        try:
            could = options(each.spec, largest, {}).unsure
        except (KeyError, TypeError, ValueError, AttributeError):
            continue  # The checks say it.
        chosen |= set(could[:CANDIDATES])
    return pool.answers({node: partial(reading.pods_on, api, node) for node in sorted(chosen)})


def _size(node: Object) -> Decimal:
    return quantity(node.get("status", {}).get("allocatable", {}).get("memory", 0))


def _without(
    used: Mapping[str, Sequence[Object] | Unreadable], own: Sequence[Object]
) -> dict[str, Sequence[Object] | Unreadable]:
    """Pods by node, without the release's own: they go when the new ones come."""
    gone = {pod["metadata"]["uid"] for pod in own}
    return {
        node: pods if isinstance(pods, Unreadable) else [pod for pod in pods if pod["metadata"]["uid"] not in gone]
        for node, pods in used.items()
    }
