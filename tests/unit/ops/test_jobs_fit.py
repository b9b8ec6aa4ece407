"""The Jobs beside the database fit into the quota of its namespace, however much the database itself asks for."""

from decimal import Decimal
from typing import Any

import pytest

from components.guardrails.apps import librechat_usage
from components.guardrails.quantities import amount
from components.guardrails.quota import JOBS, needed
from components.ownership import Marks
from ops.backing_up.living import database_of
from ops.backing_up.worker import job_of as job_of_backup
from ops.database_password.job import database_of as database_with_password
from ops.database_password.job import job_of as job_of_rotation
from tests.unit.deployment import Changes, deploy
from tests.unit.ops.test_backup_job import FILE, stateful_set
from tests.unit.recording import QUOTA

MARKS = Marks({}, {})
GREEDY = {"requests": {"cpu": "2", "memory": "4Gi", "nvidia.com/gpu": "1"}, "limits": {"memory": "8Gi"}}
LARGE: Changes = {"librechat": {"values": {"mongodb": {"resources": GREEDY}}}}


def containers(resources: dict[str, Any]) -> list[dict[str, Any]]:
    """The container of every Job that is made beside a database whose own has these resources."""
    database = stateful_set(FILE)
    (container,) = database["spec"]["template"]["spec"]["containers"]
    container["resources"] = resources
    asking = database_with_password(database)
    assert asking is not None
    jobs = (
        job_of_backup("a-backup", database_of(database), MARKS),
        job_of_rotation("a-rotation", asking, "librechat", "LibreChat", 60, MARKS),
    )
    return [container for job in jobs for container in job["spec"]["template"]["spec"]["containers"]]


@pytest.mark.parametrize(("stack", "changes"), [("prod", {}), ("ha", {}), ("prod", LARGE)])
def test_as_many_jobs_as_the_quota_counts_fit_beside_the_app_and_one_rolling_update_of_it(
    stack: str, changes: Changes
) -> None:
    deployment = deploy(stack, changes)
    values = deployment.values("librechat")
    usage, hard = librechat_usage(values), deployment.one(QUOTA, "librechat-quota").inputs["spec"]["hard"]
    assert hard.keys() >= {"pods", "requests.cpu", "requests.memory", "limits.memory"}
    of_jobs = containers(values["mongodb"]["resources"])
    assert len(of_jobs) == JOBS
    for kind, name in (("requests", "cpu"), ("requests", "memory"), ("limits", "memory")):
        of_app = sum((amount(getattr(pods, kind)[name]) * pods.at_most for pods in usage.pods), Decimal(0))
        asked = max(amount(container["resources"][kind][name]) for container in of_jobs)
        assert of_app + asked * JOBS <= amount(hard[f"{kind}.{name}"]), (kind, name)
    assert sum(pods.at_most for pods in usage.pods) + JOBS <= needed(usage)["pods"]


def test_a_job_asks_for_no_device_and_no_memory_of_the_databases() -> None:
    for container in containers(GREEDY):
        assert set(container["resources"]["requests"]) == {"cpu", "memory"}
        assert amount(container["resources"]["limits"]["memory"]) < amount("8Gi")
