"""What the Job's pod is told to run, and what the programs say of it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from components.database_password import MONGODB_DATABASE
from ops.backing_up.streaming import Container, Ended, Sink

# That bitnami's image, which the chart runs, has them: the chart's own CronJob of backups runs `mongodump` in it
# (bitnami/charts, mongodb/templates/backup/cronjob.yaml), its scripts run `mongosh` (read 2026-11).
FOLDER = Path(__file__).parent
NAMES = ("login.sh", "dump.sh", "restore.sh", "database.js")
SCRIPTS = {name: (FOLDER / name).read_text(encoding="utf-8") for name in NAMES}
MARK = "private_chatgpt_restore"
"""Collection that is there while a restore is under way, and after one that was interrupted."""
DUMPED = re.compile(r"\tdone dumping (?P<name>.+) \((?P<count>\d+) documents?\)")
RESTORED = re.compile(r"\tfinished restoring (?P<name>.+) \((?P<count>\d+) documents?, (?P<failures>\d+) failures?\)")
ALL = "all is in\n"
SUM = re.compile(r"^sha256 ([0-9a-f]{64})$", re.MULTILINE)


class ToolError(RuntimeError):
    """A program in the pod failed; the message holds its last words."""


@dataclass(frozen=True)
class Standing:
    """What the database holds."""

    users: int
    unfinished: str | None
    """The checksum of the archive whose restore was begun and not ended."""


@dataclass(frozen=True)
class Dumped:
    """What mongodump says of the archive that it wrote."""

    documents: dict[str, int]
    sha256: str


def dump(container: Container, sink: Sink) -> Dumped:
    """The database to `sink`, compressed; raises ToolError and BrokenStreamError."""
    ended = container.run(_bash("dump.sh"), sink)
    _check("mongodump", ended)
    found = SUM.search(ended.said)
    if found is None:
        raise ToolError("the connection to the node broke: mongodump did not come to its end")
    return Dumped(_counts(DUMPED, ended.said), found[1])


def restore(container: Container, size: int, source: Iterable[bytes]) -> dict[str, int]:
    """An archive of `size` bytes into the database: collection → documents; raises ToolError, BrokenStreamError."""
    ended = container.run(_bash("restore.sh", str(size)), lambda data: None, source)
    _check("mongorestore", ended)
    if not ended.said.endswith(ALL):
        raise ToolError("the connection to the node broke: mongorestore did not come to its end")
    return _counts(RESTORED, ended.said)


def tell(container: Container, action: str, backup: str = "") -> Standing:
    """Run database.js: `look`, `begin` or `end` of a restore of `backup`; raises ToolError and BrokenStreamError."""
    printed = bytearray()
    environment = [f"ACTION={action}", f"BACKUP={backup}", f"MONGODB_DATABASE={MONGODB_DATABASE}"]
    mongosh = ["mongosh", "--nodb", "--norc", "--quiet", "--eval", SCRIPTS["database.js"]]
    ended = container.run(["env", *environment, *mongosh], printed.extend)
    lines = [line for line in printed.decode(errors="replace").splitlines() if line.startswith("{")]
    told = json.loads(lines[-1]) if lines else {}
    if "refused" in told:
        raise ToolError(f"the database refuses: {told['refused']}")
    _check("mongosh", ended)
    if not lines:
        raise ToolError("the connection to the node broke: mongosh said nothing")
    return Standing(int(told["users"]), told["unfinished"])


def _bash(script: str, *arguments: str) -> list[str]:
    database = f"MONGODB_DATABASE={MONGODB_DATABASE}"
    return ["env", database, "/bin/bash", "-c", SCRIPTS["login.sh"] + SCRIPTS[script], script, *arguments]


def _check(program: str, ended: Ended) -> None:
    if ended.failure:
        lines = [line for line in ended.said.splitlines() if line.strip()]
        raise ToolError("\n    ".join([f"{program} failed ({ended.failure}):", *lines[-4:]]))


def _counts(pattern: re.Pattern[str], said: str) -> dict[str, int]:
    return {match["name"].removeprefix(f"{MONGODB_DATABASE}."): int(match["count"]) for match in pattern.finditer(said)}
