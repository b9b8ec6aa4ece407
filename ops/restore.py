"""`python -m ops restore DIR --stack STACK`: puts a backup into an empty stack, with the same data and the same keys.

It checks the files, puts the keys into the stack's state, runs `pulumi up`, and streams the archive into mongorestore
in a Job. Interrupted, the same command goes on. Exit code 0: restored. 1: refused, or begun and not ended, as is said.
2: that can't be asked for, and nothing was changed.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from components.charts import LIBRECHAT
from components.existing import own_keys
from components.formats import HEX_KEY_LENGTHS, KEY_LENGTHS
from components.loading import PROJECT_DIR, Settings
from ops.command import agreed, lacks_chat, options_of_stack, print_json, settings_of_stack

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

    from ops.backing_up.engine import Engine
    from ops.backing_up.manifest import Manifest
    from ops.backing_up.putting import KeyPlan
    from ops.backing_up.tools import Standing
    from ops.backing_up.versions import Difference

RESTORED, FAILED, NOT_ASKED_WELL = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Restore; returns the exit code."""
    parser = options_of_stack("restore", __doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="what `backup` made")
    parser.add_argument("--yes", action="store_true", help="don't ask")
    parser.add_argument("--overwrite", action="store_true", help="DELETE the chats and replace the keys that are there")
    parser.add_argument("--older", action="store_true", help="also into an older app or database than wrote the data")
    parser.add_argument("--passphrase-file", type=Path, help="of the backup, where it isn't the stack's present one")
    options = parser.parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None or lacks_chat(settings):
        return NOT_ASKED_WELL
    from ops.backing_up.asking import EXPECTED, heed_sigterm, in_words
    from ops.backing_up.manifest import Manifest, UnusableBackupError
    from ops.rotation.engine import CommandError

    try:
        manifest = Manifest.read(options.folder)
    except UnusableBackupError as error:
        print(f"{error}. Nothing was changed.", file=sys.stderr)
        return NOT_ASKED_WELL
    steps = _Steps()
    heed_sigterm()
    try:
        return _restore(settings, manifest, options, steps)
    except KeyboardInterrupt:
        print(f"Stopped. {steps.so_far}", file=sys.stderr)
    except CommandError as error:
        print(f"Pulumi failed. {steps.so_far}\n{error}", file=sys.stderr)
    except EXPECTED as error:
        print(f"Not restored: {in_words(error)}\n{steps.so_far}", file=sys.stderr)
    return FAILED


class _Steps:
    """How far it came, for whoever has to go on."""

    so_far = "Nothing was changed."

    def keys_begun(self) -> None:
        self.so_far = (
            "The backup's keys are in the stack's state, the data is not in the database. Mend what is said above, "
            "then run the same command again: it goes on from here."
        )

    def data_begun(self) -> None:
        self.so_far = (
            "The keys are in place; the data may be half in the database, so keep users away. Mend what is said "
            "above, then run the same command again: it begins with the data anew."
        )


def _restore(settings: Settings, manifest: Manifest, options: argparse.Namespace, steps: _Steps) -> int:
    from ops.backing_up.engine import Engine
    from ops.backing_up.putting import look
    from ops.diagnosis.reading import connect
    from ops.recovery.place import Place
    from ops.rotation.engine import DeployedStack

    stack = options.stack
    if reason := refusal(settings, manifest, older=options.older):
        print(f"{reason}\nNothing was changed.", file=sys.stderr)
        return FAILED
    place = Place.of(settings.platform, options.kubeconfig, PROJECT_DIR)
    engine, deployed = Engine(place), DeployedStack(stack, PROJECT_DIR, options.kubeconfig)
    plan = _key_plan(engine, manifest, options)
    waiting = deployed.waiting()
    began = time.monotonic()
    with connect(settings.platform.context, options.kubeconfig) as api:
        standing = look(api, settings)
        if standing and (reason := taken(standing, overwrite=options.overwrite)):
            print(f"{reason}\nNothing was changed.", file=sys.stderr)
            return FAILED
        if standing is None and not (plan.added or plan.changed or waiting):
            print(
                f"The state says that stack {stack} is deployed; its cluster has no database. First: pulumi up "
                f"--refresh --stack {stack}\nNothing was changed.",
                file=sys.stderr,
            )
            return FAILED
        said = planned(settings, manifest, plan, waiting, standing)
        print(said, file=sys.stderr if options.json else sys.stdout)
        if not (options.yes or agreed()):
            return NOT_ASKED_WELL
        if plan.added or plan.changed:
            plan.put(engine, settings, manifest, steps.keys_begun)
        if plan.added or plan.changed or waiting:
            steps.keys_begun()
            deployed.up(f"restore the backup of {manifest.stack}", None if options.json else print)
        users = _put_data(api, settings, manifest, options, steps)
    report = {
        "stack": stack,
        "backup": str(options.folder),
        "keysAdded": plan.added,
        "keysReplaced": plan.changed,
        "documents": manifest.documents,
        "users": users,
        "seconds": round(time.monotonic() - began, 1),
    }
    print_json(report) if options.json else print(done(settings, manifest, users))
    return RESTORED


def _key_plan(engine: Engine, manifest: Manifest, options: argparse.Namespace) -> KeyPlan:
    from dataclasses import replace

    from ops.backing_up.engine import EngineError, in_plain
    from ops.backing_up.manifest import KEYS
    from ops.backing_up.putting import KeyPlan

    there = replace(engine.place, stack=manifest.stack, project=manifest.project)
    encrypted = json.loads((options.folder / KEYS).read_text(encoding="utf-8"))
    try:
        backup = in_plain(encrypted, there, options.passphrase_file)
    except EngineError as error:
        raise EngineError(
            f"the backup's keys can't be decrypted: that takes what encrypted stack {manifest.stack} then "
            f"({manifest.secrets_provider}; --passphrase-file names another passphrase).\n{error}"
        ) from error
    return KeyPlan(engine.export(plain=True), backup)


def _put_data(
    api: ApiClient, settings: Settings, manifest: Manifest, options: argparse.Namespace, steps: _Steps
) -> int:
    from ops.backing_up.asking import shown
    from ops.backing_up.manifest import ARCHIVE
    from ops.backing_up.putting import put_data

    def may_go_in(standing: Standing, different: list[Difference]) -> str | None:
        reason = taken(standing, overwrite=options.overwrite) or too_old(different, older=options.older)
        if reason is None:
            steps.data_begun()
        return reason

    with shown("database", manifest.files[ARCHIVE].bytes) as progress:
        return put_data(api, settings, options.folder, manifest, progress, may_go_in).users


def refusal(settings: Settings, manifest: Manifest, *, older: bool) -> str | None:
    """Why the backup does not fit the stack file, with what to do; None where it does."""
    from ops.backing_up.versions import differences

    charts = {LIBRECHAT.name: settings.chat.chart.version}
    return _keys_refused(settings, manifest) or too_old(
        [item for item in differences(manifest.charts, charts) if item.what == LIBRECHAT.name],
        older=older,
        what="chart",
    )


def _keys_refused(settings: Settings, manifest: Manifest) -> str | None:
    """Why the stack would not have the keys that the data needs, or have them twice, with what to do."""
    from components.keys import resource_name

    stack, own = settings.platform.stack, own_keys(settings.chat)
    brought = settings.chat.keys.get_secret_value().model_dump(by_alias=True)
    generated = {key for key in KEY_LENGTHS if resource_name(LIBRECHAT.name, key) in manifest.generated}
    if elsewhere := sorted(generated.difference(own)):
        return (
            f"The backup has {', '.join(elsewhere)}, whose place librechat.credentials, librechat.mongodb or "
            f"librechat.meilisearch takes in Pulumi.{stack}.yaml.\n"
            "  Leave that out for the restore, then move to it (docs/existing.md)"
        )
    if extra := sorted(key for key in generated if brought[key]):
        return (
            f"Pulumi.{stack}.yaml brings along {', '.join(extra)}, which the backup has too.\n"
            f"  Remove librechat.keys.{extra[0]} from it (pulumi config rm --stack {stack} --path ...)"
        )
    if missing := sorted(key for key in manifest.supplied if key in own and not brought[key]):
        return (
            f"The backup's stack brought along {', '.join(missing)}; Pulumi.{stack}.yaml does not, so new "
            f"ones would be made.\n  Set them as they are in the stack file of {manifest.stack}: pulumi config set "
            f"--stack {stack} --secret --path '{settings.platform.project}:librechat.keys.{missing[0]}'"
        )
    # A search engine's key is none of these: its index is made anew.
    if lost := sorted(key for key in HEX_KEY_LENGTHS if key in own and key not in generated and not brought[key]):
        return (
            f"Others held {', '.join(lost)} of stack {manifest.stack}, so they are not in the backup, and "
            f"Pulumi.{stack}.yaml would have new ones made.\n  Name a Secret that holds the same in its "
            f"librechat.credentials.secret, or set each of them: pulumi config set --stack {stack} --secret --path "
            f"'{settings.platform.project}:librechat.keys.{lost[0]}'"
        )
    return None


def too_old(different: list[Difference], *, older: bool, what: str = "image") -> str | None:
    """Why the data may not go into what runs here; None where it may."""
    found = [str(item) for item in different if item.older]
    if not found or older:
        return None
    return (
        f"An older version may not understand the data, or damage it ({what}):\n    "
        + "\n    ".join(found)
        + "\n  Deploy the backup's version or a newer one first; to restore all the same: --older"
    )


def taken(standing: Standing, *, overwrite: bool) -> str | None:
    """Why the stack is not empty; None where it is, or a restore of it was interrupted, or its data may go."""
    if not standing.users or standing.unfinished or overwrite:
        return None
    return (
        f"The stack is not empty: its database holds {standing.users} users. Restore into another stack, or, where all "
        "of them, their chats and the stack's keys may go: --overwrite"
    )


def planned(
    settings: Settings, manifest: Manifest, plan: KeyPlan, waiting: list[str], standing: Standing | None
) -> str:
    """What will be done, in words."""
    stack, asked = settings.platform.stack, set(settings.ollama.models if settings.ollama else ())
    lines = [
        f"Backup of stack {manifest.stack}, made {manifest.made:%Y-%m-%d %H:%M} UTC, into stack {stack} "
        f"(context {settings.platform.context})."
    ]
    if plan.changed:
        lines.append(f"  Replaces keys of the stack: {', '.join(plan.changed)}; the pods that read them restart.")
    if plan.added:
        lines.append(f"  Puts {len(plan.added)} keys into the stack's state.")
    if waiting:
        lines.append(f"  Runs pulumi up, which also deploys what waits already: {len(waiting)} resources.")
    if standing and standing.users:
        lines.append(f"  DELETES what the database holds: {standing.users} users and all that is theirs.")
    lines.append(f"  Puts {sum(manifest.documents.values())} documents into the database, then restarts the chat.")
    if missing := sorted(set(manifest.models.present or manifest.models.asked) - asked):
        lines.append(f"  Models that the backup's stack had and this one doesn't ask for: {', '.join(missing)}")
    return "\n".join(lines)


def done(settings: Settings, manifest: Manifest, users: int) -> str:
    """What was done, in words."""
    return (
        f"Stack {settings.platform.stack} holds the data of {manifest.stack} ({users} users) and its keys. The chat "
        "restarts and fills its search anew.\n  Uploaded images and files are not part of a backup."
    )
