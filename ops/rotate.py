"""`python -m ops rotate --stack STACK KEY`: replaces one generated key or password, in the stack and in its pods.

It counts up `librechat.rotation.KEY` in the stack file (commit that line) and runs `pulumi up`, which generates the key
anew, changes the Secrets that hold it and restarts the pods that read them. Exit code 0: replaced. 1: refused, or begun
and not ended. 2: that can't be asked for, and nothing was changed.
"""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, cast

from components.charts import LIBRECHAT
from components.existing import own_keys
from components.loading import PROJECT_DIR, Settings
from components.settings import KeyName
from ops.command import agreed, options_of_stack, settings_of_stack
from ops.environment import NO_PULUMI
from ops.rotation.keys import CONSEQUENCES

if TYPE_CHECKING:
    from ops.rotation.engine import DeployedStack, GeneratedKey

REPLACED, FAILED, NOT_ASKED_WELL = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Replace the key; returns the exit code."""
    parser = options_of_stack("rotate", __doc__)
    parser.add_argument("key", metavar="KEY", choices=[*CONSEQUENCES], help=", ".join(CONSEQUENCES))
    parser.add_argument("--yes", action="store_true", help="don't ask")
    parser.add_argument("--force", action="store_true", help="also a key without which stored data can't be read")
    options = parser.parse_args(arguments)
    key = cast(KeyName, options.key)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return NOT_ASKED_WELL
    if (reason := refusal(settings, key, forced=options.force)) is not None:
        print(reason, file=sys.stderr)
        return FAILED
    # Imported here: the Automation API takes a while, which a mistyped stack need not wait for.
    from ops.rotation.engine import CommandError, DeployedStack

    try:
        stack = DeployedStack(options.stack, PROJECT_DIR, options.kubeconfig)
        old = stack.generated_key(key)
        if old is None:
            print(
                f"Stack {options.stack} has no {key} yet: pulumi up --stack {options.stack} makes it", file=sys.stderr
            )
            return NOT_ASKED_WELL
        waiting = stack.waiting()
    except CommandError as error:
        print(f"Pulumi can't tell how stack {options.stack} stands; nothing was changed.\n{error}", file=sys.stderr)
        return NOT_ASKED_WELL
    except FileNotFoundError:
        print(NO_PULUMI, file=sys.stderr)
        return NOT_ASKED_WELL
    plan = _plan(settings, key, waiting)
    print(plan, file=sys.stderr if options.json else sys.stdout)
    if not (options.yes or agreed()):
        return NOT_ASKED_WELL
    return _replace(stack, settings, key, old, as_json=options.json)


def refusal(settings: Settings, key: KeyName, *, forced: bool) -> str | None:
    """Why this command does not replace the key, with what to do instead; None where it does."""
    stack, project = settings.platform.stack, settings.platform.project
    if settings.librechat is None:
        return f"{key} is not replaced: stack {stack} has no librechat, and so no keys. Nothing was changed."
    if settings.librechat.keys.get_secret_value().model_dump(by_alias=True)[key] is not None:
        setting = f"{project}:librechat.keys.{key}"
        return (
            f"{key} of stack {stack} is not generated: librechat.keys.{key} brings it along. Nothing was changed.\n"
            f"  Put the new one in its place, typed or piped in, and deploy; pods and database follow:\n"
            f"    pulumi config set --stack {stack} --secret --path '{setting}'\n"
            f"    pulumi up --stack {stack}"
        )
    if key not in own_keys(settings.librechat):
        return (
            f"{key} of stack {stack} is not this program's: librechat.credentials, librechat.mongodb or "
            "librechat.meilisearch takes its place. Nothing was changed.\n"
            "  Change it where it comes from, then restart the chat:\n"
            f"    kubectl -n {settings.librechat.namespace} rollout restart deployment/{LIBRECHAT.name}"
        )
    if (lost := CONSEQUENCES[key].lost) and not forced:
        return (
            f"{key} is not replaced: {lost}. Nothing was changed.\n"
            f"  Where that is what you want, since it has leaked: python -m ops rotate --stack {stack} {key} --force"
        )
    return None


def _plan(settings: Settings, key: KeyName, waiting: list[str]) -> str:
    found = CONSEQUENCES[key]
    pods = " and ".join(found.pods)
    lines = [
        f"{key} of stack {settings.platform.stack} (context {settings.platform.context}) gets a new value.",
        f"  Restarts {pods} in namespace {settings.platform.namespaces[LIBRECHAT.name]}: {found.noticed}",
    ]
    if found.lost:
        lines.append(f"  LOST: {found.lost}.")
    if waiting:
        lines += ["  The same pulumi up deploys what waits already:", *(f"    {item}" for item in waiting)]
    return "\n".join(lines)


def _replace(stack: DeployedStack, settings: Settings, key: KeyName, old: GeneratedKey, *, as_json: bool) -> int:
    from ops.rotation.engine import CommandError

    number = (settings.librechat.rotation.get(key, 0) if settings.librechat else 0) + 1
    setting, file = f"librechat.rotation.{key}", f"Pulumi.{settings.platform.stack}.yaml"
    try:
        # In this order: with a number that counts and a key that is protected still, every preview and up is refused.
        if old.protected:
            stack.unprotect(old.urn)
        stack.count_up(f"{settings.platform.project}:{setting}", number)
    except CommandError as error:
        again = "; the key may be without protection until the next pulumi up" if old.protected else ""
        print(f"Not begun: {file} stays as it is, and so does the key{again}.\n{error}", file=sys.stderr)
        return FAILED
    try:
        stack.up(f"rotate {key}", on_output=None if as_json else print)
        left = what_is_left(stack, key, old)
    except CommandError as error:
        print(
            f"Not ended: {file} has {setting}: {number}. Mend what Pulumi says, then pulumi up goes on from here; to "
            f"keep the old key, if no new one was made yet, put the number back.\n{error}",
            file=sys.stderr,
        )
        return FAILED
    if left:
        print("\n".join(left), file=sys.stderr)
        return FAILED
    said = {
        "stack": settings.platform.stack,
        "key": key,
        "rotation": number,
        "restarted": CONSEQUENCES[key].pods,
        "stateHoldsOldKey": False,
    }
    print(json.dumps(said, indent=2) if as_json else _done(key, file, setting, number))
    return REPLACED


def what_is_left(stack: DeployedStack, key: KeyName, old: GeneratedKey) -> list[str]:
    """What of the old key is still there after the run that should have replaced it, in words."""
    state = stack.state()
    holding = [
        str(item["urn"]).rpartition("::")[2] for item in state.get("resources") or () if old.value in json.dumps(item)
    ]
    if not holding and old.value in json.dumps(state):
        holding.append("a pending operation")
    left = [f"The old {key} still stands in the state of {name}; run pulumi up again" for name in holding]
    new = stack.generated_key(key)
    if new is None or (old.protected and not new.protected):
        left.append(f"The new {key} is not protected as the old one was; run pulumi up again")
    return left


def _done(key: str, file: str, setting: str, number: int) -> str:
    return (
        f"{key} is replaced, and the old one is in no resource of the state. Commit {file} ({setting}: {number}).\n"
        "What the backend keeps of earlier runs (history, backups) holds the old one, encrypted with the stack's "
        f"passphrase or key: it is worth nothing to {LIBRECHAT.name} any more."
    )
