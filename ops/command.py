"""What the commands that look at one stack share: their options, and the stack's settings."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from components.faults import SettingsError
from components.loading import Settings


def options_of_stack(
    command: str, description: str | None, kind: type[argparse.ArgumentParser] = argparse.ArgumentParser
) -> argparse.ArgumentParser:
    """A parser, of that `kind`, which knows `--stack`, `--kubeconfig` and `--json`."""
    parser = kind(
        prog=f"python -m ops {command}", description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", required=True, help="the stack, as in Pulumi.<stack>.yaml")
    parser.add_argument("--kubeconfig", type=Path, help="default: the file that kubectl would take")
    parser.add_argument("--json", action="store_true", help="for programs: everything that was found")
    return parser


def settings_of_stack(stack: str, project_dir: Path) -> Settings | None:
    """The settings of the stack file; where they can't be used, says why on stderr and returns None."""
    try:
        return Settings.of_stack(stack, project_dir)
    except FileNotFoundError as error:
        print(f"There is no stack {stack}: {error.filename} is not there.", file=sys.stderr)
    except SettingsError as error:
        print(error, file=sys.stderr)
    return None


def lacks_chat(settings: Settings) -> bool:
    """Whether the stack has no LibreChat, and so no data and no keys; says so on stderr."""
    if settings.librechat is None:
        print(f"Stack {settings.platform.stack} has no librechat: there is no data and no key in it.", file=sys.stderr)
    return settings.librechat is None


def agreed(question: str = "Go on?", otherwise: str = "Nothing was changed") -> bool:
    """Whether the person at the terminal says yes; ending the question by Ctrl-C or Ctrl-D is a no.

    All on stderr: stdout may be a file, for programs. A no is answered with `otherwise`; where there is nobody at a
    terminal, it says how to go on.
    """
    if not sys.stdin.isatty():
        print("Nobody is there to be asked; nothing was changed. To go on without: --yes", file=sys.stderr)
        return False
    print(f"{question} [y/N] ", end="", file=sys.stderr, flush=True)
    try:
        if input().strip().lower() in ("y", "yes"):
            return True
    except (EOFError, KeyboardInterrupt):
        print(file=sys.stderr)
    print(f"{otherwise}.", file=sys.stderr)
    return False


def print_json(report: Mapping[str, Any]) -> None:
    """Print a report for programs; moments as ISO 8601 has them."""

    def text(moment: datetime) -> str:
        return moment.isoformat()

    print(json.dumps(report, indent=2, default=text))
