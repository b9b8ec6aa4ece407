"""The third app of the unit tests, deployed next to the two."""

import shutil
from pathlib import Path
from typing import Any

import yaml
from kubernetes.client import CoreV1Api

from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.up import STAND_INS
from tests.engine.kube import is_ready, list_pods, stored_in
from tests.engine.stacks import Stack, beside, copy_program, stack_on
from tests.third_app import add_third_app

WORKLOAD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: {{ .Values.fullnameOverride }}}
spec:
  replicas: {{ .Values.replicaCount }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec: {containers: [{name: main, image: none.invalid/none}]}
"""


def test_a_third_app_is_deployed_next_to_the_two(cluster: LocalCluster, tmp_path: Path) -> None:
    program, charts = tmp_path / "program", tmp_path / "charts"
    shutil.copytree(PROJECT_DIR / STAND_INS, charts)
    write_chart(charts / "qdrant", version="1.15.5")
    program.mkdir()
    copy_program(program)
    add_third_app(program)
    settings = {**beside("trio"), "charts": str(charts)}

    with stack_on(cluster, tmp_path / "engine", settings=settings, project_dir=program) as stack:
        stack.up()
        assert stack.output("qdrantStatus") == "deployed"
        (pod,) = list_pods(stack.api, "qdrant")
        assert is_ready(pod) and pod.metadata.labels["app"] == "qdrant"
        assert "secrets/qdrant/sh.helm.release.v1.qdrant.v1" in stored_in(cluster, "qdrant")
        labels: Any = CoreV1Api(stack.api).read_namespace("qdrant")
        assert labels.metadata.labels["app.kubernetes.io/managed-by"] == "pulumi"
        assert all(is_ready(found) for found in pods_of_the_two(stack))


def pods_of_the_two(stack: Stack) -> list[Any]:
    pods = [*list_pods(stack.api, stack.ollama), *list_pods(stack.api, stack.librechat)]
    assert len(pods) == len(["ollama", "librechat", "mongodb", "meilisearch"])
    return pods


def write_chart(folder: Path, version: str) -> None:
    (folder / "templates").mkdir(parents=True)
    (folder / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": folder.name, "version": version}))
    (folder / "templates" / "workload.yaml").write_text(WORKLOAD)
