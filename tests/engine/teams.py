"""Stacks of several teams: one copy of the project, one backend, one cluster."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from components.loading import PROJECT_DIR
from local.cluster import LocalCluster
from local.contents import connect
from local.engine import PROJECT, Engine
from local.up import STAND_INS
from tests.engine.stacks import Stack, copy_program

SMALL = {"requests": {"cpu": "100m", "memory": "256Mi"}, "limits": {"memory": "512Mi"}}
OLLAMA = {"models": ["llama3.2:1b", "qwen2.5:0.5b"], "storage": {"size": "1Gi"}, "resources": SMALL}
LIBRECHAT = {"host": "localhost", "defaultModel": "llama3.2:1b", "resources": SMALL}


@contextmanager
def stacks_of(
    cluster: LocalCluster, directory: Path, files: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Stack]]:
    """Stacks by name, none of them deployed yet; `files` are what their files say, without the project's name."""
    project = directory / "project"
    project.mkdir()
    copy_program(project)
    engine = Engine(directory / "engine", cluster.kubeconfig, project)
    settings = {"kubernetes:context": cluster.context, f"{PROJECT}:charts": str(PROJECT_DIR / STAND_INS)}
    with connect(cluster.kubeconfig) as api:
        stacks = {}
        for name, keys in files.items():
            source = directory / f"Pulumi.{name}.yaml"
            source.write_text(yaml.safe_dump({"config": {f"{PROJECT}:{key}": value for key, value in keys.items()}}))
            engine.prepare(name, settings, source)
            # What `python -m ops` reads is what the engine deploys.
            (project / source.name).symlink_to(engine.config_file(name))
            stacks[name] = Stack(name, cluster, engine, api)
        yield stacks
