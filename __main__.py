"""Ollama first, LibreChat on top of it; a stack that shares models with others has one of the two."""

import gc

# The SDK's modules are huge and live until the end: collecting them takes a quarter of a preview (2026-11, facts.md).
gc.disable()

import pulumi  # noqa: E402

from components import LibreChat, LibreChatArgs, Ollama, OllamaArgs, Settings, outputs, start_guards  # noqa: E402

settings = Settings.load(pulumi.Config())
start_guards(settings.platform)  # Their process starts meanwhile; HelmApp makes the guards.
ollama = Ollama("ollama", OllamaArgs(settings.platform, settings.ollama)) if settings.ollama else None
chat = None
if settings.librechat:
    chat = LibreChat(
        "librechat",
        LibreChatArgs(settings.platform, settings.librechat),
        pulumi.ResourceOptions(depends_on=[ollama] if ollama else []),
    )

for name, value in outputs(settings, ollama, chat).items():
    pulumi.export(name, value)

gc.freeze()
