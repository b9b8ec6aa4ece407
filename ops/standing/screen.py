"""How a stack stands, on one screen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from rich import box
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table
from rich.text import Text

from ops.diagnosis.judging import State
from ops.diagnosis.objects import ago
from ops.helm_records import Record
from ops.standing.models import Download, Models, tagged
from ops.standing.releases import Claim, Standing

if TYPE_CHECKING:
    from ops.status import Status


def show(found: Status, console: Console | None = None, now: datetime | None = None) -> None:
    """Print a row for each release, and below it what concerns the whole stack."""
    console = console or Console(highlight=False)
    now = now or datetime.now(UTC)
    releases = Table("Release", "State", "Revision", "Chart", "Pods ready", "Claims", box=box.SIMPLE_HEAD)
    for release in found.releases:
        releases.add_row(*_release(release, now))
    console.print(f"Stack [bold]{found.stack}[/] on {found.context}", soft_wrap=True)
    console.print(releases)
    facts = Table.grid("", "", padding=(0, 2))
    for title, text in _facts(found, now):
        facts.add_row(Text(title, style="bold"), Text(text))
    console.print(facts)


def _release(release: Standing, now: datetime) -> tuple[Text, ...]:
    style = "green" if release.state is State.READY else "bold red"
    pods = f"{release.ready} of {release.pods}"
    return (
        Text(release.release),
        Text(release.state.value, style=style),
        Text(_revision(release.revision, now)),
        Text(release.revision.versions if release.revision else "-"),
        Text(pods, style="" if release.ready == release.pods else "bold red"),
        Text(_claims(release.claims)),
    )


def _revision(record: Record | None, now: datetime) -> str:
    if record is None:
        return "-"
    return f"{record.number}, {ago(record.deployed, now)}" if record.deployed else str(record.number)


def _claims(claims: tuple[Claim, ...]) -> str:
    counted = Counter(claim.phase for claim in claims)
    told = ", ".join(f"{number} {phase}" for phase, number in sorted(counted.items())) or "none"
    waiting = [claim.name for claim in claims if claim.phase != "Bound"]
    return f"{told}: {', '.join(waiting)}" if waiting else told


def _facts(found: Status, now: datetime) -> Iterator[tuple[str, str]]:
    unknown = dict(found.unknown)
    if found.url:
        yield "URL", found.url
    if found.models:
        yield from _models(found.models)
    elif "models" in unknown:
        yield "Models", f"could not tell: {unknown.pop('models')}"
    if found.last_change:
        update = found.last_change
        told = [f"{ago(update.end or update.start, now)}: {update.kind} {update.result}", update.message]
        commit = f"at {update.commit[:8]}" if update.commit else ""
        yield "Last change", ", ".join(filter(None, [*told, update.who, commit]))
    elif "last change" in unknown:
        yield "Last change", f"{_newest_revision(found, now)}could not tell by whom: {unknown.pop('last change')}"
    if found.drift is not None:
        yield "Drift", "yes" if found.drift else "no"
    for what, why in unknown.items():
        yield what.capitalize(), f"could not tell: {why}"


def _newest_revision(found: Status, now: datetime) -> str:
    """What helm knows of the last change, where the stack's history can't be read."""
    made = [
        (release.revision.deployed, f"revision {release.revision.number} of {release.release}")
        for release in found.releases
        if release.revision and release.revision.deployed
    ]
    if not made:
        return ""
    when, what = max(made)
    return f"{ago(when, now)}: {what}; "


def _models(models: Models) -> Iterator[tuple[str, str]]:
    yield "Models", ", ".join(f"{model} ({_model(model, models)})" for model in models.asked)
    if not models.missing:
        return
    if models.downloads is None:
        yield "Pulling", "could not tell: the files in its pod can't be listed"
    elif models.downloads:
        yield "Pulling", f"{_progress(models.downloads)} of what has begun, of a missing model"
    else:
        yield "Pulling", "no download has begun"


def _model(model: str, models: Models) -> str:
    if model in models.missing:
        return "missing"
    return "in memory" if tagged(model) in map(tagged, models.loaded) else "present"


def _progress(downloads: tuple[Download, ...]) -> str:
    arrived, size = sum(item.arrived for item in downloads), sum(item.size for item in downloads)
    return f"{decimal(arrived)} of {decimal(size)}"
