"""The settings tree: every key that a stack file may set, its type, its default, and what is allowed.

The classes are frozen and hold nothing but what was parsed; `components/loading.py` reads and checks them.
"""

from components.settings.base import REQUIRED, Model, Resources, setting
from components.settings.existing import DatabasePlace, ExistingMeilisearch, ExistingMongodb
from components.settings.guardrails import AccessSettings, Egress, NetworkSettings, OwnerSettings, PodSecurityLevel
from components.settings.images import ImageSettings
from components.settings.keys import KeyName, SuppliedKeys
from components.settings.librechat import LibreChatSettings
from components.settings.ollama import OllamaSettings
from components.settings.operation import CheckName, DriftSettings, PreflightSettings
from components.settings.shared import SharedOllamaSettings
from components.settings.stack import Setting, StackSettings, all_settings

__all__ = [
    "REQUIRED",
    "AccessSettings",
    "CheckName",
    "DatabasePlace",
    "DriftSettings",
    "Egress",
    "ExistingMeilisearch",
    "ExistingMongodb",
    "ImageSettings",
    "KeyName",
    "LibreChatSettings",
    "Model",
    "NetworkSettings",
    "OllamaSettings",
    "OwnerSettings",
    "PodSecurityLevel",
    "PreflightSettings",
    "Resources",
    "Setting",
    "SharedOllamaSettings",
    "StackSettings",
    "SuppliedKeys",
    "all_settings",
    "setting",
]
