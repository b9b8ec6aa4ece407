"""MongoDB as far as it can be had: real mongodump, mongorestore and mongosh, and FerretDB, which speaks the protocol.

A node's kubelet is played (tests/engine/kubelet.py): for a pod of the database it starts a server with the password of
the Secret that the pod mounts, for a Job's pod it writes that Secret's file, and what is run in the Job's pod by exec
runs on this machine, passed on by the API server and a second kwok. No container runs.
"""

from __future__ import annotations

import base64
import json
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, ApiException, CoordinationV1Api, CoreV1Api
from urllib3.exceptions import HTTPError

from local.control_plane import free_ports
from tests.engine.kube import eventually
from tests.engine.kubelet import PlayedNode

SHELL = Path(__file__).parent / "mongosh"
DATABASE = "LibreChat"


@dataclass
class Server:
    """One database: empty until its pod runs for the first time, as with a volume."""

    namespace: str
    folder: Path
    port: int
    held: socket.socket
    """Keeps the port from others until it is started."""
    password: str = ""
    process: subprocess.Popen[bytes] | None = None

    @property
    def mounted(self) -> Path:
        """Where the Job's pod finds the password."""
        return self.folder / "mounted"

    def start(self, password: str) -> None:
        """Start with the password of root, which counts for the first time only."""
        if self.process is not None:
            return
        self.password = password
        data = self.folder / "data"
        data.mkdir(parents=True, exist_ok=True)
        line = ["ferretdb", f"-listen=127.0.0.1:{self.port}", f"-folder={data}"]
        self.held.close()
        with (self.folder / "log").open("ab") as log:
            environment = {**os.environ, "ROOT_PASSWORD": password}
            self.process = subprocess.Popen(line, env=environment, stdout=log, stderr=log)
        eventually(lambda: self._answers() or None)

    def change_password(self, password: str) -> None:
        """What the Job of `ops/database_password` does in a container, for root; played here."""
        self.run(f"db.getSiblingDB('admin').changeUserPassword('root', {json.dumps(password)}); print(0)")
        self.password = password

    def stop(self) -> None:
        """End it; its data stays."""
        self.held.close()
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)
            self.process = None

    def run(self, script: str) -> Any:
        """What a script prints as JSON, run by mongosh as root; `db` is the chat's database."""
        uri = json.dumps(f"mongodb://root:{self.password}@127.0.0.1:{self.port}/admin")
        text = f"const db = connect({uri}).getSiblingDB('{DATABASE}');\n{script}"
        done = subprocess.run(
            [mongosh(), "--nodb", "--norc", "--quiet", "--eval", text],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={**os.environ, "HOME": str(self.folder)},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def _answers(self) -> bool:
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0


def mongosh() -> str:
    """The path of mongosh, installed by npm on first use."""
    program = SHELL / "node_modules" / ".bin" / "mongosh"
    if not program.exists():
        subprocess.run(["npm", "ci", "--silent", "--fetch-retries=5"], cwd=SHELL, check=True, timeout=600)
    return str(program)


def server_in(namespace: str, folder: Path) -> Server:
    """A database that is not started."""
    folder.mkdir(parents=True, exist_ok=True)
    (port,) = free_ports(1)
    held = socket.socket()
    held.bind(("127.0.0.1", port))
    return Server(namespace, folder, port, held)


def exec_documents(servers: list[Server], path: str) -> list[dict[str, Any]]:
    """kwok's ClusterExecs: commands in a pod of a server's namespace run here, with that server for the database."""
    return [
        {
            "apiVersion": "kwok.x-k8s.io/v1alpha1",
            "kind": "ClusterExec",
            "metadata": {"name": server.namespace},
            "spec": {
                "selector": {"matchNamespaces": [server.namespace]},
                "execs": [
                    {
                        "local": {
                            "workDir": str(server.folder),
                            "envs": [
                                {"name": "PATH", "value": f"{server.folder / 'bin'}:{path}"},
                                {"name": "HOME", "value": str(server.folder)},
                                {"name": "MONGODB_HOST", "value": f"127.0.0.1:{server.port}"},
                                {"name": "MONGODB_USER", "value": "root"},
                                {"name": "PASSWORD_FILE", "value": str(server.mounted)},
                            ],
                        }
                    }
                ],
            },
        }
        for server in servers
    ]


@dataclass
class Kubelet:
    """Makes the node's pods run, as a kubelet would, but for containers."""

    node: PlayedNode
    api: ApiClient
    servers: dict[str, Server]
    hold_back: set[str] = field(default_factory=set)
    """Parts of names of pods that stay Pending."""
    _renewed: float = 0
    _stopped: threading.Event = field(default_factory=threading.Event)

    @contextmanager
    def at_work(self) -> Iterator[Kubelet]:
        """Until the block ends."""
        thread = threading.Thread(target=self._work)
        thread.start()
        try:
            yield self
        finally:
            self._stopped.set()
            thread.join()
            for server in self.servers.values():
                server.stop()

    def _work(self) -> None:
        core = CoreV1Api(self.api)
        while not self._stopped.wait(0.2):
            # As a kubelet does: what fails is tried again.
            with suppress(ApiException, HTTPError):
                self._live()
                listed: Any = core.list_pod_for_all_namespaces(field_selector=f"spec.nodeName={self.node.name}")
                for pod in listed.items:
                    with suppress(ApiException, HTTPError):
                        self._see_to(pod)

    def _live(self) -> None:
        """Renew the node's lease: else its pods are said to be not ready, and evicted."""
        if time.monotonic() - self._renewed > 5:
            body: Any = {"spec": {"renewTime": datetime.now(UTC)}}
            CoordinationV1Api(self.api).patch_namespaced_lease(self.node.name, "kube-node-lease", body)
            self._renewed = time.monotonic()

    def _see_to(self, pod: Any) -> None:
        name = pod.metadata.name
        if pod.metadata.deletion_timestamp:
            self.node.end(pod)
        elif pod.status.phase == "Pending" and not any(part in name for part in self.hold_back):
            server, secret = self.servers.get(pod.metadata.namespace), self._secret(pod)
            if server is not None and "new-root" in secret:
                server.change_password(secret["new-root"])
                self._run(pod, ended=True)
                return
            if server is not None and (password := secret.get("mongodb-root-password")):
                server.mounted.write_text(password) if "job-name" in pod.metadata.labels else server.start(password)
            self._run(pod)

    def _secret(self, pod: Any) -> dict[str, str]:
        for volume in pod.spec.volumes or ():
            if volume.secret is not None:
                found: Any = CoreV1Api(self.api).read_namespaced_secret(
                    volume.secret.secret_name, pod.metadata.namespace
                )
                return {key: base64.b64decode(text).decode() for key, text in found.data.items()}
        return {}

    def _run(self, pod: Any, *, ended: bool = False) -> None:
        state = (
            {"terminated": {"exitCode": 0}} if ended else {"running": {"startedAt": pod.metadata.creation_timestamp}}
        )
        statuses = [
            {
                "name": container.name,
                "image": container.image,
                "imageID": "",
                "ready": True,
                "started": True,
                "restartCount": 0,
                "state": state,
            }
            for container in pod.spec.containers
        ]
        conditions = [{"type": kind, "status": "True"} for kind in ("PodScheduled", "ContainersReady", "Ready")]
        body: Any = {
            "status": {
                "phase": "Succeeded" if ended else "Running",
                "conditions": conditions,
                "containerStatuses": statuses,
            }
        }
        CoreV1Api(self.api).patch_namespaced_pod_status(pod.metadata.name, pod.metadata.namespace, body)
