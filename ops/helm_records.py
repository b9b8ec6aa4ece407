"""Helm's records of a release, whole: what each revision was made of, and how it went."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from ops.diagnosis.history import GOOD, UNDER_WAY, number_of, records_of, status_of, unpack
from ops.diagnosis.objects import Object, moment
from ops.preflight_checks.reading import Api


@dataclass(frozen=True)
class Record:
    """One revision. Only number and status are known of one that a newer helm packed in another way."""

    number: int
    status: str
    deployed: datetime | None = None
    """When helm began with it."""
    description: str = ""
    chart: str = ""
    chart_version: str = ""
    app_version: str = ""
    values: Mapping[str, Any] | None = field(default=None, repr=False)
    """What helm was given over the chart's defaults; None where the record can't be read."""

    @property
    def was_ready(self) -> bool:
        """Whether its objects became ready."""
        return self.status in GOOD

    @property
    def is_pending(self) -> bool:
        """Whether helm is at it, or was when it was interrupted."""
        return self.status in UNDER_WAY

    @property
    def versions(self) -> str:
        """Chart and app version as people read them, such as `1.77.0 (app 0.32.15)`; empty where unknown."""
        return f"{self.chart_version} (app {self.app_version})" if self.app_version else self.chart_version

    def same_inputs(self, other: Record) -> bool:
        """Whether both were made of the same values and chart."""
        return (self.chart_version, self.values) == (other.chart_version, other.values)


def read_records(api: Api, namespace: str, release: str) -> list[Record]:
    """The release's revisions, oldest first; raises ApiException, HTTPError or OSError."""
    selector = f"owner=helm,name={release}"
    return records_in(release, api.items(f"/api/v1/namespaces/{namespace}/secrets", labelSelector=selector))


def records_in(release: str, secrets: Iterable[Object]) -> list[Record]:
    """The release's revisions among the Secrets, oldest first."""
    return [_record(secret) for secret in records_of(release, secrets)]


def current(records: Sequence[Record]) -> Record | None:
    """The revision that runs: the one that is deployed, else the latest."""
    deployed = [record for record in records if record.status == "deployed"]
    return next(reversed(deployed or records), None)


def _record(secret: Object) -> Record:
    number, status = number_of(secret), status_of(secret)
    found = unpack(secret)
    if found is None:
        return Record(number, status)
    info, chart = found.get("info") or {}, (found.get("chart") or {}).get("metadata") or {}
    return Record(
        number=number,
        status=status,
        deployed=moment(info.get("last_deployed")),
        description=info.get("description") or "",
        chart=chart.get("name") or "",
        chart_version=chart.get("version") or "",
        app_version=chart.get("appVersion") or "",
        values=found.get("config") or {},
    )
