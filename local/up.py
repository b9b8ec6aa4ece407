"""`make up`, `recover` and `down` without a STACK: the dev settings on a local cluster of this checkout's own."""

from __future__ import annotations

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import yaml
from kubernetes import client
from rich.console import Console
from rich.table import Table

from components.charts import LIBRECHAT, OLLAMA
from components.faults import SettingsError
from components.loading import PROJECT_DIR, Settings, is_protected
from local import cluster, contents
from local.control_plane import ControlPlaneError
from local.engine import PROJECT, Engine, EngineError
from ops import down, recover
from ops.recovery.place import Place
from ops.recovery.records import ReleaseName

STACK = "dev"
LOCAL_DIR = PROJECT_DIR / ".local"
STAND_INS = "local/charts"
ANSWER_TIMEOUT = 3
"""Seconds that a chart repository may take to answer before stand-in charts take its place."""


def main() -> int:
    """Run `up`, `recover` or `down`; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.up", description=__doc__)
    parser.add_argument("command", choices=["up", "recover", "down"])
    parser.add_argument("--directory", type=Path, default=LOCAL_DIR, help="where cluster and state live")
    options = parser.parse_args()
    console = Console(highlight=False)
    commands = {"up": _up, "recover": _recover, "down": _down}
    try:
        return commands[options.command](console, options.directory)
    except (ControlPlaneError, EngineError) as error:
        print(error, file=sys.stderr)
        return 1


def _up(console: Console, directory: Path) -> int:
    console.print("[bold]Local cluster[/] (real control plane, SIMULATED nodes: its pods run no containers)")
    running = cluster.start(directory)
    console.print(f"  {running.name} {running.origin}, kubeconfig {running.kubeconfig}")
    charts = _charts(console)
    engine = Engine(directory, running.kubeconfig)
    if running.origin in ("created", "recreated"):
        # A state that is still there describes objects of a cluster that is gone.
        engine.forget()
    engine.prepare(STACK, {"kubernetes:context": running.context, "private-chatgpt:charts": charts})
    if _recovery(engine, running, "--check") == recover.LEFT:
        return recover.LEFT
    console.print(f"[bold]pulumi up[/] of the settings in Pulumi.{STACK}.yaml")
    engine.run("up", STACK, "--yes", "--skip-preview", "--suppress-outputs", "--non-interactive", capture=False)
    outputs = json.loads(engine.run("stack", STACK, "output", "--json").stdout)
    _summary(console, running, outputs, charts)
    return 0


def _recover(console: Console, directory: Path) -> int:
    running = cluster.start(directory)
    engine = Engine(directory, running.kubeconfig)
    if not engine.config_file(STACK).exists():
        console.print("Nothing was deployed here yet: there is nothing to mend.")
        return 0
    return _recovery(engine, running)


def _recovery(engine: Engine, running: cluster.LocalCluster, *arguments: str) -> int:
    """Run `ops recover` on this stack, whose state, context and kubeconfig no stack file names."""
    environment = engine.environment()
    # The Automation API adds the caller's environment to what it is given.
    for name in os.environ.keys() - environment.keys():
        del os.environ[name]
    try:
        settings = Settings.of_stack(STACK, context=running.context)
    except SettingsError:
        return recover.UNKNOWN  # `up` says what is wrong with them.
    releases = [ReleaseName(name, namespace) for name, namespace in settings.platform.namespaces.items()]
    folder = engine.config_file(STACK).parent
    place = Place(STACK, PROJECT, folder, running.context, running.kubeconfig, environment)
    return recover.run(place, releases, recover.options_of(["--stack", STACK, *arguments]))


def _down(console: Console, directory: Path) -> int:
    engine = Engine(directory, directory / "kubeconfig")
    if _protected(engine.config_file(STACK).parent):
        # The stack is in the backend of `directory` alone: `pulumi config set` would not know it.
        allow = f"take private-chatgpt:protect out of Pulumi.{STACK}.yaml"
        print(down.protected_stack(STACK, allow, "make down"), file=sys.stderr)
        return down.PROTECTED
    cluster.stop(directory)
    engine.forget()
    console.print(f"The local cluster, its volumes and the state of stack {STACK} are gone.")
    return 0


def _protected(deployed: Path) -> bool:
    """Whether the stack file protects the stack; one that can't be read counts as it was at the last `make up`."""
    for folder in (PROJECT_DIR, deployed):
        try:
            return is_protected(STACK, folder)
        except (OSError, yaml.YAMLError, ValueError, AttributeError, TypeError):
            continue
    return False  # Never deployed: a cluster that stands by itself must not stay for a broken file's sake.


def _charts(console: Console) -> str:
    silent = [chart for chart in (OLLAMA, LIBRECHAT) if not _answers(chart.repository)]
    if not silent:
        return "upstream"
    for chart in silent:
        console.print(f"  no answer from {chart.repository} within {ANSWER_TIMEOUT} s")
    console.print(
        f"  [bold]using STAND-IN charts[/] from {STAND_INS}: same objects as the pinned upstream charts, made for "
        "this local stack only",
        soft_wrap=True,
    )
    return STAND_INS


def _answers(repository: str) -> bool:
    """Whether the repository's host answers at all; an OCI registry may well ask who calls."""
    scheme, _, place = repository.partition("://")
    address = f"https://{place.split('/')[0]}/v2/" if scheme == "oci" else f"{repository.rstrip('/')}/index.yaml"
    try:
        with urllib.request.urlopen(address, timeout=ANSWER_TIMEOUT):  # noqa: S310 - https addresses of charts.py
            return True
    except urllib.error.HTTPError as error:
        return scheme == "oci" and error.code == 401
    except OSError:
        return False


def _summary(console: Console, running: cluster.LocalCluster, outputs: dict[str, Any], charts: str) -> None:
    table = Table("Namespace", "Pod", "Node", "Ready", title="What runs where (simulated: no container runs)")
    with contents.connect(running.kubeconfig) as api:
        for namespace in outputs["namespaces"].values():
            pods: list[Any] = client.CoreV1Api(api).list_namespaced_pod(namespace).items
            for pod in pods:
                ready = any(item.type == "Ready" and item.status == "True" for item in pod.status.conditions or [])
                table.add_row(namespace, pod.metadata.name, pod.spec.node_name or "-", "yes" if ready else "no")
    console.print(table)
    versions = ", ".join(f"{name} {version}" for name, version in outputs["chartVersions"].items())
    origin = "upstream" if charts == "upstream" else "STAND-IN"
    console.print(f"URL     {outputs['url']} (on a real cluster, through: {outputs['portForward']})", soft_wrap=True)
    console.print(f"Models  {', '.join(outputs['models'])} from {outputs['ollamaUrl']}")
    console.print(f"Charts  {versions} ({origin})")
    console.print("\nNext steps")
    console.print(f"  look around       export KUBECONFIG={running.kubeconfig}", soft_wrap=True)
    console.print(f"  change something  edit Pulumi.{STACK}.yaml or values/, then make up")
    console.print("  your own cluster  README, Deploy to a real cluster")
    console.print("  undo              make down")


if __name__ == "__main__":
    sys.exit(main())
