"""The edge: stack config, values files and the chart directory become one frozen tree, or one error with all faults."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pulumi
import yaml
from pulumi.runtime.config import CONFIG
from pydantic import ValidationError

from components.charts import (
    LIBRECHAT,
    LOCAL_CONTEXT_PREFIX,
    OLLAMA,
    Chart,
    ChartNotFoundError,
    ChartSource,
    read_source,
)
from components.checks import cross_checks
from components.faults import NOT_SHOWN, Fault, SettingsError, explain
from components.platform import Platform
from components.releases import release_faults
from components.settings import LibreChatSettings, OllamaSettings, StackSettings
from components.stack_file import read_with_placeholders
from components.values import read_layers

PROJECT_DIR = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class RawConfig:
    """A stack's config before it is checked, from the engine or from the stack file."""

    project: str
    stack: str
    context: str
    keys: Mapping[str, Any]
    """The project's keys, without its name in front."""
    encrypted: Collection[str]
    """Those of `keys` that hold an encrypted value; the engine tells no more of where in them it stands."""


@dataclass(frozen=True)
class Settings:
    """One stack's settings, parsed once."""

    platform: Platform
    ollama: OllamaSettings
    librechat: LibreChatSettings

    @staticmethod
    def load(
        config: pulumi.Config, further: Mapping[str, Chart] | None = None, project_dir: Path = PROJECT_DIR
    ) -> Settings:
        """The settings of the running stack; raises SettingsError with every fault found, before any resource.

        `further` are the charts of apps beside the two, by app: their values files are checked with the rest.
        """
        return Settings.check(_of_engine(config), project_dir, further)

    @staticmethod
    def of_stack(stack: str, project_dir: Path = PROJECT_DIR, context: str = "") -> Settings:
        """The settings of a stack file, read without Pulumi: placeholders stand in for what is encrypted.

        `context` stands in where the stack file names none.
        """
        raw = _of_file(stack, project_dir)
        return Settings.check(replace(raw, context=raw.context or context), project_dir)

    @staticmethod
    def check(raw: RawConfig, project_dir: Path, further: Mapping[str, Chart] | None = None) -> Settings:
        """The settings of a config; raises SettingsError with every fault found."""
        parsed, faults = _parse(raw)
        faults += [*_missing_context(raw.context), *_plain_secrets(raw), *cross_checks(raw.keys)]
        values, unreadable = read_layers(project_dir / "values", raw.stack)
        app_files, unreadable_app_files = read_layers(project_dir / "values" / "app", raw.stack)
        faults += [Fault(None, str(error)) for error in unreadable + unreadable_app_files]
        if parsed is None:
            raise SettingsError(raw.stack, faults)
        more = further or {}
        source, missing = _charts(parsed, project_dir, raw.context, more.values())
        platform = Platform(
            raw.project,
            raw.stack,
            raw.context,
            parsed.protect,
            source,
            values,
            app_files,
            more,
            parsed.preflight,
            project_dir,
        )
        faults += [*missing, *release_faults(platform, parsed.ollama, parsed.librechat)]
        if faults:
            raise SettingsError(raw.stack, faults)
        return Settings(platform, parsed.ollama, parsed.librechat)


def pinned_charts(stack: str, project_dir: Path = PROJECT_DIR) -> tuple[str, list[Chart]]:
    """The setting `charts` of a stack file and the charts that it pins, without a look at values, contracts or charts.

    Raises SettingsError where the stack file can't be used.
    """
    parsed, faults = _parse(_of_file(stack, project_dir))
    if parsed is None:
        raise SettingsError(stack, faults)
    return parsed.charts, _pins(parsed)


def _pins(settings: StackSettings) -> list[Chart]:
    return [
        replace(OLLAMA, version=settings.ollama.chart.version),
        replace(LIBRECHAT, version=settings.librechat.chart.version),
    ]


def _of_engine(config: pulumi.Config) -> RawConfig:
    """What the engine hands over: structured values as JSON, scalars as text."""
    prefix = f"{config.name}:"
    keys: dict[str, Any] = {}
    for key in (key.removeprefix(prefix) for key in CONFIG.get() if key.startswith(prefix)):
        text = config.get(key) or ""
        try:
            keys[key] = json.loads(text)
        except json.JSONDecodeError:
            keys[key] = text
    encrypted = {key for key in keys if pulumi.runtime.is_config_secret(prefix + key)}
    context = pulumi.Config("kubernetes").get("context") or ""
    return RawConfig(pulumi.get_project(), pulumi.get_stack(), context, keys, encrypted)


def _of_file(stack: str, project_dir: Path) -> RawConfig:
    project = str(yaml.load((project_dir / "Pulumi.yaml").read_text(), Loader=yaml.CSafeLoader)["name"])
    config, encrypted = read_with_placeholders(project_dir / f"Pulumi.{stack}.yaml")
    prefix = f"{project}:"
    keys = {key.removeprefix(prefix): value for key, value in config.items() if key.startswith(prefix)}
    context = str(config.get("kubernetes:context") or "")
    return RawConfig(project, stack, context, keys, {key.removeprefix(prefix) for key in encrypted})


def _parse(raw: RawConfig) -> tuple[StackSettings | None, list[Fault]]:
    try:
        # JSON mode: strict about scalars, yet a list may become a tuple.
        return StackSettings.model_validate_json(json.dumps(raw.keys)), []
    except ValidationError as error:
        return None, explain(error, raw.encrypted)


def _missing_context(context: str) -> list[Fault]:
    if context:
        return []
    text = (
        "is missing; allowed: the kubeconfig context of this stack's cluster. "
        "Set it: pulumi config set kubernetes:context NAME (kubectl config get-contexts lists the names)"
    )
    return [Fault("kubernetes:context", text)]


def _charts(
    settings: StackSettings, project_dir: Path, context: str, further: Iterable[Chart]
) -> tuple[ChartSource, list[Fault]]:
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
    for chart in (*_pins(settings), *further):
        try:
            source.locate(chart)
        except ChartNotFoundError as error:
            faults.append(Fault("charts", str(error)))
    return source, faults


def _plain_secrets(raw: RawConfig) -> list[Fault]:
    """Secret settings that stand in the stack file as plain text."""
    librechat = raw.keys.get("librechat")
    if not isinstance(librechat, dict) or "librechat" in raw.encrypted:
        return []
    return [
        Fault(
            f"librechat.{key}",
            "found plain text; allowed: encrypted values. Remove it, treat what it held as leaked, and set each with: "
            f"pulumi config set --secret --path '{raw.project}:librechat.{key}.NAME'",
        )
        for key in NOT_SHOWN
        if librechat.get(key)
    ]
