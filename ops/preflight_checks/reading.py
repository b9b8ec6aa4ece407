"""Asks the API server for all that the checks look at. It only reads; access reviews are created, but never kept."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.objects import Object
from ops.diagnosis.reading import AT_ONCE, why_not
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.manifests import Ref
from ops.preflight_checks.view import Access, Kind, Unreadable

REQUEST_TIMEOUT = 4
"""Seconds for one request, or what is left of the whole time if that is less."""
PAGE = 500
JSON = "application/json"
DISCOVERY = ",".join(
    f"{JSON};g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList" for version in ("v2", "v2beta1")
)
"""All kinds in two answers, since Kubernetes 1.26; an older API server ignores it and lists groups only."""

T = TypeVar("T")
Question = Callable[[], T]


@dataclass(frozen=True)
class Deadline:
    """A moment by which all must have been asked."""

    at: float

    @staticmethod
    def after(seconds: float) -> Deadline:
        """That many seconds from now."""
        return Deadline(time.monotonic() + seconds)

    def left(self) -> float:
        """Seconds until then; never negative."""
        return max(self.at - time.monotonic(), 0.0)


@dataclass(frozen=True)
class Api:
    """An API server that is asked in JSON: the client's models would cost more time than all requests."""

    client: client.ApiClient
    deadline: Deadline

    def get(self, path: str, accept: str = JSON, **query: str) -> Any:
        """The answer to a GET; raises ApiException, HTTPError or OSError."""
        return self._ask("GET", path, accept, [(key, value) for key, value in query.items() if value])

    def review(self, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to a question that is asked by creating an object that is never kept."""
        return self._ask("POST", path, JSON, [], body)

    def send(
        self, method: str, path: str, body: Mapping[str, Any] | str | None = None, content: str = JSON, **query: str
    ) -> Any:
        """The answer to a request that writes, unless it is one with dryRun=All; raises as get() does."""
        return self._ask(method, path, JSON, [(key, value) for key, value in query.items() if value], body, content)

    def items(self, path: str, **query: str) -> list[Object]:
        """Every object of a list, page by page."""
        found: list[Object] = []
        following = ""
        while True:
            answer = self.get(path, limit=str(PAGE), **query, **{"continue": following})
            found += answer["items"] or ()  # null from an API that keeps nothing
            following = answer["metadata"].get("continue") or ""
            if not following:
                return found

    def _ask(
        self,
        method: str,
        path: str,
        accept: str,
        query: list[tuple[str, str]],
        body: Mapping[str, Any] | str | None = None,
        content: str = JSON,
    ) -> Any:
        left = self.deadline.left()
        if not left:
            raise TimeoutError("there was no time left to ask")
        headers = {"Accept": accept, "Content-Type": content}
        prepared = self.client.param_serialize(
            method, path, query_params=query, header_params=headers, body=body, auth_settings=["BearerToken"]
        )
        answer = self.client.call_api(*prepared, _request_timeout=min(REQUEST_TIMEOUT, left))
        data = answer.read()  # type: ignore[no-untyped-call]
        if not 200 <= answer.status < 300:
            error = client.ApiException(status=answer.status, reason=answer.reason)
            error.body = data
            raise error
        return json.loads(data)


def in_short(error: BaseException) -> str:
    """Why a question was not answered, without addresses of objects."""
    if isinstance(error, client.ApiException):
        return "not allowed" if error.status == 403 else f"{error.status} {error.reason}"
    return why_not(error)


class Pool:
    """Asks several questions at once, none longer than until the deadline."""

    def __init__(self, deadline: Deadline) -> None:
        self._deadline = deadline
        self._threads = ThreadPoolExecutor(max_workers=AT_ONCE)

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def start(self, question: Question[T]) -> Future[T]:
        """Begin to ask."""
        return self._threads.submit(question)

    def answer(self, asked: Future[T]) -> T | Unreadable:
        """The answer, or why there is none."""
        try:
            return asked.result(timeout=self._deadline.left())
        except CouldNotTellError as error:
            return Unreadable(str(error))
        except TimeoutError:
            return Unreadable("there was no answer in time")
        except (client.ApiException, HTTPError, OSError, ValueError) as error:
            return Unreadable(in_short(error))

    def answers(self, questions: Mapping[Any, Question[T]]) -> dict[Any, T | Unreadable]:
        """The answers to all of them."""
        asked = {key: self.start(question) for key, question in questions.items()}
        found: dict[Any, T | Unreadable] = {}
        for key, future in asked.items():
            answer = self.answer(future)
            found[key] = answer
        return found


CLUSTER_LISTS = {
    "nodes": "/api/v1/nodes",
    "persistentvolumes": "/api/v1/persistentvolumes",
    "storageclasses": "/apis/storage.k8s.io/v1/storageclasses",
    "csidrivers": "/apis/storage.k8s.io/v1/csidrivers",
    "ingressclasses": "/apis/networking.k8s.io/v1/ingressclasses",
    "ingresses": "/apis/networking.k8s.io/v1/ingresses",
    "runtimeclasses": "/apis/node.k8s.io/v1/runtimeclasses",
}
NAMESPACE_LISTS = ("resourcequotas", "limitranges", "persistentvolumeclaims", "pods")


def lists_of_cluster(api: Api) -> dict[str, Question[list[Object]]]:
    """Questions for what every release looks at."""
    return {resource: partial(api.items, path) for resource, path in CLUSTER_LISTS.items()}


def lists_of_namespace(api: Api, namespace: str) -> dict[str, Question[list[Object]]]:
    """Questions for what is in one namespace; of a namespace that is not there the answer is empty."""
    return {resource: partial(api.items, f"/api/v1/namespaces/{namespace}/{resource}") for resource in NAMESPACE_LISTS}


def read_one(api: Api, path: str) -> Object | None:
    """One object, None where it is not there."""
    try:
        found: Object = api.get(path)
    except client.ApiException as error:
        if error.status == 404:
            return None
        raise
    return found


def pods_on(api: Api, node: str) -> list[Object]:
    """The pods on a node, from the API server's cache: a list by node is dear for an older etcd otherwise."""
    found: Sequence[Object] = api.get("/api/v1/pods", fieldSelector=f"spec.nodeName={node}", resourceVersion="0")[
        "items"
    ]
    return list(found)


def path_of(ref: Ref, kind: Kind) -> str:
    """Where the API server has an object."""
    root = f"/apis/{ref.api_version}" if "/" in ref.api_version else f"/api/{ref.api_version}"
    inside = f"/namespaces/{quote(ref.namespace)}" if ref.namespace else ""
    return f"{root}{inside}/{kind.resource}/{quote(ref.name)}"


def is_allowed(api: Api, access: Access) -> bool:
    """Whether the kubeconfig's user may do that."""
    attributes = {
        "namespace": access.namespace,
        "verb": access.verb,
        "group": access.group,
        "resource": access.resource,
    }
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(api.review("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body)["status"]["allowed"])


def user_name(api: Api) -> str:
    """Who the kubeconfig's user is to the cluster; served since Kubernetes 1.28."""
    body = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    return str(api.review("/apis/authentication.k8s.io/v1/selfsubjectreviews", body)["status"]["userInfo"]["username"])


def read_kinds(api: Api) -> dict[tuple[str, str], Kind]:
    """Every kind that the API server serves, by apiVersion and kind."""
    found: dict[tuple[str, str], Kind] = {}
    for root in ("/api", "/apis"):
        answer = api.get(root, accept=f"{DISCOVERY},{JSON}")
        if answer["kind"] == "APIGroupDiscoveryList":
            found |= _aggregated(answer)
        else:
            versions = answer.get("versions") or [
                version["groupVersion"] for group in answer["groups"] for version in group["versions"]
            ]
            for version in versions:
                found |= _listed(version, _resources(api, f"{root}/{version}"))
    return found


def _resources(api: Api, path: str) -> Iterable[Mapping[str, Any]]:
    try:
        return list(api.get(path)["resources"])
    except client.ApiException:
        return []  # An aggregated API whose server is away.


def _aggregated(answer: Mapping[str, Any]) -> dict[tuple[str, str], Kind]:
    found = {}
    for group in answer["items"]:
        group_name = group["metadata"].get("name", "")
        for version in group["versions"]:
            api_version = f"{group_name}/{version['version']}" if group_name else version["version"]
            for item in version.get("resources") or ():
                kind = (item.get("responseKind") or {}).get("kind")
                if kind:
                    found[api_version, kind] = Kind(item["resource"], group_name, item["scope"] == "Namespaced")
    return found


def _listed(api_version: str, resources: Iterable[Mapping[str, Any]]) -> dict[tuple[str, str], Kind]:
    group = api_version.rpartition("/")[0]
    return {
        (api_version, item["kind"]): Kind(item["name"], group, item["namespaced"])
        for item in resources
        if "/" not in item["name"]
    }
