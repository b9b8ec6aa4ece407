"""The manifests of a release, rendered by helm as the provider will: same chart, same values, same cluster version."""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from components.charts import LIBRECHAT, OLLAMA, Chart, ChartLocation
from components.existing import ExistingSecret, existing_secrets
from components.guardrails.apps import around_librechat, around_ollama
from components.guardrails.objects import Guardrails, objects_around, pod_security_labels
from components.librechat import secret_keys
from components.loading import PROJECT_DIR, Settings
from components.ownership import owner_annotations, owner_labels
from components.releases import final_values
from components.replicas import Shared
from components.settings import LibreChatSettings, OllamaSettings
from components.values import Values, dump
from ops.diagnosis.masking import Masker
from ops.diagnosis.objects import Object
from ops.diagnosis.words import shortened
from ops.preflight_checks.findings import CouldNotTellError

REFUSED_VERSION = re.compile(r"chart requires kubeVersion: (.+?) which is incompatible with Kubernetes")


class ChartNotHadError(CouldNotTellError):
    """The chart's source does not answer, or does not hold that version."""


@dataclass(frozen=True)
class Release:
    """One release of a stack, and what the stack makes beside it."""

    name: str
    namespace: str
    chart: Chart
    location: ChartLocation
    values: Values
    labels: Mapping[str, str]
    """Labels of all that the stack owns: they say whose it is."""
    annotations: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Annotations of all that the stack owns."""
    namespace_labels: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Labels of the namespace beyond those."""
    around: tuple[Object, ...] = ()
    """What else the stack owns for it: network rules, quota, roles."""
    secrets: tuple[str, ...] = ()
    """Names of the Secrets that the stack makes."""
    existing_secrets: tuple[ExistingSecret, ...] = ()
    """Secrets that others make in its namespace."""
    settings: Values = dataclasses.field(default_factory=dict)
    """What stands in the stack file as free text, encrypted perhaps: helm's errors are shown without it."""

    def __str__(self) -> str:
        return f"{self.chart.name} {self.chart.version}"


@dataclass(frozen=True)
class Rendered:
    """The manifests of a release."""

    release: Release
    manifests: Sequence[Object] = ()
    takes: str | None = None
    """The Kubernetes versions that the chart takes, such as `>=1.25.0-0`; None where it doesn't say."""
    refused: bool = False
    """Whether the cluster's version is none of them."""
    missing: str = ""
    """Why there are no manifests; empty where there are."""


def releases_of(settings: Settings) -> list[Release]:
    """The stack's releases, in the order in which they are made."""
    platform, ollama, librechat = settings.platform, settings.ollama, settings.librechat
    values = final_values(platform, ollama, librechat)

    def release(chart: Chart, part: OllamaSettings | LibreChatSettings, guardrails: Guardrails, **more: Any) -> Release:
        pinned = dataclasses.replace(chart, version=part.chart.version)
        return Release(
            chart.name,
            part.namespace,
            pinned,
            platform.locate(pinned),
            values[chart.name],
            owner_labels(platform, part.labels),
            annotations=owner_annotations(platform),
            namespace_labels=pod_security_labels(part.pod_security),
            around=tuple(objects_around(chart.name, platform, guardrails, part.namespace, part.labels).values()),
            **more,
        )

    releases = []
    if ollama:
        guardrails = around_ollama(platform, ollama, values[OLLAMA.name])
        releases.append(release(OLLAMA, ollama, guardrails, settings=ollama.values))
    if librechat:
        free_text = {"values": librechat.values, "env": librechat.env}
        secrets = tuple(secret_keys(LIBRECHAT.name, librechat, Shared.of(values[LIBRECHAT.name])))
        existing = existing_secrets(librechat)
        guardrails = around_librechat(platform, librechat, values[LIBRECHAT.name])
        releases.append(
            release(LIBRECHAT, librechat, guardrails, secrets=secrets, existing_secrets=existing, settings=free_text)
        )
    return releases


def render(
    release: Release, version: str, api_versions: Sequence[str], timeout: float, project_dir: Path = PROJECT_DIR
) -> Rendered:
    """What helm makes of the release on a cluster of that version, such as `v1.36.3`, which it is not asked to reach.

    An empty version is that of the cluster for which this helm was made.
    Raises CouldNotTellError where helm is missing, the chart can't be had, the templates fail, or `timeout` seconds
    pass.
    """
    helm = shutil.which("helm")
    if helm is None:
        raise CouldNotTellError(
            "helm is not on PATH (make toolchain puts it into the folder that the make targets use)"
        )
    until = time.monotonic() + timeout
    with tempfile.TemporaryDirectory() as folder:
        chart = _chart(helm, release, Path(folder), until, project_dir)
        takes = _metadata(chart).get("kubeVersion") or None
        line = ["template", release.name, str(chart), "--namespace", release.namespace, "--skip-tests"]
        line += ["--values", "-"]
        line += ["--kube-version", version] if version else []
        line += ["--api-versions", ",".join(api_versions)] if api_versions else []
        done = _run(helm, line, until, project_dir, dump(release.values))
    if done.returncode and (found := REFUSED_VERSION.search(done.stderr)):
        return Rendered(
            release,
            takes=found[1],
            refused=True,
            missing="helm renders no chart that does not take the cluster's version",
        )
    if done.returncode:
        raise CouldNotTellError(f"helm can't render {release}: {_complaint(done.stderr, release)}")
    return Rendered(release, tuple(_objects(done.stdout)), takes)


def _chart(helm: str, release: Release, folder: Path, until: float, project_dir: Path) -> Path:
    """The chart as a folder or package on this machine."""
    location = release.location
    if "://" not in location.chart and location.repository is None:
        return (project_dir / location.chart).resolve()
    line = ["pull", location.chart, "--version", release.chart.version, "--destination", str(folder)]
    line += ["--repo", location.repository] if location.repository else []
    done = _run(helm, line, until, project_dir)
    if done.returncode:
        place = location.repository or location.chart
        raise ChartNotHadError(f"helm can't get {release} from {place}: {_complaint(done.stderr, release)}")
    return next(folder.glob("*.tgz"))


def _run(helm: str, line: Sequence[str], until: float, cwd: Path, values: str = "") -> subprocess.CompletedProcess[str]:
    # Nobody's cluster and no cluster's values: helm only renders.
    environment = {**os.environ, "KUBECONFIG": os.devnull}
    try:
        return subprocess.run(
            [helm, *line],
            cwd=cwd,
            env=environment,
            input=values,
            capture_output=True,
            text=True,
            check=False,
            timeout=max(until - time.monotonic(), 0.1),
        )
    except subprocess.TimeoutExpired:
        raise CouldNotTellError(f"helm {line[0]} {line[1]} did not end in time") from None


def _metadata(chart: Path) -> dict[str, Any]:
    try:
        if chart.is_dir():
            text = (chart / "Chart.yaml").read_bytes()
        else:
            with tarfile.open(chart) as package:
                member = next(
                    item for item in package if item.name.count("/") == 1 and item.name.endswith("Chart.yaml")
                )
                file = package.extractfile(member)
                text = file.read() if file else b""
        document = yaml.load(text, Loader=yaml.CSafeLoader)
    except (OSError, tarfile.TarError, StopIteration, yaml.YAMLError):
        return {}  # helm will say what is wrong with it.
    return document if isinstance(document, dict) else {}


def _objects(text: str) -> Iterator[Object]:
    try:
        documents = [item for item in yaml.load_all(text, Loader=yaml.CSafeLoader) if item]
    except yaml.YAMLError as error:
        raise CouldNotTellError("what helm rendered is no YAML") from error
    for document in documents:
        listed = isinstance(document, dict) and document.get("kind") == "List"
        for item in document.get("items") or () if listed else (document,):
            if not _is_object(item):
                raise CouldNotTellError("helm rendered something that is no Kubernetes object")
            yield item


def _is_object(item: Any) -> bool:
    parts = (dict, item.get("metadata"), item.get("spec") or {}) if isinstance(item, dict) else ()
    return all(isinstance(part, dict) for part in parts[1:]) and bool(
        parts and item.get("apiVersion") and item.get("kind") and item["metadata"].get("name")
    )


def _complaint(stderr: str, release: Release) -> str:
    """The last error of helm's, without the values that it quotes: any of them may be secret."""
    lines = [line.strip() for line in stderr.splitlines() if line.strip() and not line.startswith("WARNING")]
    text = re.sub(r"`[^`]*`", "`***`", " ".join(lines).removeprefix("Error: "))
    mask = Masker(_leaves(release.settings), spare=(release.name, release.namespace, release.chart.name))
    return shortened(mask(text))


def _leaves(values: Any) -> Iterator[str]:
    if isinstance(values, Mapping):
        for item in values.values():
            yield from _leaves(item)
    elif isinstance(values, list | tuple):
        for item in values:
            yield from _leaves(item)
    elif isinstance(values, str):
        yield values
