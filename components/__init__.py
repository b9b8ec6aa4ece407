"""The Pulumi program's parts: settings, the HelmApp component, and the two apps that stand on it."""

from components.charts import Chart
from components.helm_app import HelmApp, HelmAppArgs
from components.librechat import LibreChat, LibreChatArgs
from components.loading import Settings
from components.ollama import Ollama, OllamaArgs
from components.outputs import outputs
from components.release_guard import start_guards

__all__ = [
    "Chart",
    "HelmApp",
    "HelmAppArgs",
    "LibreChat",
    "LibreChatArgs",
    "Ollama",
    "OllamaArgs",
    "Settings",
    "outputs",
    "start_guards",
]
