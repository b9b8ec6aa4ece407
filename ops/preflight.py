"""`python -m ops preflight --stack STACK`: asks the stack's cluster, read-only, whether the stack can run there.

Exit code 0: nothing speaks against it. 1: a check failed. 2: none failed, but one could not tell, or the stack's
settings can't be used.
"""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from components.loading import PROJECT_DIR, Settings
from ops.command import options_of_stack, settings_of_stack

if TYPE_CHECKING:
    from components.settings import PreflightSettings
    from ops.preflight_checks.findings import Finding
    from ops.preflight_checks.rendering import Release

OK, FAILED, UNKNOWN = 0, 1, 2
"""Exit codes."""


def main(arguments: list[str]) -> int:
    """Print what each check says; returns the exit code."""
    options = options_of_stack("preflight", __doc__).parse_args(arguments)
    started = time.monotonic()
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    findings = preflight(settings, options.kubeconfig)
    seconds = time.monotonic() - started
    if options.json:
        report = {"stack": options.stack, "context": settings.platform.context, "seconds": round(seconds, 1)}
        print(json.dumps(report | {"findings": [asdict(item) for item in findings]}, indent=2))
    else:
        from ops.preflight_checks.table import show

        show(findings, options.stack, seconds)
    return exit_code(findings)


def preflight(settings: Settings, kubeconfig: Path | str | None = None) -> list[Finding]:
    """What every check says of the whole stack, on the cluster that it names."""
    from ops.preflight_checks.rendering import releases_of
    from ops.preflight_checks.running import examine

    platform = settings.platform
    return examine(releases_of(settings), platform.preflight.off, platform.context, kubeconfig)


def preflight_release(
    release: Release, switched: PreflightSettings, context: str, kubeconfig: Path | str | None = None
) -> list[Finding]:
    """What the checks say of one release, in the words of the whole preflight.

    For a hook before the release is created or changed: what it holds already doesn't count against it. The libraries
    are imported here, not when the program starts.
    """
    from ops.preflight_checks.running import examine

    return examine([release], switched.off, context, kubeconfig)


def refusal(findings: Sequence[Finding]) -> str | None:
    """Why a release must not be created or changed now, as an error message; None where nothing failed."""
    failed = [item for item in findings if item.result == "failed"]
    if not failed:
        return None
    lines = ["preflight: this can't run on its cluster; nothing was changed."]
    for item in failed:
        where = f" ({item.release})" if item.release else ""
        lines += [f"  {item.check}{where}: {item.text}", f"    {item.cure}"]
    return "\n".join([*lines, "  A check can be switched off, with a reason: private-chatgpt:preflight, off (README)."])


def exit_code(findings: Sequence[Finding]) -> int:
    """What the command says to a script."""
    results = {str(item.result) for item in findings}
    if "failed" in results:
        return FAILED
    return UNKNOWN if "could not tell" in results else OK
