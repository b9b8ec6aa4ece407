"""How a database's passwords are changed in a cluster. No simulated pod runs MongoDB: its Job ends well by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, AppsV1Api, BatchV1Api, CoreV1Api

from components.ownership import Marks
from local.cluster import LocalCluster
from ops.database_password import Account, PasswordChangeError, Passwords, change_passwords
from tests.engine.kube import eventually, stored_in

NAMESPACE, JOB = "database-password", "chat-mongodb-password"
ACCOUNT = Account("librechat", "LibreChat")
PASSWORDS = Passwords("the-old-root-password", "the-new-root-password", "the-new-user-password")
MARKS = Marks({"private-chatgpt/stack": "prod"}, {"private-chatgpt/owner": "ml-platform"})


@pytest.fixture
def namespace(api: ApiClient) -> Iterator[CoreV1Api]:
    """An empty namespace, gone afterwards."""
    core, body = CoreV1Api(api), {"metadata": {"name": NAMESPACE}}
    core.create_namespace(body)  # type: ignore[arg-type]
    try:
        eventually(lambda: core.list_namespaced_service_account(NAMESPACE).items)
        yield core
    finally:
        core.delete_namespace(NAMESPACE)
        eventually(lambda: NAMESPACE not in [item.metadata.name for item in namespaces(core)], 60)


def namespaces(core: CoreV1Api) -> list[Any]:
    return list(core.list_namespace().items)


def change(cluster: LocalCluster, timeout: float = 60) -> None:
    file = cluster.kubeconfig
    change_passwords(cluster.context, NAMESPACE, "chat", ACCOUNT, PASSWORDS, MARKS, timeout=timeout, kubeconfig=file)


def create_database(api: ApiClient, *, ready: bool = True) -> None:
    """A StatefulSet chat-mongodb, with one simulated pod."""
    labels = {"app": "mongodb"}
    pod = {"containers": [{"name": "mongodb", "image": "none.invalid/mongodb"}]}
    body: Any = {
        "metadata": {"name": "chat-mongodb"},
        "spec": {
            "serviceName": "chat-mongodb",
            "replicas": int(ready),
            "updateStrategy": {"type": "OnDelete"},
            "selector": {"matchLabels": labels},
            "template": {"metadata": {"labels": labels}, "spec": pod},
        },
    }
    apps = AppsV1Api(api)
    apps.create_namespaced_stateful_set(NAMESPACE, body)

    def is_ready() -> bool:
        found: Any = apps.read_namespaced_stateful_set("chat-mongodb", NAMESPACE)
        return (found.status.ready_replicas or 0) == int(ready)

    eventually(is_ready)


def left(cluster: LocalCluster) -> list[str]:
    return [key for key in stored_in(cluster, NAMESPACE) if JOB in key]


def completed(core: CoreV1Api) -> list[Any]:
    """The events of Jobs that have ended well; they come a moment after the status that says so."""
    events: list[Any] = core.list_namespaced_event(NAMESPACE).items
    return [event for event in events if event.involved_object.name == JOB and event.reason == "Completed"]


def test_a_job_runs_and_nothing_is_left_of_it(cluster: LocalCluster, api: ApiClient, namespace: CoreV1Api) -> None:
    create_database(api)
    change(cluster)
    assert len(eventually(lambda: completed(namespace))) == 1
    assert eventually(lambda: not left(cluster))


def test_what_a_killed_run_left_does_not_stand_in_the_way(
    cluster: LocalCluster, api: ApiClient, namespace: CoreV1Api
) -> None:
    create_database(api)
    secret: Any = {"metadata": {"name": JOB}, "stringData": {"old-root": "of-yesterday"}}
    namespace.create_namespaced_secret(NAMESPACE, secret)
    containers = [{"name": "main", "image": "none.invalid/none"}]
    pod = {"restartPolicy": "Never", "nodeSelector": {"no": "node"}, "containers": containers}
    job: Any = {"metadata": {"name": JOB}, "spec": {"template": {"spec": pod}}}
    before: Any = BatchV1Api(api).create_namespaced_job(NAMESPACE, job)
    eventually(lambda: namespace.list_namespaced_pod(NAMESPACE, label_selector=f"job-name={JOB}").items)
    change(cluster)
    done = eventually(lambda: completed(namespace))
    assert all(item.involved_object.uid != before.metadata.uid for item in done)
    assert eventually(lambda: not left(cluster))


def test_a_job_that_does_not_end_is_given_up_and_no_password_is_told(
    cluster: LocalCluster, api: ApiClient, namespace: CoreV1Api
) -> None:
    create_database(api)
    body: Any = {"spec": {"template": {"spec": {"nodeSelector": {"no": "node"}}}}}
    AppsV1Api(api).patch_namespaced_stateful_set("chat-mongodb", NAMESPACE, body)
    with pytest.raises(PasswordChangeError) as caught:
        change(cluster, timeout=2)
    assert f"Job {JOB} did not end in time" in str(caught.value) and "no Secret was changed" in str(caught.value)
    assert "password" not in str(caught.value).replace(JOB, "").replace("passwords", "").replace("new password", "")
    assert eventually(lambda: not left(cluster))


def test_a_database_without_a_ready_pod_is_said(cluster: LocalCluster, api: ApiClient, namespace: CoreV1Api) -> None:
    create_database(api, ready=False)
    with pytest.raises(PasswordChangeError, match="StatefulSet chat-mongodb has no pod that is ready"):
        change(cluster)
    assert left(cluster) == []


def test_a_volume_without_its_database_is_said_and_nothing_at_all_is_nothing_to_do(
    cluster: LocalCluster, namespace: CoreV1Api
) -> None:
    change(cluster)
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    body: Any = {"metadata": {"name": "datadir-chat-mongodb-0"}, "spec": spec}
    namespace.create_namespaced_persistent_volume_claim(NAMESPACE, body)
    with pytest.raises(PasswordChangeError, match="claim datadir-chat-mongodb-0 is, and in it the old password"):
        change(cluster)


def test_a_cluster_that_is_not_there_is_said(tmp_path: Path) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("{}")
    with pytest.raises(PasswordChangeError, match="kubeconfig context 'none' can't be used"):
        change_passwords("none", NAMESPACE, "chat", ACCOUNT, PASSWORDS, MARKS, kubeconfig=file)
