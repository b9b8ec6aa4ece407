"""Where each chart comes from: the pinned upstream, a mirror, or a directory."""

from __future__ import annotations

import tarfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

UPSTREAM = "upstream"
STAND_IN_ANNOTATION = "private-chatgpt/stand-in"
LOCAL_CONTEXT_PREFIX = "kwok-"
"""kwokctl names a cluster's context `kwok-<cluster>`; only there may stand-in charts be used."""


@dataclass(frozen=True)
class Chart:
    """A chart at one version, and the repository that publishes it.

    `repository` is the `https://` address of a chart repository, or the `oci://` folder that the chart lives in.
    """

    name: str
    version: str
    repository: str


# renovate: datasource=helm depName=ollama registryUrl=https://otwld.github.io/ollama-helm/
OLLAMA = Chart("ollama", "1.77.0", "https://otwld.github.io/ollama-helm/")
# renovate: datasource=docker depName=ghcr.io/danny-avila/librechat-chart/librechat
LIBRECHAT = Chart("librechat", "2.0.7", "oci://ghcr.io/danny-avila/librechat-chart")


@dataclass(frozen=True)
class ChartLocation:
    """What a Release is told: `chart` (name, oci:// reference or path) and, for HTTP, the repository."""

    chart: str
    repository: str | None = None


class ChartNotFoundError(ValueError):
    """A chart that the configured source does not hold; the message says what was looked for, where, what is there."""


@dataclass(frozen=True)
class ChartSource:
    """Answers where a chart is. For a directory its content was read once, when the settings were loaded."""

    source: str = UPSTREAM
    found: Mapping[tuple[str, str], str] = field(default_factory=dict)
    """(chart name, version) → path, for a directory."""
    stand_ins: frozenset[str] = frozenset()
    """The paths among `found` whose Chart.yaml says that they are stand-ins."""

    def locate(self, chart: Chart) -> ChartLocation:
        """The place of `chart`; raises ChartNotFoundError where a directory does not hold that version."""
        if self.source == UPSTREAM:
            return _in_repository(chart.name, chart.repository)
        if "://" in self.source:
            return _in_repository(chart.name, self.source)
        path = self.found.get((chart.name, chart.version))
        if path is None:
            there = ", ".join(f"{name} {version}" for name, version in sorted(self.found)) or "no chart"
            raise ChartNotFoundError(
                f"chart {chart.name} {chart.version} is not in the directory {self.source}: looked for "
                f"{chart.name}-{chart.version}.tgz and for a folder whose Chart.yaml has that name and version; "
                f"found {there}"
            )
        return ChartLocation(path)


def _in_repository(name: str, repository: str) -> ChartLocation:
    if repository.startswith("oci://"):
        return ChartLocation(f"{repository.rstrip('/')}/{name}")
    return ChartLocation(name, repository)


def read_source(source: str, project_dir: Path) -> ChartSource:
    """The source that the `charts` setting names: `upstream`, an http(s):// or oci:// address, or a directory.

    A directory is looked up from `project_dir`; raises ChartNotFoundError where it is missing or a chart in it broken.
    """
    if source == UPSTREAM or source.startswith(("http://", "https://", "oci://")):
        return ChartSource(source)
    directory = project_dir / source
    if not directory.is_dir():
        raise ChartNotFoundError(f"{source!r} is neither an address nor a directory (looked in {directory})")
    found: dict[tuple[str, str], str] = {}
    stand_ins: set[str] = set()
    for entry in sorted(directory.iterdir()):
        # Helm takes a path for a repository name unless it starts with a dot or a slash.
        path = str(entry) if Path(source).is_absolute() else f"./{Path(source, entry.name).as_posix()}"
        if entry.suffix == ".tgz":
            metadata = _metadata(_packed_chart_yaml(entry), entry)
        elif (entry / "Chart.yaml").is_file():
            metadata = _metadata((entry / "Chart.yaml").read_bytes(), entry / "Chart.yaml")
        else:
            continue
        found[str(metadata["name"]), str(metadata["version"])] = path
        if (metadata.get("annotations") or {}).get(STAND_IN_ANNOTATION) == "true":
            stand_ins.add(path)
    return ChartSource(source, found, frozenset(stand_ins))


def _packed_chart_yaml(package: Path) -> bytes:
    try:
        with tarfile.open(package) as archive:
            for member in archive:
                if PurePosixPath(member.name).parts[1:] == ("Chart.yaml",) and (file := archive.extractfile(member)):
                    return file.read()
    except (tarfile.TarError, OSError, EOFError) as error:
        raise ChartNotFoundError(f"{package}, which is no chart package") from error
    raise ChartNotFoundError(f"{package}, which holds no Chart.yaml")


def _metadata(content: bytes, file: Path) -> Mapping[str, Any]:
    try:
        metadata = yaml.load(content, Loader=yaml.CSafeLoader)
    except yaml.YAMLError as error:
        raise ChartNotFoundError(f"{file}, which is no YAML") from error
    if not isinstance(metadata, dict) or not {"name", "version"} <= set(metadata):
        raise ChartNotFoundError(f"{file}, which says no name and version of a chart")
    return metadata
