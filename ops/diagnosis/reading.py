"""Asks a cluster, read-only, for all that a diagnosis looks at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes import client, config
from urllib3.exceptions import HTTPError

from ops.diagnosis.causes import LogOf
from ops.diagnosis.history import revisions_of
from ops.diagnosis.nodes import fits_apart_from_use
from ops.diagnosis.objects import Object, Snapshot, condition, name, to_event

REQUEST_TIMEOUT = 5
"""Seconds for one request: who waits for an answer has waited for helm's timeout before."""
LOG_LINES = 8
AT_ONCE = 8
"""Requests under way at once."""
NODE_LIMIT = 500
"""Nodes that are looked at; of more, the first."""
LOOKED_INTO = 10
"""Nodes whose pods are listed, to tell what is free: those that fit but for what is in use there."""


class UnreachableError(RuntimeError):
    """The cluster can't be asked; the message says why."""


@contextmanager
def connect(context: str, kubeconfig: Path | str | None = None) -> Iterator[client.ApiClient]:
    """An API client for a kubeconfig context; without a file the one that kubectl would take.

    Raises UnreachableError where there is no such context. One that is raised while the cluster is asked, or an answer
    that never came, is raised anew with the server that was asked.
    """
    configuration = client.Configuration()
    try:
        config.load_kube_config(  # type: ignore[no-untyped-call]
            config_file=str(kubeconfig) if kubeconfig else None, context=context, client_configuration=configuration
        )
    except (config.ConfigException, OSError) as error:
        raise UnreachableError(f"the kubeconfig context {context!r} can't be used: {error}") from error
    # urllib3 would repeat a refused connection three times, each with a line on screen.
    configuration.retries = False
    configuration.connection_pool_maxsize = AT_ONCE
    with client.ApiClient(configuration) as api:
        try:
            yield api
        except (UnreachableError, HTTPError, TimeoutError) as error:
            why = (
                str(error) if isinstance(error, UnreachableError) else f"the cluster does not answer: {why_not(error)}"
            )
            raise UnreachableError(f"{why} ({_asked(configuration.host, context, kubeconfig)})") from error


def _asked(server: str, context: str, kubeconfig: Path | str | None) -> str:
    file = f" --kubeconfig {kubeconfig}" if kubeconfig else ""
    return f"asked: {server}; try again when it answers kubectl{file} --context {context} get --raw /readyz"


def read(api: client.ApiClient, namespace: str, release: str, expected: Mapping[str, Object]) -> Snapshot:
    """What the cluster holds of the release now; raises UnreachableError where it doesn't answer at all.

    `expected` are the specs of pods, by workload, that the values of the release make.
    """
    now = datetime.now(UTC)
    try:
        client.VersionApi(api).get_code(_request_timeout=REQUEST_TIMEOUT)
    except client.ApiException as error:
        if error.status == 401:
            raise UnreachableError("the cluster does not accept the credentials of the kubeconfig") from error
    except (HTTPError, OSError) as error:
        raise UnreachableError(f"the cluster does not answer: {why_not(error)}") from error
    resources, unreadable = _read_all(_questions(api, namespace))
    found = resources.pop("namespaces", [{}])
    snapshot = Snapshot(
        release=release,
        namespace=namespace,
        now=now,
        namespace_found=bool(found),
        events=[to_event(item) for item in resources.pop("events", [])],
        revisions=revisions_of(release, resources.get("secrets", [])),
        expected=expected,
        resources=resources,
        unreadable=unreadable,
    )
    return _with_nodes(api, snapshot) if _needs_nodes(snapshot) else snapshot


def may_not_create(api: client.ApiClient, namespace: str, resources: Sequence[str]) -> list[str]:
    """Those of the resources, such as `deployments.apps`, that the kubeconfig's user may not create there."""
    questions = {resource: _access(api, namespace, resource) for resource in resources}
    answers, _ = _read_all(questions)
    return [resource for resource, answer in answers.items() if not answer]


def log_tail(api: client.ApiClient, namespace: str, log: LogOf) -> list[str]:
    """The last lines of a container's log; empty where there is none to be had."""
    try:
        answer: Any = client.CoreV1Api(api).read_namespaced_pod_log(
            log.pod,
            namespace,
            container=log.container,
            previous=log.previous,
            tail_lines=LOG_LINES,
            _preload_content=False,
            _request_timeout=REQUEST_TIMEOUT,
        )
        text = answer.data.decode(errors="replace")
    except (client.ApiException, HTTPError, OSError):
        return []
    return [line for line in text.splitlines() if line.strip()]


Question = Callable[[], list[Object]]


def _questions(api: client.ApiClient, namespace: str) -> dict[str, Question]:
    core, apps, storage = client.CoreV1Api(api), client.AppsV1Api(api), client.StorageV1Api(api)
    lists: Mapping[str, Any] = {
        "pods": core.list_namespaced_pod,
        "persistentvolumeclaims": core.list_namespaced_persistent_volume_claim,
        "events": core.list_namespaced_event,
        "services": core.list_namespaced_service,
        "serviceaccounts": core.list_namespaced_service_account,
        "configmaps": core.list_namespaced_config_map,
        "resourcequotas": core.list_namespaced_resource_quota,
        "secrets": core.list_namespaced_secret,
        "deployments": apps.list_namespaced_deployment,
        "statefulsets": apps.list_namespaced_stateful_set,
        "daemonsets": apps.list_namespaced_daemon_set,
        "replicasets": apps.list_namespaced_replica_set,
    }
    questions = {resource: _items(ask, namespace) for resource, ask in lists.items()}
    questions["storageclasses"] = _items(storage.list_storage_class)
    questions["namespaces"] = _items(core.list_namespace, field_selector=f"metadata.name={namespace}")
    return questions


def _items(ask: Any, *arguments: str, **options: Any) -> Question:
    """A question whose answer stays JSON: the client's models would cost more time than all requests."""

    def items() -> list[Object]:
        answer = ask(*arguments, **options, _preload_content=False, _request_timeout=REQUEST_TIMEOUT)
        return list(json.loads(answer.data)["items"])

    return items


def _access(api: client.ApiClient, namespace: str, resource: str) -> Question:
    name_, _, group = resource.partition(".")
    attributes = {"namespace": namespace, "verb": "create", "group": group, "resource": name_}
    body: Any = {"spec": {"resourceAttributes": attributes}}

    def allowed() -> list[Object]:
        # It creates nothing: it is how the API server is asked.
        review: Any = client.AuthorizationV1Api(api).create_self_subject_access_review(
            body, _preload_content=False, _request_timeout=REQUEST_TIMEOUT
        )
        status = json.loads(review.data)["status"]
        return [status] if status["allowed"] else []

    return allowed


def _read_all(questions: Mapping[str, Question]) -> tuple[dict[str, list[Object]], dict[str, str]]:
    """The answers, and why those that are missing are."""
    resources: dict[str, list[Object]] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
        answers = {resource: pool.submit(ask) for resource, ask in questions.items()}
    for resource, answer in answers.items():
        try:
            resources[resource] = answer.result()
        except client.ApiException as error:
            unreadable[resource] = f"{error.status} {error.reason}"
        except (HTTPError, OSError, ValueError) as error:
            unreadable[resource] = why_not(error)
    return resources, unreadable


def _needs_nodes(snapshot: Snapshot) -> bool:
    """Whether a pod has no node, or an event of one that is gone says so."""
    pending = any(condition(pod, "PodScheduled").get("status") == "False" for pod in snapshot.all("pods"))
    return pending or any(event.reason == "FailedScheduling" for event in snapshot.events)


def _with_nodes(api: client.ApiClient, snapshot: Snapshot) -> Snapshot:
    core = client.CoreV1Api(api)
    resources, unreadable = _read_all({"nodes": _items(core.list_node, limit=NODE_LIMIT)})
    nodes = resources.get("nodes", [])
    specs = [pod["spec"] for pod in snapshot.all("pods") if condition(pod, "PodScheduled").get("status") == "False"]
    specs += [spec for revision in snapshot.revisions for spec in revision.pod_specs.values()]
    specs += snapshot.expected.values()
    candidates = [node for node in nodes if any(fits_apart_from_use(spec, node) for spec in specs)][:LOOKED_INTO]
    questions = {
        name(node): _items(core.list_pod_for_all_namespaces, field_selector=f"spec.nodeName={name(node)}")
        for node in candidates
    }
    used, _ = _read_all(questions)
    return replace(snapshot, nodes=nodes, used=used, unreadable={**snapshot.unreadable, **unreadable})


def why_not(error: BaseException) -> str:
    """Why there was no answer, without addresses of objects; urllib3 wraps what matters several times."""
    inner = [item for item in error.args if isinstance(item, OSError)]
    if inner:
        return inner[0].strerror or str(inner[0])
    reason = getattr(error, "reason", None)
    return str(reason if reason is not None else error).rpartition(">: ")[2].rpartition("): ")[2]
