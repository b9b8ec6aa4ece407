"""What the engine hears of a release when it refreshes a guard, by what could be told of it."""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

import pytest
from pulumi.dynamic import ReadResult

from ops.drift_reading.drifted import Report
from ops.drift_reading.entries import Drift
from ops.drift_reading.guarding import DRIFT, HEALED, DriftError, ReleaseGuardProvider

PROPS: dict[str, Any] = {"release": "app", "namespace": "apps", "context": "c", "except": [], DRIFT: [], HEALED: []}
BY_HAND = Drift("app", "apps", "ConfigMap/mine", "foreign", manager="kubectl-create")


@pytest.fixture
def refreshed(monkeypatch: pytest.MonkeyPatch) -> Any:
    def read(report: Report) -> ReadResult:
        monkeypatch.setattr("ops.diagnosis.reading.connect", lambda _: nullcontext())
        monkeypatch.setattr("ops.drift_reading.reading.read_release", lambda *_: report)
        return ReleaseGuardProvider().read("apps/app", PROPS)

    return read


def test_a_kind_that_nobody_can_list_does_not_stop_a_refresh(refreshed: Any) -> None:
    broken = ["Widget in the namespace apps: can't be read: 503 Service Unavailable"]
    found = refreshed(Report("app", "apps", unlisted=broken, foreign=[(BY_HAND, "/path")]))
    assert found.id == "apps/app"
    assert found.inputs[DRIFT] == found.outs[DRIFT] == [BY_HAND.line()]


def test_a_declared_object_that_can_not_be_read_does_stop_it(refreshed: Any) -> None:
    with pytest.raises(DriftError, match="release app: could not tell drift: Deployment/app: not allowed"):
        refreshed(Report("app", "apps", unknown=["Deployment/app: not allowed"]))


def test_the_guard_of_a_release_that_is_gone_is_gone_too(refreshed: Any) -> None:
    found = refreshed(Report("app", "apps", unknown=["helm has no record"], installed=False))
    assert not found.id
