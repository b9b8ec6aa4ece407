"""`python -m ops upgrade-check --stack STACK CHART VERSION`: what would change if that chart's version moved.

Renders the stack's release at both versions and compares them; nothing is changed. Exit code 0: nothing stands in the
way. 1: something has to be done first. 2: could not tell.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from pydantic import TypeAdapter, ValidationError

from components.charts import LIBRECHAT, OLLAMA
from components.formats import SemVer
from components.loading import PROJECT_DIR
from ops.command import options_of_stack, settings_of_stack

WELL, TO_BE_DONE, UNKNOWN = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Print what would change; returns the exit code."""
    parser = options_of_stack("upgrade-check", __doc__)
    parser.add_argument("chart", metavar="CHART", choices=[OLLAMA.name, LIBRECHAT.name], help="ollama or librechat")
    parser.add_argument("version", metavar="VERSION", help="the version to move to, such as 1.78.0")
    options = parser.parse_args(arguments)
    try:
        version = TypeAdapter[str](SemVer).validate_python(options.version)
    except ValidationError:
        parser.error(f"VERSION: found {options.version!r}; allowed: a version such as {OLLAMA.version}")
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    # Imported here: comparing and asking take a while to load, which a mistyped stack need not wait for.
    from ops.upgrading.checking import CouldNotTellError, SettingsError, check
    from ops.upgrading.report import show

    try:
        report = check(settings, options.chart, version, options.kubeconfig)
    except CouldNotTellError as error:
        print(f"Could not tell: {error}", file=sys.stderr)
        return UNKNOWN
    except SettingsError as error:
        print(f"Could not tell: {'; '.join(fault.text for fault in error.faults)}", file=sys.stderr)
        return UNKNOWN
    if options.json:
        print(json.dumps({"stack": options.stack, **asdict(report)}, indent=2))
    else:
        show(report, options.stack)
    return TO_BE_DONE if report.first else WELL
