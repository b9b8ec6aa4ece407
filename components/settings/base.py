"""What the settings of every part are made with."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from components.formats import Quantity, ResourceName

REQUIRED: Any = ...
NETWORK = "a network such as 203.0.113.0/24, 203.0.113.7/32 for one address"
"""What is allowed for a Cidr."""


def setting(default: Any, description: str, allowed: str, alias: str | None = None) -> Any:
    """A field with what README and errors say of it: what it is for, and what is allowed."""
    return Field(default, description=description, json_schema_extra={"allowed": allowed}, alias=alias)


class Model(BaseModel):
    """Frozen, strict (no text taken for a number), camelCase in YAML; an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, alias_generator=to_camel, defer_build=True)


class Resources(Model):
    """Requests and limits of a container."""

    requests: dict[ResourceName, Quantity] = setting(
        {}, "what the scheduler reserves", "quantities such as cpu: 500m, memory: 2Gi"
    )
    limits: dict[ResourceName, Quantity] = setting(
        {}, "what the container may use", "quantities such as cpu: 4, memory: 8Gi"
    )


def app_namespace(default: str) -> Any:
    """The setting `namespace` of an app."""
    return setting(default, "namespace, created and owned by the stack", "a DNS label of up to 63 characters")


def app_labels() -> Any:
    """The setting `labels` of an app."""
    return setting({}, "labels added to the namespace and the Secrets", "label keys and values")


def app_values() -> Any:
    """The setting `values` of an app."""
    return setting({}, "Helm values with the last word over values/ and settings", "any values that the chart reads")
