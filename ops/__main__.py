"""`python -m ops <command> [options]`: one module a command, imported only when it is asked for."""

from __future__ import annotations

import importlib
import sys

COMMANDS = {
    "check": "check every stack file, values file and contract, without cluster, engine or network",
    "contracts": "write which value keys the pinned charts read, from the charts",
    "preflight": "ask a stack's cluster, read-only, whether the stack can run there",
    "why": "why a stack's releases are not ready",
}


def main(arguments: list[str]) -> int:
    """Run one command; returns its exit code, 2 for a command that isn't there."""
    if not arguments or arguments[0] not in COMMANDS:
        width = max(map(len, COMMANDS))
        listed = "\n".join(f"  {name:{width}}  {text}" for name, text in COMMANDS.items())
        asked_for_help = arguments[:1] in (["-h"], ["--help"])
        print(f"usage: python -m ops <command> [--help]\n{listed}", file=sys.stdout if asked_for_help else sys.stderr)
        return 0 if asked_for_help else 2
    return int(importlib.import_module(f"ops.{arguments[0]}").main(arguments[1:]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
