"""The whole tree, and what README and errors show of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, get_args

from pydantic import BaseModel

from components import charts
from components.formats import Team
from components.settings.base import REQUIRED, Model, setting
from components.settings.guardrails import AccessSettings, NetworkSettings, OwnerSettings
from components.settings.images import ImageSettings
from components.settings.librechat import LibreChatSettings
from components.settings.ollama import OllamaSettings
from components.settings.operation import DriftSettings, PreflightSettings
from components.settings.shared import SharedOllamaSettings


class StackSettings(Model):
    """The keys of a stack file, without the project's name in front."""

    charts: str = setting(
        charts.UPSTREAM,
        "where charts come from",
        "upstream, an http(s):// or oci:// address, or a directory of chart packages or unpacked charts",
    )
    protect: bool = setting(
        False, "refuse to delete namespaces, releases with their quotas, and generated keys", "true or false"
    )
    team: Team | None = setting(
        None,
        "whose stack it is: its namespaces are <team>-ollama and <team>-librechat unless set, and what the stack owns "
        "has the label private-chatgpt/team",
        "a DNS label of up to 53 characters that begins with a letter",
    )
    preflight: PreflightSettings = setting(PreflightSettings(), "checks of the cluster", "the keys of preflight")
    drift: DriftSettings = setting(DriftSettings(), "edits made inside the releases", "the keys of drift")
    network: NetworkSettings = setting(NetworkSettings(), "network rules", "the keys of network")
    access: AccessSettings = setting(AccessSettings(), "who may look into the namespaces", "viewers and operators")
    owner: OwnerSettings = setting(OwnerSettings(), "whose the stack is", "name, costCenter and contact")
    images: ImageSettings = setting(ImageSettings(), "where images come from", "registry and pullSecret")
    ollama: OllamaSettings | None = setting(None, "Ollama", "the keys of ollama")
    shared_ollama: SharedOllamaSettings | None = setting(None, "an Ollama elsewhere", "the keys of sharedOllama")
    librechat: LibreChatSettings | None = setting(None, "LibreChat", "the keys of librechat")


@dataclass(frozen=True)
class Setting:
    """One key of a stack file, as README and errors show it."""

    description: str
    allowed: str
    default: Any
    """`REQUIRED` where there is none."""
    has_parts: bool
    """Whether it is a map or list of further settings, which have entries of their own."""


def all_settings(model: type[BaseModel] = StackSettings, prefix: str = "") -> dict[str, Setting]:
    """Every setting by its dotted key, such as `ollama.gpu.count`, in the order in which they are declared."""
    found: dict[str, Setting] = {}
    for name, field in model.model_fields.items():
        key = prefix + (field.alias or name)
        inner = _model_in(field.annotation)
        extra = field.json_schema_extra
        allowed = str(extra["allowed"]) if isinstance(extra, dict) else ""
        default = REQUIRED if field.is_required() else field.default
        found[key] = Setting(field.description or "", allowed, default, has_parts=inner is not None)
        if inner is not None:
            found |= all_settings(inner, f"{key}.")
    return found


def _model_in(annotation: Any) -> type[BaseModel] | None:
    """The model that an annotation names, itself or inside `Secret[...]` or `tuple[..., ...]`."""
    generic = getattr(annotation, "__pydantic_generic_metadata__", {"args": ()})
    for candidate in (annotation, *get_args(annotation), *generic["args"]):
        if isinstance(candidate, type) and issubclass(candidate, Model):
            return candidate
    return None
