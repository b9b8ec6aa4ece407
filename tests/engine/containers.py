"""Pods whose port and commands lead to this machine: a second kwok plays the kubelet of a simulated node.

No container runs in them either. But what the API server passes on, a port-forward or a command, really arrives here.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import ApiClient, CoreV1Api

from components import ports
from local.cluster import LocalCluster
from local.control_plane import free_ports
from tests.engine.kube import eventually

API_VERSION = "kwok.x-k8s.io/v1alpha1"


@contextmanager
def led_here(cluster: LocalCluster, api: ApiClient, node: str, port: int, models: Path) -> Iterator[None]:
    """Ollama's port of every pod on the node leads to `port` here; a command finds its models in the folder."""
    forwards = [{"ports": [ports.OLLAMA], "target": {"port": port, "address": "127.0.0.1"}}]
    command = {"workDir": str(models), "envs": [{"name": "OLLAMA_MODELS", "value": str(models)}]}
    documents = [
        _document("ClusterPortForward", {"forwards": forwards}),
        _document("ClusterExec", {"execs": [{"local": command}]}),
    ]
    with second_kubelet(cluster, api, node, documents, models):
        yield


@contextmanager
def second_kubelet(
    cluster: LocalCluster, api: ApiClient, node: str, documents: Sequence[Mapping[str, Any]], folder: Path
) -> Iterator[subprocess.Popen[bytes]]:
    """What the API server asks of the node's kubelet is answered as kwok's `documents` say; its file is in `folder`."""
    program = shutil.which("kwok")
    assert program, "kwok is not on PATH"
    home = cluster.directory / "cluster" / ".kwok" / "clusters" / cluster.name
    config = folder / "kwok.yaml"
    # Its stages are there because kwok does not start without any; it manages no node.
    config.write_text(
        yaml.safe_dump_all([*filter(None, yaml.safe_load_all((home / "kwok.yaml").read_text())), *documents])
    )
    (kubelet,) = free_ports(1)
    options = {
        "kubeconfig": cluster.kubeconfig,
        "config": config,
        "manage-all-nodes": "false",
        "manage-nodes-with-label-selector": "nothing=nothing",
        "tls-cert-file": home / "pki" / "admin.crt",
        "tls-private-key-file": home / "pki" / "admin.key",
        "server-address": f"127.0.0.1:{kubelet}",
        "node-port": kubelet,
    }
    line = [program, *(f"--{name}={value}" for name, value in options.items())]
    before = _endpoint(api, node)
    with subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: process.poll() is None and _answers(kubelet))
            _lead(api, node, kubelet)
            yield process
        finally:
            _lead(api, node, before)
            process.terminate()


def _document(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": "ollama"}, "spec": spec}


def _endpoint(api: ApiClient, node: str) -> int:
    found: Any = CoreV1Api(api).read_node(node)
    return int(found.status.daemon_endpoints.kubelet_endpoint.port)


def _lead(api: ApiClient, node: str, port: int) -> None:
    body: Any = {"status": {"daemonEndpoints": {"kubeletEndpoint": {"Port": port}}}}
    CoreV1Api(api).patch_node_status(node, body)


def _answers(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
