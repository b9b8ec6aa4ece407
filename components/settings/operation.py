"""How a stack is looked after: checks before a release, edits by others."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import Field, StringConstraints

from components.settings.base import REQUIRED, Model, setting

CheckName = Literal[
    "version",
    "permissions",
    "names",
    "storage",
    "gpu",
    "capacity",
    "architecture",
    "quota",
    "limitRange",
    "podSecurity",
    "ingressClass",
    "secrets",
]
"""What the stack's cluster is asked before a release is created or changed (ops/preflight_checks)."""


class PreflightSettings(Model):
    """Which of the checks of the cluster are left out."""

    off: dict[CheckName, Annotated[str, StringConstraints(pattern=r"\S")]] = setting(
        {},
        "checks of the cluster that are switched off, by name, each with the reason",
        f"{', '.join(get_args(CheckName)[:-1])} and {get_args(CheckName)[-1]}, each with a reason as text",
    )
    wait_for_secrets: Annotated[int, Field(ge=0, le=600)] = setting(
        30,
        "seconds that up waits for a Secret that others make, as in a namespace that is new",
        "a whole number of seconds, 0 to 600",
    )


class DriftException(Model):
    """A field that somebody else may set."""

    object: Annotated[str, StringConstraints(pattern=r"^[A-Za-z]+/\S+$")] = setting(
        REQUIRED, "kind and name of the object", "kind/name such as Deployment/librechat"
    )
    field: Annotated[str, StringConstraints(pattern=r"^\S+$")] = setting(
        REQUIRED, "the field as drift shows it; it stands for all below it too", "a field such as spec.replicas, or '*'"
    )
    reason: Annotated[str, StringConstraints(pattern=r"\S")] = setting(REQUIRED, "why it may differ", "any text")


class DriftSettings(Model):
    """How edits made inside the releases by others are dealt with."""

    guard: bool = setting(True, "whether refresh and up see and undo edits made inside the releases", "true or false")
    except_: tuple[DriftException, ...] = setting(
        (), "fields that somebody else may set", "a list of object, field and reason", alias="except"
    )
