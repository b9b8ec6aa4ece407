"""What the commands that look at one stack share: their options, and the stack's settings."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from components.faults import SettingsError
from components.loading import Settings


def options_of_stack(command: str, description: str | None) -> argparse.ArgumentParser:
    """A parser that knows `--stack`, `--kubeconfig` and `--json`."""
    parser = argparse.ArgumentParser(
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
