"""Brings a release back to what it declares, and leaves a record of it."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial

from kubernetes import client
from urllib3.exceptions import HTTPError

from ops.diagnosis.history import number_of
from ops.diagnosis.objects import Object
from ops.diagnosis.reading import UnreachableError
from ops.diagnosis.words import shortened
from ops.drift_reading.declared import pack, unpack
from ops.drift_reading.drifted import Drifted, Report, update
from ops.drift_reading.entries import Drift, Excepted
from ops.drift_reading.fields import MANAGER, MISSING, put
from ops.drift_reading.foreign import CLAIM
from ops.drift_reading.reading import WITHIN, read_release
from ops.preflight_checks.reading import Api, Deadline, in_short
from ops.recovery.records import ReleaseName, records_of

APPLY = "application/apply-patch+yaml"
WRITTEN_WITHIN = 300.0
"""Seconds for all writes to a release together; what was healed is noted after them, in a time of its own."""
LONGEST_RECORD = 2000
"""Characters of helm's description of a revision."""


@dataclass
class Healed:
    """What was done about the drift of a release."""

    healed: list[Drift] = field(default_factory=list)
    pruned: list[Drift] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    """What could not be healed, and why."""
    after: Report | None = None
    """How the release is afterwards; None where nothing was to be done."""

    @property
    def lines(self) -> list[str]:
        """What was healed and pruned."""
        pruned = (f"{drift.object} pruned (created by {drift.manager})" for drift in self.pruned)
        return [*(drift.undone() for drift in self.healed), *pruned]


def heal(api: Api, report: Report, exceptions: Sequence[Excepted] = (), *, prune: bool = False) -> Healed:
    """Undo the drift that a report tells of; objects created by hand are deleted only with `prune`.

    What only the engine can mend stays as it is, and objects without drift aren't written to. A cluster that is gone
    afterwards is told as what failed: what was healed is to be told all the same.
    """
    done = Healed()
    writing = replace(api, deadline=Deadline.after(WRITTEN_WITHIN))
    for item in report.drifted:
        _attempt(
            done,
            [drift for drift in item.to_heal if drift not in item.for_engine],
            partial(_mend, writing, report, item),
            done.healed,
        )
    for drift, path in report.foreign if prune else ():
        if not drift.reason:
            _attempt(done, [drift], partial(_prune, writing, drift, path), done.pruned)
    if done.healed or done.pruned:
        api = replace(api, deadline=Deadline.after(WITHIN))
        _attempt(done, [], partial(_note, api, report.record, done.lines), [])
        try:
            done.after = read_release(api, report.release, report.namespace, exceptions)
        except UnreachableError as error:
            done.failed.append(f"how {report.release} is now: {error}")
    return done


def _mend(api: Api, report: Report, item: Drifted) -> None:
    if item.fixed:
        raise ValueError(item.fixed)
    if item.by_engine:
        take_away(api, item)
    elif item.owner and item.live is not None:
        apply_as(api, item)
    elif item.live is None:
        _demand_peace(api, report)
        collection = item.path.rpartition("/")[0]
        api.send("POST", collection, item.declared, fieldManager=MANAGER)
    elif item.live["metadata"].get("deletionTimestamp"):
        raise ValueError("it is being deleted; once it is gone, heal makes it anew")
    else:
        _demand_peace(api, report)
        update(api, item, item.live, dry=False)


def _demand_peace(api: Api, report: Report) -> None:
    """Raises ValueError where helm has begun or ended something since the release was read: its word is the newer."""
    if report.record is None:
        return
    known = number_of(report.record)
    records = records_of(api.client, ReleaseName(report.release, report.namespace))
    if records.is_under_way or (known, "deployed") not in [(item.number, item.status) for item in records.revisions]:
        raise ValueError(f"the release changed meanwhile: {records.told()}. Once that is done, heal again")


def apply_as(api: Api, item: Drifted) -> None:
    """Mend an object that the engine applies itself, under the engine's own name: another would be in its way."""
    applied = api.send("PATCH", item.path, json.dumps(item.to_apply), APPLY, fieldManager=item.owner, force="true")
    if item.target(applied) != applied:
        update(api, item, applied, dry=False)  # Applying takes nothing away that others added.


def take_away(api: Api, item: Drifted) -> None:
    """Take away what others added to an object, and write nothing else: whoever wrote a value stays its writer."""
    target = copy.deepcopy(dict(item.live or {}))
    for path in (
        path
        for drift, each in item.found
        if each and drift.change == "added" and not drift.reason
        for path in each.paths
    ):
        put(target, path, MISSING)
    api.send("PUT", item.path, target, fieldManager=item.owner or MANAGER)


def _prune(api: Api, drift: Drift, path: str) -> None:
    kind, _, name = drift.object.partition("/")
    if kind == CLAIM:
        cure = f"kubectl -n {drift.namespace} delete pvc {name}"
        raise ValueError(f"a claim holds data that nothing brings back, so it is never pruned; to delete it: {cure}")
    api.send("DELETE", path, propagationPolicy="Background")


def _note(api: Api, record: Object | None, lines: Sequence[str]) -> None:
    """Write what was healed into helm's description of the revision, where `helm history` shows it."""
    if record is None:
        return
    release = unpack(record)
    moment = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    before = str(release["info"].get("description", ""))
    latest = f"Healed {moment}: {'; '.join(lines)}"
    if len(before) + len(latest) > LONGEST_RECORD:
        before = before.partition(". Healed ")[0]  # Helm's own words, without earlier heals.
    release["info"]["description"] = shortened(f"{before}. {latest}", LONGEST_RECORD)
    namespace, name = record["metadata"]["namespace"], record["metadata"]["name"]
    body = {**record, "data": {**record["data"], "release": pack(release)}}
    api.send("PUT", f"/api/v1/namespaces/{namespace}/secrets/{name}", body, fieldManager=MANAGER)


def _attempt(done: Healed, drifts: Sequence[Drift], act: Callable[[], None], into: list[Drift]) -> None:
    if not drifts and into is done.healed:
        return
    what = drifts[0].object if drifts else "helm's record"
    try:
        act()
        into.extend(drifts)
    except client.ApiException as error:
        done.failed.append(f"{what}: {in_short(error)}")
    except (HTTPError, OSError) as error:
        done.failed.append(f"{what}: {in_short(error)}")
    except (ValueError, UnreachableError) as error:
        done.failed.append(f"{what}: {error}")
