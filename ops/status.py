"""`python -m ops status --stack STACK`: how the stack stands, on one screen. It only reads.

Exit code 0: every release is ready and holds all that the stack asks for. 1: something is not as it is to be. 2: that
could not be told (as of models where simulated nodes run no container), or the stack's settings can't be used.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from components.charts import OLLAMA
from components.loading import PROJECT_DIR, Settings
from ops.command import options_of_stack, print_json, settings_of_stack

if TYPE_CHECKING:
    from ops.backend import DeployedRelease, Update
    from ops.standing.models import Models
    from ops.standing.releases import Standing

AS_IT_IS_TO_BE, NOT_SO, UNKNOWN = 0, 1, 2
"""Exit codes."""


@dataclass(frozen=True)
class Status:
    """What was found."""

    stack: str
    context: str
    url: str
    """Where a browser finds the chat; empty for a stack without one."""
    releases: tuple[Standing, ...]
    models: Models | None
    """None where it could not be told, or the models are another stack's."""
    last_change: Update | None
    """The last one that changed a resource; None where the backend could not be asked, or nothing was deployed."""
    drift: bool | None = None
    """None where it could not be told."""
    unknown: dict[str, str] = field(default_factory=dict)
    """What could not be told → why."""


def main(arguments: list[str]) -> int:
    """Print how the stack stands; returns the exit code."""
    options = options_of_stack("status", __doc__).parse_args(arguments)
    settings = settings_of_stack(options.stack, PROJECT_DIR)
    if settings is None:
        return UNKNOWN
    from ops.diagnosis.reading import UnreachableError

    try:
        found = look(settings, PROJECT_DIR, options.kubeconfig)
    except UnreachableError as error:
        print(f"Could not tell: {error}", file=sys.stderr)
        return UNKNOWN
    if options.json:
        print_json(as_json(found))
    else:
        from ops.standing.screen import show

        show(found)
    return exit_code(found)


def has_drift(settings: Settings, kubeconfig: Path | None) -> bool:
    """Whether something in the cluster isn't as declared; raises CouldNotTellError where that can't be told."""
    from ops.backend import Backend
    from ops.drift_reading.asking import DRIFT, UNKNOWN, NotAskedError, look, reached
    from ops.drift_reading.asking import exit_code as verdict
    from ops.preflight_checks.findings import CouldNotTellError

    try:
        with reached(settings, kubeconfig) as api:
            reports = look(api, settings, None, Backend(settings.platform.stack, settings.platform.project_dir)).reports
    except NotAskedError as error:
        raise CouldNotTellError(str(error)) from error
    if verdict(reports) == UNKNOWN:
        raise CouldNotTellError("; ".join(text for report in reports for text in report.untold))
    return verdict(reports) == DRIFT


def look(settings: Settings, project_dir: Path, kubeconfig: Path | None) -> Status:
    """How the stack stands now; raises UnreachableError where its cluster doesn't answer."""
    # Imported here: what a mistyped stack need not wait for.
    from ops.diagnosis.reading import connect
    from ops.standing.releases import standing

    unknown: dict[str, str] = {}
    own = settings.platform.namespaces
    with ThreadPoolExecutor() as threads, connect(settings.platform.context, kubeconfig) as api:
        recorded = threads.submit(_recorded, settings.platform.stack, project_dir, unknown)
        drift = threads.submit(_drift, settings, kubeconfig, unknown)
        releases = tuple(standing(api, namespace, name) for name, namespace in own.items())
        last_change, deployed = recorded.result()
        further = {release.name: release.namespace for release in deployed if release.name not in own}
        releases += tuple(standing(api, namespace, name) for name, namespace in further.items())
        for release in releases:
            if release.unreadable:
                unknown[f"all of {release.release}"] = ", ".join(release.unreadable)
        models = None
        if settings.ollama:
            ollama = next(release for release in releases if release.release == OLLAMA.name)
            models = _models(api, ollama, settings.ollama.models, unknown)
        drifted = drift.result()
        return Status(
            stack=settings.platform.stack,
            context=settings.platform.context,
            url=settings.librechat.url if settings.librechat else "",
            releases=releases,
            models=models,
            last_change=last_change,
            drift=drifted,
            # In one order, whichever thread was first.
            unknown=dict(sorted(unknown.items())),
        )


def exit_code(found: Status) -> int:
    """What the command says to a script."""
    from ops.diagnosis.judging import State

    ready = all(release.state is State.READY for release in found.releases)
    bound = all(claim.phase == "Bound" for release in found.releases for claim in release.claims)
    pulled = found.models is None or not found.models.missing
    if not (ready and bound and pulled) or found.drift:
        return NOT_SO
    return UNKNOWN if found.unknown else AS_IT_IS_TO_BE


def as_json(found: Status) -> dict[str, Any]:
    """What a program reads: all that was found, but Helm values."""
    report = asdict(found)
    for release, standing in zip(report["releases"], found.releases, strict=True):
        release["state"] = standing.state.value
        if release["revision"]:
            del release["revision"]["values"]
    if report["models"] and found.models:
        report["models"]["missing"] = found.models.missing
    return report


def _models(api: Any, ollama: Standing, asked: tuple[str, ...], unknown: dict[str, str]) -> Models | None:
    from ops.preflight_checks.findings import CouldNotTellError
    from ops.standing.models import read_models

    if not ollama.serving:
        unknown["models"] = "no pod of Ollama runs"
        return None
    try:
        return read_models(api, ollama.namespace, ollama.serving, asked)
    except CouldNotTellError as error:
        unknown["models"] = str(error)
    return None


def _recorded(
    stack: str, project_dir: Path, unknown: dict[str, str]
) -> tuple[Update | None, Sequence[DeployedRelease]]:
    """The last change, and the releases in the stack's state: an app that was added is no setting of this program's."""
    from ops.backend import PAGE, Backend, BackendError

    backend = Backend(stack, project_dir)
    try:
        return next((update for update in backend.history(limit=PAGE) if update.changed), None), backend.releases()
    except BackendError as error:
        unknown["last change"] = f"the stack's history can't be read: {error}"
    return None, ()


def _drift(settings: Settings, kubeconfig: Path | None, unknown: dict[str, str]) -> bool | None:
    from ops.preflight_checks.findings import CouldNotTellError

    try:
        return has_drift(settings, kubeconfig)
    except CouldNotTellError as error:
        unknown["drift"] = str(error)
    return None
