"""`python -m ops <command> [options]`: one module a command, imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys

STOPPED = 130
"""Exit code of what Ctrl-C ended, as shells have it."""
COMMANDS = {
    "backup": "MongoDB, generated keys and the list of models of a stack, into a folder",
    "check": "check every stack file, values file and contract, without cluster, engine or network",
    "contracts": "write which value keys the pinned charts read, from the charts",
    "down": "what the destruction of a stack would take away, and whether it may",
    "drift": "what somebody changed inside a stack's releases, field by field",
    "heal": "undo that, and leave a record of it",
    "history": "what happened to each release of a stack: updates and helm revisions",
    "images": "every image of a stack's charts, for a mirror script",
    "preflight": "ask a stack's cluster, read-only, whether the stack can run there",
    "recover": "mend what a killed `pulumi up` left behind of a stack",
    "restore": "put a backup into an empty stack: the same data, the same keys",
    "rollback": "deploy the values and chart version of an earlier revision of a release",
    "rotate": "replace one generated key or password of a stack, and restart the pods that read it",
    "status": "how a stack stands: releases, pods, claims, models, last change",
    "upgrade-check": "what would change if a chart's version moved",
    "why": "why a stack's releases are not ready",
}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code, 2 for a command that isn't there, 130 for one that Ctrl-C ended."""
    if not arguments or arguments[0] not in COMMANDS:
        width = max(map(len, COMMANDS))
        listed = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
        asked_for_help = arguments[:1] in (["-h"], ["--help"])
        print(f"usage: python -m ops <command> [--help]\n{listed}", file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    try:
        return int(importlib.import_module(f"ops.{arguments[0].replace('-', '_')}").main(arguments[1:]))
    except KeyboardInterrupt:
        print("\nStopped. What was done before this stays so.", file=sys.stderr)
        return STOPPED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
