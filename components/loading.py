"""The edge: stack config, values files and the chart directory become one frozen tree, or one error with all faults."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
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
from components.faults import ENCRYPTED, NOT_SHOWN, Fault, SettingsError, explain
from components.images import Images
from components.parts import effective
from components.places import place_faults
from components.platform import Platform
from components.releases import release_faults
from components.rollback import Rollback
from components.settings import LibreChatSettings, OllamaSettings, StackSettings
from components.sharing import models_of, outputs_of_stack, promised
from components.stack_file import read_with_placeholders
from components.values import dig, read_layers

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
    ollama: OllamaSettings | None
    """None where the models are another's."""
    librechat: LibreChatSettings | None
    """None where the stack is an Ollama for others."""

    @property
    def chat(self) -> LibreChatSettings:
        """LibreChat's, for whoever has seen that there is one; raises LookupError otherwise."""
        if self.librechat is None:
            raise LookupError(f"stack {self.platform.stack} has no librechat")
        return self.librechat

    @staticmethod
    def load(
        config: pulumi.Config, further: Mapping[str, Chart] | None = None, project_dir: Path = PROJECT_DIR
    ) -> Settings:
        """The settings of the running stack; raises SettingsError with every fault found, before any resource.

        `further` are the charts of apps beside the two, by app: their values files are checked with the rest. Raises
        RollbackError where the environment holds a rollback that this run can't be.
        """
        settings = Settings.check(_of_engine(config), project_dir, further, outputs_of_stack)
        rollback = Rollback.of_environment(os.environ, settings.platform.stack)
        return replace(settings, platform=replace(settings.platform, rollback=rollback))

    @staticmethod
    def of_stack(stack: str, project_dir: Path = PROJECT_DIR, context: str = "") -> Settings:
        """The settings of a stack file, read without Pulumi: placeholders stand in for what is encrypted.

        `context` stands in where the stack file names none. Of a stack that it refers to, the file counts and not what
        is deployed; where there is none, nothing is known of its models.
        """
        raw = _of_file(stack, project_dir)
        known = partial(_promised_outputs, raw.project, project_dir)
        return Settings.check(replace(raw, context=raw.context or context), project_dir, outputs_of=known)

    @staticmethod
    def check(
        raw: RawConfig,
        project_dir: Path,
        further: Mapping[str, Chart] | None = None,
        outputs_of: Callable[[str], Mapping[str, Any] | None] = lambda _: None,
    ) -> Settings:
        """The settings of a config; raises SettingsError with every fault found.

        `outputs_of` tells the outputs of another stack by its name, or None where it can't.
        """
        parsed, faults = _parse(raw)
        faults += [*_missing_context(raw.context), *_plain_secrets(raw), *cross_checks(raw.keys)]
        values, unreadable = read_layers(project_dir / "values", raw.stack)
        app_files, unreadable_app_files = read_layers(project_dir / "values" / "app", raw.stack)
        faults += [Fault(None, str(error)) for error in unreadable + unreadable_app_files]
        if parsed and parsed.librechat:
            faults += place_faults(parsed.librechat, policies=parsed.network.policies)
        if parsed is None:
            raise SettingsError(raw.stack, faults)
        more = further or {}
        source, missing = _charts(parsed, project_dir, raw.context, more.values())
        # The engine ends the run at a stack that it doesn't know, and nobody would hear of the faults found so far.
        served, unserved = models_of(parsed, (lambda _: None) if faults or missing else outputs_of)
        faults += unserved
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
            parsed.drift,
            namespaces={chart.name: part.namespace for chart, part in _parts(parsed)},
            network=parsed.network,
            access=parsed.access,
            owner=parsed.owner,
            team=parsed.team,
            served=served,
            images=Images(parsed.images.registry, parsed.images.pull_secret),
        )
        faults += missing
        if served or not parsed.librechat:
            faults += release_faults(platform, parsed.ollama, parsed.librechat)
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


def is_protected(stack: str, project_dir: Path = PROJECT_DIR) -> bool:
    """Whether a stack file protects its stack, whatever else is wrong in it; what is no `false` counts as true.

    Raises OSError, YAMLError, ValueError, AttributeError or TypeError where it is no stack file at all.
    """
    return _of_file(stack, project_dir).keys.get("protect", False) is not False


def _pins(settings: StackSettings) -> list[Chart]:
    return [replace(chart, version=part.chart.version) for chart, part in _parts(settings)]


def _parts(settings: StackSettings) -> Iterator[tuple[Chart, OllamaSettings | LibreChatSettings]]:
    """The apps of a stack, in the order in which they are made."""
    if settings.ollama:
        yield OLLAMA, settings.ollama
    if settings.librechat:
        yield LIBRECHAT, settings.librechat


def _of_engine(config: pulumi.Config) -> RawConfig:
    """What the engine hands over: structured values as JSON, scalars as text."""
    prefix = f"{config.name}:"
    keys: dict[str, Any] = {}
    for key in (key.removeprefix(prefix) for key in CONFIG.get() if key.startswith(prefix)):
        keys[key] = _from_text(config.get(key) or "")
    encrypted = {key for key in keys if pulumi.runtime.is_config_secret(prefix + key)}
    context = pulumi.Config("kubernetes").get("context") or ""
    return RawConfig(pulumi.get_project(), pulumi.get_stack(), context, effective(keys), encrypted)


def _from_text(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def _of_file(stack: str, project_dir: Path) -> RawConfig:
    project = str(yaml.load((project_dir / "Pulumi.yaml").read_text(), Loader=yaml.CSafeLoader)["name"])
    config, encrypted = read_with_placeholders(project_dir / f"Pulumi.{stack}.yaml")
    prefix = f"{project}:"
    # `pulumi config set` of any key puts quotes around the scalars of all others (2026-11, CLI 3.250).
    keys = {
        key.removeprefix(prefix): _from_text(value) if isinstance(value, str) else value
        for key, value in config.items()
        if key.startswith(prefix)
    }
    context = str(config.get("kubernetes:context") or "")
    return RawConfig(project, stack, context, effective(keys), {key.removeprefix(prefix) for key in encrypted})


def _promised_outputs(project: str, project_dir: Path, name: str) -> Mapping[str, Any] | None:
    """What the file of another stack of this project says that its outputs will be; None where there is none."""
    _, of_project, stack = name.split("/")
    if of_project != project or not (project_dir / f"Pulumi.{stack}.yaml").is_file():
        return None
    parsed, _ = _parse(_of_file(stack, project_dir))
    return promised(parsed) if parsed else None


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
            f"pulumi config set --secret --path '{raw.project}:librechat.{key}{name}'",
        )
        for path, name in (*(((key,), ".NAME") for key in NOT_SHOWN), *((path, "") for path in ENCRYPTED))
        for key in (".".join(path),)
        if dig(librechat, *path)
    ]
