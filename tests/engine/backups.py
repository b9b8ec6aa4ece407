"""What the tests of backup and restore share: a cluster with databases to be had, and what they ask of stacks."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kubernetes.client import ApiClient, BatchV1Api, CoreV1Api

from local.cluster import LocalCluster
from tests.engine.commands import Answer, run_ops
from tests.engine.containers import second_kubelet
from tests.engine.kube import eventually
from tests.engine.kubelet import PlayedNode
from tests.engine.mongo import Kubelet, Server, exec_documents, mongosh
from tests.engine.stacks import Stack, beside

JOB = "librechat-mongodb-restore"
FILL = """
db.users.insertMany([{ email: "ada@example.com" }, { email: "bob@example.com" }]);
db.conversations.insertOne({ title: "A chat", _meiliIndex: true });
const text = (number) => [...Array(2000).keys()].map((part) => (number * 7919 + part * 104729) % 99991).join(" ");
db.messages.insertMany([...Array(300).keys()].map((number) => ({
  text: text(number), at: new Date(1763719200000 + number), count: Long.fromNumber(number), _meiliIndex: true })));
print(db.users.countDocuments());
"""
READ = """
const found = {};
for (const name of ["users", "conversations", "messages"]) {
  found[name] = db[name].find({}, { _meiliIndex: 0 }).sort({ _id: 1 }).toArray();
}
found.indexed = db.messages.countDocuments({ _meiliIndex: true });
found.names = db.getCollectionNames().sort();
print(EJSON.stringify(found));
"""


@dataclass
class Place:
    """A cluster with a node whose kubelet is played, and two stacks that may use it."""

    cluster: LocalCluster
    api: ApiClient
    node: PlayedNode
    kubelet: Kubelet
    servers: dict[str, Server]
    folder: Path

    def settings(self, prefix: str) -> dict[str, Any]:
        on_node = {"nodeSelector": self.node.selector, "tolerations": self.node.tolerations}
        return {**beside(prefix), "librechat.values": {"mongodb": on_node}, "protect": True}

    @contextmanager
    def kubelet_of_its_own(self, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
        """Another process that answers for the node, which may be killed."""
        documents = exec_documents(list(self.servers.values()), programs())
        with second_kubelet(self.cluster, self.api, self.node.name, documents, folder) as process:
            yield process


def programs() -> str:
    return f"{Path(mongosh()).parent}:{os.environ['PATH']}"


def backup(stack: Stack, folder: Path, *arguments: str) -> Answer:
    return run_ops(stack, "backup", "--out", str(folder), *arguments)


def restore(stack: Stack, folder: Path, *arguments: str) -> Answer:
    return run_ops(stack, "restore", str(folder), *arguments)


def passphrase(of: Stack) -> list[str]:
    return ["--passphrase-file", str(of.engine.directory / "passphrase")]


@contextmanager
def standing_in(server: Server, program: str, script: str) -> Iterator[None]:
    """A script in the place of a program, for commands in the server's pods."""
    folder = server.folder / "bin"
    folder.mkdir(exist_ok=True)
    (folder / program).write_text(f"#!/bin/bash\n{script}\n")
    (folder / program).chmod(0o755)
    try:
        yield
    finally:
        shutil.rmtree(folder)


def kill_when(file: Path, kubelet: subprocess.Popen[bytes]) -> None:
    """Kill the kubelet as soon as the file is there."""
    eventually(file.exists, 60)
    kubelet.kill()
    file.unlink()


def plain_keys(stack: Stack) -> dict[str, str]:
    resources = json.loads(stack.engine.run("stack", stack.name, "export", "--show-secrets").stdout)
    return {
        item["urn"].rpartition("::")[2]: json.loads(item["outputs"]["result"]["plaintext"])
        for item in resources["deployment"].get("resources") or ()
        if item["type"].endswith(":RandomPassword")
    }


def chat_pods(stack: Stack) -> set[str]:
    found: list[Any] = (
        CoreV1Api(stack.api)
        .list_namespaced_pod(stack.librechat, label_selector="app.kubernetes.io/name=librechat")
        .items
    )
    return {pod.metadata.uid for pod in found if not pod.metadata.deletion_timestamp}


def jobs(stack: Stack) -> list[str]:
    found: list[Any] = BatchV1Api(stack.api).list_namespaced_job(stack.librechat).items
    return [item.metadata.name for item in found]
