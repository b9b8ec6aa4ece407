"""Puts it together: the stack's settings at both versions, rendered, compared, held against the contracts."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kubernetes.client import ApiException
from urllib3.exceptions import HTTPError

from components.charts import LIBRECHAT, OLLAMA, Chart
from components.contracts import all_keys, contract_file
from components.faults import SettingsError
from components.loading import Settings
from components.rules import CONFIG_VERSIONS, Chat, librechat_faults
from ops.diagnosis.masking import named_secrets
from ops.diagnosis.reading import UnreachableError, connect
from ops.preflight_checks.asking import Cluster
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.reading import Api, Deadline, read_kinds
from ops.preflight_checks.rendering import ChartNotHadError, Release, Rendered, releases_of, render
from ops.upgrading.comparing import Comparison, compare
from ops.upgrading.immutable import refused, volumes_left

RENDERING = 60
"""Seconds for both renderings: a chart from a repository is pulled first."""
ASKING = 4
"""Seconds for the cluster to say its version; without an answer helm's own counts."""


@dataclass(frozen=True)
class Report:
    """What moving a chart to another version would do to a stack."""

    chart: str
    before: str
    after: str
    kubernetes: str
    """For which version of it both were rendered; empty for helm's own, where the cluster did not answer."""
    first: Sequence[str]
    """What has to be done before the version can move; where there is none, one changed line is all."""
    comparison: Comparison | None
    """None where the new version can't be rendered for this cluster, or with these values."""
    keys_gone: Sequence[str] | None
    keys_new: Sequence[str] | None
    """Value keys that the new version reads no more, or newly; None where a contract is missing."""


def check(settings: Settings, app: str, version: str, kubeconfig: Path | None) -> Report:
    """What would change; raises CouldNotTellError or SettingsError where one of the two can't be had."""
    moved = at_version(settings, app, version)
    old, new = _release(settings, app), _release(moved, app)
    kubernetes, served = _cluster(settings, kubeconfig)
    root = settings.platform.project_dir
    before = render(old, kubernetes, served, RENDERING, root)
    if before.missing:
        raise CouldNotTellError(f"{old}: {before.missing}")
    gone, added = _keys(old.chart, new.chart, root)
    first = _faults(moved, new)
    try:
        after = render(new, kubernetes, served, RENDERING, root)
    except CouldNotTellError as error:
        if not first or isinstance(error, ChartNotHadError):
            raise
        # The chart's own schema refuses what the contract has told already.
        after = Rendered(new, missing=str(error))
    comparison = None
    if after.missing:
        first.append(f"{new}: {after.missing}{f'; it takes {after.takes}' if after.takes else ''}")
    else:
        comparison = compare(before.manifests, after.manifests, _secrets(old))
        first += [*refused(before.manifests, after.manifests), *volumes_left(before.manifests, comparison)]
    return Report(app, old.chart.version, version, kubernetes, first, comparison, gone, added)


def at_version(settings: Settings, app: str, version: str) -> Settings:
    """The settings with the one line changed; raises CouldNotTellError where the stack has no such app."""
    chat, ollama = settings.librechat, settings.ollama
    line = {"version": version}
    if app == LIBRECHAT.name and chat:
        return replace(settings, librechat=chat.model_copy(update={"chart": chat.chart.model_copy(update=line)}))
    if app == OLLAMA.name and ollama:
        return replace(settings, ollama=ollama.model_copy(update={"chart": ollama.chart.model_copy(update=line)}))
    there = ", ".join(settings.platform.namespaces)
    raise CouldNotTellError(f"the stack {settings.platform.stack} has no release {app}; it has {there}")


def _release(settings: Settings, app: str) -> Release:
    return next(release for release in releases_of(settings) if release.name == app)


def _secrets(release: Release) -> list[str]:
    """What the stack file's free text calls a secret; what it calls so and only names a Secret is none."""
    names = {*release.secrets, *(secret.name for secret in release.existing_secrets)}
    return [text for text in named_secrets(release.settings) if text not in names]


def _cluster(settings: Settings, kubeconfig: Path | None) -> tuple[str, list[str]]:
    """The cluster's version and what it serves, which templates may ask for; nothing where it doesn't answer."""
    try:
        with connect(settings.platform.context, kubeconfig) as client:
            api = Api(client, Deadline.after(ASKING))
            version, kinds = Cluster.reach(api).version, read_kinds(api)
    except (UnreachableError, CouldNotTellError, ApiException, HTTPError, OSError):
        return "", []
    return version, sorted({served for served, _ in kinds} | {"/".join(each) for each in kinds})


def _keys(before: Chart, after: Chart, root: Path) -> tuple[list[str] | None, list[str] | None]:
    files = [contract_file(chart, root / "values" / "contracts") for chart in (before, after)]
    if not all(file.is_file() for file in files):
        return None, None
    old, new = (set(all_keys(json.loads(file.read_text(encoding="utf-8")))) for file in files)
    return _topmost(old - new), _topmost(new - old)


def _topmost(keys: set[str]) -> list[str]:
    """Without those below another one."""
    return sorted(key for key in keys if not any(key.startswith(f"{other}.") for other in keys))


def _faults(moved: Settings, release: Release) -> list[str]:
    """Why the program would refuse the version, or LibreChat its configuration."""
    platform, root = moved.platform, moved.platform.project_dir
    contract = contract_file(release.chart, root / "values" / "contracts")
    if not contract.is_file():
        return [
            f"{contract.relative_to(root)} is missing: until it is there nothing tells which of the stack's values "
            f"{release} ignores, and the program refuses the version. Make it: make contracts"
        ]
    part = moved.librechat if release.name == LIBRECHAT.name else moved.ollama
    override = part.values if part else {}
    found = [fault.text for fault in platform.value_faults(release.name, release.chart, release.values, override)]
    if release.name == LIBRECHAT.name and moved.librechat:
        chat = Chat.of(platform, moved.librechat, release.values, root)
        found += [fault.text for fault in librechat_faults(chat)]
        if release.chart.version not in CONFIG_VERSIONS:
            found.append(
                f"components/rules.py does not know the version of librechat.yaml that {release} takes: add it to "
                "CONFIG_VERSIONS, and its keys to values/contracts"
            )
    return found


__all__ = ["CouldNotTellError", "Report", "SettingsError", "check"]
