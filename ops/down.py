"""`python -m ops down --stack STACK`: what `pulumi destroy` of the stack would take away, and whether it may.

It deletes nothing itself: `make down STACK=…` hands over to `pulumi destroy` where this says 0.

Exit code 0: the stack may be destroyed. 1: it is protected. 2: could not tell.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING

from components.loading import PROJECT_DIR
from ops.command import options_of_stack, settings_of_stack

if TYPE_CHECKING:
    from ops.losses import Losses

MAY_GO, PROTECTED, UNKNOWN = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Print what would be lost, and what forbids it; returns the exit code."""
    options = options_of_stack("down", __doc__).parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    from ops.diagnosis.reading import UnreachableError
    from ops.losses import losses
    from ops.recovery.place import Place
    from ops.recovery.releases import MendingError
    from ops.recovery.state import Engine

    platform = settings.platform
    place = Place.of(platform, options.kubeconfig, PROJECT_DIR)
    try:
        found = losses(place, Engine(place).export())
    except (UnreachableError, MendingError) as error:
        print(f"Could not tell what would be lost: {error}", file=sys.stderr)
        found = None
    if options.json and found:
        print(json.dumps({"stack": options.stack, "protect": platform.protect, **asdict(found)}, indent=2))
    elif found:
        print("\n".join(told(found, options.stack)))
    if reason := refusal(options.stack, platform.protect, found.protected if found else 0):
        print(reason, file=sys.stderr)
        return PROTECTED
    return MAY_GO if found else UNKNOWN


def told(found: Losses, stack: str) -> list[str]:
    """What would be lost, in words."""
    if not found.namespaces and not found.keys:
        return [f"Stack {stack} holds no namespace and no key: nothing of value would be lost."]
    lines = [f"The destruction of stack {stack} deletes, for good:"]
    for namespace in found.namespaces:
        lines.append(f"  namespace {namespace}, with everything in it")
        for claim in found.claims:
            if claim.namespace == namespace:
                lines.append(f"    claim {claim.name}, {claim.size}: its volume {_fate(claim.volume)}")
    if any(claim.kept_by_helm for claim in found.claims):
        kept = ", ".join(claim.name for claim in found.claims if claim.kept_by_helm)
        lines.append(f'  Helm will say that {kept} "were kept": by helm, yes; the namespace then takes them with it.')
    if found.keys:
        lines.append(f"  generated keys, which only the state holds: {', '.join(found.keys)}")
    if any("-creds-" in key for key in found.keys):
        lines.append(
            "    without the creds key and iv, what users stored can't be read even from a backup of the database"
        )
    return lines


def refusal(stack: str, protect: bool, protected: int) -> str | None:
    """Why the stack must not be destroyed, and the step that allows it; None where nothing forbids it."""
    allow = f"pulumi config set private-chatgpt:protect false --stack {stack}"
    up = f"pulumi up --stack {stack}"
    if protect:
        return protected_stack(stack, f"{allow} && {up}", f"make down STACK={stack}")
    if protected:
        return (
            f"Stack {stack} still has {protected} protected resources: nothing was deleted.\n"
            f"  Its file allows it, the state does not know yet: {up}\n  Then again: make down STACK={stack}"
        )
    return None


def protected_stack(stack: str, allow: str, again: str) -> str:
    """That its file protects it, with the step that allows it."""
    return f"Stack {stack} is protected: nothing was deleted.\n  To allow it: {allow}\n  Then again: {again}"


def _fate(volume: str) -> str:
    return {"deleted": "and what it holds are deleted", "none yet": "was never made"}.get(volume, volume)
