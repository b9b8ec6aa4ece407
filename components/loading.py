"""The edge: stack config, values files and the chart directory become one frozen tree, or one error with all faults."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pulumi
from pulumi.runtime.config import CONFIG
from pydantic import BaseModel, Secret, ValidationError
from pydantic_core import ErrorDetails

from components.charts import LOCAL_CONTEXT_PREFIX, Chart, ChartLocation, ChartNotFoundError, ChartSource, read_source
from components.checks import Fault, cross_checks
from components.settings import LibreChatSettings, OllamaSettings, StackSettings
from components.values import Values, read_layers

PROJECT_DIR = Path(__file__).resolve().parent.parent
_NOT_SHOWN = ("secretEnv", "keys")
"""Below these keys a message never shows what was found."""


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
            raise SettingsError(_report(self.stack, [Fault("charts", str(error))])) from error


@dataclass(frozen=True)
class Settings:
    """One stack's settings, parsed once."""

    platform: Platform
    ollama: OllamaSettings
    librechat: LibreChatSettings

    @staticmethod
    def load(config: pulumi.Config, project_dir: Path = PROJECT_DIR) -> Settings:
        """The settings of the running stack; raises SettingsError with every fault found, before any resource."""
        faults: list[Fault] = []
        raw = _raw(config)
        context = pulumi.Config("kubernetes").get("context")
        if not context:
            faults.append(
                Fault(
                    "kubernetes:context",
                    "is missing; allowed: the kubeconfig context of this stack's cluster. "
                    "Set it: pulumi config set kubernetes:context NAME (kubectl config get-contexts lists the names)",
                )
            )
        faults += _plain_secrets(config, raw)
        stack_settings, invalid = _parse(raw)
        faults += invalid
        faults += cross_checks(raw)
        values, unreadable = read_layers(project_dir / "values", pulumi.get_stack())
        app_files, unreadable_app_files = read_layers(project_dir / "values" / "app", pulumi.get_stack())
        faults += [Fault(None, str(error)) for error in unreadable + unreadable_app_files]
        source = ChartSource()
        if stack_settings is not None:
            try:
                source = read_source(stack_settings.charts, project_dir)
            except ChartNotFoundError as error:
                faults.append(Fault("charts", f"found {error}; allowed: upstream, an address, or a directory"))
            if source.stand_ins and not (context or "").startswith(LOCAL_CONTEXT_PREFIX):
                faults.append(
                    Fault(
                        "charts",
                        f"found {stack_settings.charts!r}, which holds stand-in charts for the local cluster, but the "
                        f"context {context!r} is not a local one; allowed: upstream, a mirror, or real charts",
                    )
                )
        if faults or stack_settings is None:
            raise SettingsError(_report(pulumi.get_stack(), faults))
        platform = Platform(
            project=pulumi.get_project(),
            stack=pulumi.get_stack(),
            context=str(context),
            protect=stack_settings.protect,
            charts=source,
            values=values,
            app_files=app_files,
        )
        return Settings(platform, stack_settings.ollama, stack_settings.librechat)


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
        return None, [_explained(details) for details in error.errors(include_url=False)]


def _explained(details: ErrorDetails) -> Fault:
    path = [str(part) for part in details["loc"] if part != "[key]"]
    key = ".".join(path)
    if details["type"] == "extra_forbidden":
        model = _model_at(path[:-1])
        known = sorted(field.alias or name for name, field in model.model_fields.items())
        close = difflib.get_close_matches(path[-1], known, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        return Fault(key, f"is not a known key; allowed: {', '.join(known)}.{hint}")
    allowed = _allowed(path) or details["msg"]
    if details["type"] == "missing":
        return Fault(key, f"is missing; allowed: {allowed}")
    found = "a value that is not shown" if _is_secret(path) else _shown(details["input"])
    return Fault(key, f"found {found}; allowed: {allowed}")


def _shown(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def _is_secret(path: list[str]) -> bool:
    return any(part in _NOT_SHOWN for part in path)


def _fields_along(path: list[str]) -> Iterator[tuple[type[BaseModel], Any]]:
    """The model and the field at each step of a path, as far as it goes through models."""
    model: type[BaseModel] | None = StackSettings
    for part in path:
        if model is None:
            continue  # inside a list or a free map: the field that holds it speaks for its parts
        name, field = next(
            ((n, f) for n, f in model.model_fields.items() if part in (n, f.alias)), (None, None)
        )  # fmt: skip
        if name is None or field is None:
            return
        yield model, field
        model = _model_in(field.annotation)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation names, itself or inside `Secret[...]` or `tuple[..., ...]`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for argument in getattr(annotation, "__args__", ()):
        if isinstance(argument, type) and issubclass(argument, BaseModel):
            return argument
    metadata = getattr(annotation, "__pydantic_generic_metadata__", None)
    return _model_in(metadata["args"][0]) if metadata and metadata["args"] else None


def _allowed(path: list[str]) -> str | None:
    fields = [field for _, field in _fields_along([part for part in path if not part.isdigit()])]
    return fields[-1].json_schema_extra["allowed"] if fields else None


def _model_at(path: list[str]) -> type[BaseModel]:
    model: type[BaseModel] = StackSettings
    for _, field in _fields_along([part for part in path if not part.isdigit()]):
        model = _model_in(field.annotation) or model
    return model


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
        for key in _NOT_SHOWN
        if librechat.get(key)
    ]


def _report(stack: str, faults: list[Fault]) -> str:
    file = f"Pulumi.{stack}.yaml"
    count = "1 setting" if len(faults) == 1 else f"{len(faults)} settings"
    lines = [f"{file}: {fault.key} {fault.text}" if fault.key else fault.text for fault in faults]
    return "\n".join([f"{count} can't be used; nothing was changed.", *(f"  {line}" for line in lines)])


__all__ = ["PROJECT_DIR", "Platform", "Secret", "Settings", "SettingsError"]
