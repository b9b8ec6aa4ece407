"""Ollama first, LibreChat on top of it."""

import gc

# The SDK's modules are huge and live until the end: collecting them takes a quarter of a preview (2026-11, facts.md).
gc.disable()

import pulumi  # noqa: E402

from components import LibreChat, LibreChatArgs, Ollama, OllamaArgs, Settings  # noqa: E402

settings = Settings.load(pulumi.Config())
ollama = Ollama("ollama", OllamaArgs(settings.platform, settings.ollama))
chat = LibreChat(
    "librechat",
    LibreChatArgs(settings.platform, settings.librechat, ollama),
    pulumi.ResourceOptions(depends_on=[ollama]),
)

pulumi.export("url", chat.url)
pulumi.export("portForward", chat.port_forward)
pulumi.export("ollamaUrl", ollama.url)
pulumi.export("models", list(ollama.models))
pulumi.export("namespaces", {"ollama": ollama.app.namespace, "librechat": chat.app.namespace})
pulumi.export("chartVersions", {"ollama": ollama.app.chart_version, "librechat": chat.app.chart_version})
pulumi.export("releaseStatus", {"ollama": ollama.app.status, "librechat": chat.app.status})

gc.freeze()
