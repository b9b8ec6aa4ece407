"""All that the checks look at: the rendered release, and what the API server answered about the place it goes to."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from ops.diagnosis.objects import Object, annotation
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.manifests import Claim, Pods, Ref, claims_of, pods_of
from ops.preflight_checks.rendering import Rendered


@dataclass(frozen=True)
class Unreadable:
    """Stands for an answer that could not be had."""

    why: str


class Kind(NamedTuple):
    """How the API server calls a kind in addresses and permissions."""

    resource: str
    """Such as `deployments`."""
    group: str
    namespaced: bool


class Access(NamedTuple):
    """One thing that a user may or may not do."""

    verb: str
    resource: str
    group: str
    namespace: str
    """Empty for objects of the whole cluster."""

    def __str__(self) -> str:
        return f"{self.verb} {full_name(self.resource, self.group)}"


@dataclass(frozen=True)
class View:
    """One release, and the cluster that it goes to."""

    rendered: Rendered
    version: str = ""
    """Of the API server, such as `v1.36.3`."""
    user: str = "the kubeconfig's user"
    answers: Mapping[str, Sequence[Object] | Unreadable] = field(default_factory=dict)
    """Objects by resource, those of the namespace and those of the whole cluster."""
    namespace: Object | Unreadable | None = None
    """The release's namespace; None where there is none yet."""
    kinds: Mapping[tuple[str, str], Kind] = field(default_factory=dict)
    """Kinds that the API server serves, by apiVersion and kind."""
    live: Mapping[Ref, Object | Unreadable | None] = field(default_factory=dict)
    """What is there now under the names that the release, or the stack for it, is going to use."""
    existing_secrets: Mapping[str, Object | Unreadable | None] = field(default_factory=dict, repr=False)
    """The Secrets that others make, by name, None where one is not there. Their values are never shown."""
    denied: Sequence[Access] | Unreadable = ()
    """What the user would have to be allowed, and is not."""
    used: Mapping[str, Sequence[Object] | Unreadable] = field(default_factory=dict)
    """Node → pods on it that stay when the release has come; a node that was not looked into is absent."""
    own_pods: Sequence[Object] = ()
    """Pods of the release's present revision."""
    before: Sequence[Pods] = ()
    """Pods of the stack's releases that are made before this one, and are not in `used`."""
    off: Collection[str] = ()
    """Checks that are switched off."""

    @property
    def pods(self) -> list[Pods]:
        """The pods that the release is going to have."""
        self._need_manifests()
        return pods_of(self.rendered.manifests)

    @property
    def claims(self) -> list[Claim]:
        """The volume claims that the release is going to have."""
        self._need_manifests()
        return claims_of(self.rendered.manifests)

    @property
    def manifests(self) -> Sequence[Object]:
        """What helm is going to create."""
        self._need_manifests()
        return self.rendered.manifests

    def all(self, resource: str) -> Sequence[Object]:
        """The objects of a resource; raises CouldNotTellError where they may not be read."""
        answer = self.answers.get(resource, Unreadable("they were not asked for"))
        if isinstance(answer, Unreadable):
            raise CouldNotTellError(f"the cluster's {resource} can't be read: {answer.why}")
        return answer

    def live_namespace(self) -> Object | None:
        """The release's namespace, None where it is not there; raises CouldNotTellError where that can't be told."""
        if isinstance(self.namespace, Unreadable):
            raise CouldNotTellError(f"the namespace can't be read: {self.namespace.why}")
        return self.namespace

    def _need_manifests(self) -> None:
        if self.rendered.missing:
            raise CouldNotTellError(self.rendered.missing)


def full_name(resource: str, group: str) -> str:
    """`deployments.apps`, or `pods` for the core group."""
    return f"{resource}.{group}" if group else resource


def is_owned_by(item: Object, release: str, namespace: str) -> bool:
    """Whether helm takes the object for one of this release's, as it checks before it touches one."""
    return (
        (item["metadata"].get("labels") or {}).get("app.kubernetes.io/managed-by") == "Helm"
        and annotation(item, "meta.helm.sh/release-name") == release
        and annotation(item, "meta.helm.sh/release-namespace") == namespace
    )
