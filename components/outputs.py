"""What a stack tells: people where to find things, and stacks that share its Ollama what is there."""

from __future__ import annotations

from typing import Any

from components.librechat import LibreChat
from components.loading import Settings
from components.ollama import Ollama


def outputs(settings: Settings, ollama: Ollama | None, chat: LibreChat | None) -> dict[str, Any]:
    """The stack's outputs by name; what there is none of is left out."""
    platform = settings.platform
    apps = {name: part.app for name, part in (("ollama", ollama), ("librechat", chat)) if part}
    told: dict[str, Any] = {"team": platform.team}
    if chat:
        told |= {"url": chat.url, "portForward": chat.port_forward}
    if platform.served:
        told |= {"ollamaUrl": platform.served.url, "models": list(platform.served.models)}
    if ollama and platform.network.policies:
        told["clients"] = list(ollama.clients)
    told["namespaces"] = {name: app.namespace for name, app in apps.items()}
    told["chartVersions"] = {name: app.chart_version for name, app in apps.items()}
    told["releaseStatus"] = {name: app.status for name, app in apps.items()}
    return {name: value for name, value in told.items() if value is not None}
