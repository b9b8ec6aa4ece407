"""The edge: stack config, values files and the chart directory become one frozen tree, or one error with all faults."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError

from components.charts import (
    LIBRECHAT,
    LOCAL_CONTEXT_PREFIX,
    OLLAMA,
    Chart,
    ChartLocation,
    ChartNotFoundError,
    ChartSource,
    read_source,
)
from components.checks import cross_checks
from components.faults import NOT_SHOWN, Fault, explain, report
from components.settings import LibreChatSettings, OllamaSettings, StackSettings
from components.values import Values, read_layers

PROJECT_DIR = Path(__file__).resolve().parent.parent


class SettingsError(pulumi.RunError):
    """Settings that can't be used: the message lists every fault, with file, key, what was found and is allowed."""


@dataclass(frozen=True)
class Platform:
    """What every app of a stack shares."""

    project: str
    stack: str
    context: str
    """The kubeconfig context that the stack names."""
    protect: bool
    charts: ChartSource
    values: Mapping[str, Values]
    """Helm values by app, from values/<app>.yaml and values/<app>.<stack>.yaml."""
    app_files: Mapping[str, Values]
    """The apps' own configuration files, from values/app/."""

    def locate(self, chart: Chart) -> ChartLocation:
        """Where `chart` comes from in this stack; raises SettingsError where its source does not hold it."""
        try:
            return self.charts.locate(chart)
        except ChartNotFoundError as error:
            raise SettingsError(report(self.stack, [Fault("charts", str(error))])) from error


@dataclass(frozen=True)
class Settings:
    """One stack's settings, parsed once."""

    platform: Platform
    ollama: OllamaSettings
    librechat: LibreChatSettings

    @staticmethod
    def load(config: pulumi.Config, project_dir: Path = PROJECT_DIR) -> Settings:
        """The settings of the running stack; raises SettingsError with every fault found, before any resource."""
        stack, raw = pulumi.get_stack(), _raw(config)
        context = pulumi.Config("kubernetes").get("context") or ""
        parsed, faults = _parse(raw)
        faults += [*_missing_context(context), *_plain_secrets(config, raw), *cross_checks(raw)]
        values, unreadable = read_layers(project_dir / "values", stack)
        app_files, unreadable_app_files = read_layers(project_dir / "values" / "app", stack)
        faults += [Fault(None, str(error)) for error in unreadable + unreadable_app_files]
        source = ChartSource()
        if parsed is not None:
            source, missing = _charts(parsed, project_dir, context)
            faults += missing
        if faults or parsed is None:
            raise SettingsError(report(stack, faults))
        platform = Platform(pulumi.get_project(), stack, context, parsed.protect, source, values, app_files)
        return Settings(platform, parsed.ollama, parsed.librechat)


def _raw(config: pulumi.Config) -> dict[str, Any]:
    """Every key of the project's namespace. Pulumi hands over structured values as JSON and scalars as text."""
    prefix = f"{config.name}:"
    raw: dict[str, Any] = {}
    for key in CONFIG.get():
        if key.startswith(prefix):
            text = config.get(key.removeprefix(prefix)) or ""
            try:
                raw[key.removeprefix(prefix)] = json.loads(text)
            except json.JSONDecodeError:
                raw[key.removeprefix(prefix)] = text
    return raw


def _parse(raw: Mapping[str, Any]) -> tuple[StackSettings | None, list[Fault]]:
    try:
        # JSON mode: strict about scalars, yet a list may become a tuple.
        return StackSettings.model_validate_json(json.dumps(raw)), []
    except ValidationError as error:
        return None, explain(error)


def _missing_context(context: str) -> list[Fault]:
    if context:
        return []
    text = (
        "is missing; allowed: the kubeconfig context of this stack's cluster. "
        "Set it: pulumi config set kubernetes:context NAME (kubectl config get-contexts lists the names)"
    )
    return [Fault("kubernetes:context", text)]


def _charts(settings: StackSettings, project_dir: Path, context: str) -> tuple[ChartSource, list[Fault]]:
    """The chart source, and what is wrong with it or missing in it."""
    try:
        source = read_source(settings.charts, project_dir)
    except ChartNotFoundError as error:
        return ChartSource(), [Fault("charts", f"found {error}; allowed: upstream, an address, or a directory")]
    if source.stand_ins and not context.startswith(LOCAL_CONTEXT_PREFIX):
        text = (
            f"found {settings.charts!r}, which holds stand-in charts for the local cluster, but the context "
            f"{context!r} is not a local one; allowed: upstream, a mirror, or real charts"
        )
        return source, [Fault("charts", text)]
    faults = []
    for chart in (
        replace(OLLAMA, version=settings.ollama.chart.version),
        replace(LIBRECHAT, version=settings.librechat.chart.version),
    ):
        try:
            source.locate(chart)
        except ChartNotFoundError as error:
            faults.append(Fault("charts", str(error)))
    return source, faults


def _plain_secrets(config: pulumi.Config, raw: Mapping[str, Any]) -> list[Fault]:
    """Secret settings that stand in the stack file as plain text: the engine marks a key that holds a secure value."""
    librechat = raw.get("librechat")
    if not isinstance(librechat, dict) or pulumi.runtime.is_config_secret(f"{config.name}:librechat"):
        return []
    return [
        Fault(
            f"librechat.{key}",
            "found plain text; allowed: encrypted values. Remove it, treat what it held as leaked, and set each with: "
            f"pulumi config set --secret --path '{config.name}:librechat.{key}.NAME'",
        )
        for key in NOT_SHOWN
        if librechat.get(key)
    ]
