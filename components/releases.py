"""The final Helm values of the stack's own releases, checked before the first resource is registered."""

from __future__ import annotations

import dataclasses

from components.charts import LIBRECHAT, OLLAMA
from components.faults import Fault
from components.librechat import librechat_config, librechat_values, secret_names
from components.ollama import ollama_url, ollama_values
from components.platform import Platform
from components.rules import Chat, librechat_faults
from components.settings import LibreChatSettings, OllamaSettings
from components.values import Values


def final_values(platform: Platform, ollama: OllamaSettings, librechat: LibreChatSettings) -> dict[str, Values]:
    """Values by release, as the charts get them; a text stands in for the checksums that only `up` knows."""
    url = ollama_url(OLLAMA.name, ollama)
    config = librechat_config(platform.app_file(LIBRECHAT.name), librechat, url, ollama.models)
    checksums = dict.fromkeys(secret_names(LIBRECHAT.name), "known after up")
    return {
        OLLAMA.name: ollama_values(OLLAMA.name, platform.values(OLLAMA.name), ollama),
        LIBRECHAT.name: librechat_values(LIBRECHAT.name, platform.values(LIBRECHAT.name), librechat, config, checksums),
    }


def release_faults(platform: Platform, ollama: OllamaSettings, librechat: LibreChatSettings) -> list[Fault]:
    """What the pinned charts would ignore or refuse in the values of any release, or LibreChat in its own."""
    values = final_values(platform, ollama, librechat)
    faults: list[Fault] = []
    for chart, version, override in (
        (OLLAMA, ollama.chart.version, ollama.values),
        (LIBRECHAT, librechat.chart.version, librechat.values),
    ):
        pinned = dataclasses.replace(chart, version=version)
        faults += platform.value_faults(chart.name, pinned, values[chart.name], override)
    for name, chart in platform.further.items():
        faults += platform.value_faults(name, chart, platform.values(name))
    chat = Chat.of(platform, ollama, librechat, values[LIBRECHAT.name], platform.project_dir)
    return [*faults, *librechat_faults(chat)]
