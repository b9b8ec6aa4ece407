"""`python -m ops why --stack STACK`: why the stack's releases are not ready, read from its cluster.

Exit code 0: nothing is wrong. 1: a cause was found. 2: could not tell.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.loading import PROJECT_DIR, Settings
from components.releases import final_values
from ops.command import options_of_stack, settings_of_stack

if TYPE_CHECKING:
    from ops.diagnosis.judging import Diagnosis

ALL_WELL, FOUND, UNKNOWN = 0, 1, 2
"""Exit codes: nothing wrong, a cause found, could not tell."""


@dataclass(frozen=True)
class Release:
    """One release of a stack."""

    name: str
    namespace: str
    values: Mapping[str, Any]


def main(arguments: list[str]) -> int:
    """Print why each release is not ready; returns 0 for nothing wrong, 1 for a cause found, 2 for could not tell."""
    options = options_of_stack("why", __doc__).parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    return report(settings.platform.context, options.kubeconfig, releases_of(settings), as_json=options.json)


def releases_of(settings: Settings) -> list[Release]:
    """The stack's releases, in the order in which they are made."""
    values = final_values(settings.platform, settings.ollama, settings.librechat)
    return [Release(name, namespace, values[name]) for name, namespace in settings.platform.namespaces.items()]


def report(context: str, kubeconfig: Path | None, releases: Sequence[Release], *, as_json: bool = False) -> int:
    """Look at the releases and print what was found; returns the exit code."""
    # Imported here: the client takes 0.4 s, which a mistyped stack need not wait for.
    from ops.diagnosis import report as words
    from ops.diagnosis.examining import examine
    from ops.diagnosis.reading import UnreachableError, connect

    try:
        with connect(context, kubeconfig) as api:
            found = [examine(api, item.namespace, item.name, values=item.values) for item in releases]
    except UnreachableError as error:
        print(f"Could not tell: {error}", file=sys.stderr)
        return UNKNOWN
    if as_json:
        print(json.dumps({"context": context, "releases": [words.as_json(item) for item in found]}, indent=2))
    else:
        print("\n".join(line for item in found for line in words.lines(item)))
    return exit_code(found)


def exit_code(found: Sequence[Diagnosis]) -> int:
    """What the command says to a script."""
    from ops.diagnosis.judging import State

    if any(item.causes for item in found):
        return FOUND
    return ALL_WELL if all(item.state is State.READY for item in found) else UNKNOWN
