"""What is told of locks, processes, records and the state, where nothing is asked but this machine."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from ops.diagnosis.reading import UnreachableError
from ops.preflight_checks.reading import Api
from ops.recovery import locks, processes, records
from ops.recovery.locks import Holder, is_alive, locks_of
from ops.recovery.place import Place
from ops.recovery.processes import Orphan, Process, orphans_among, orphans_of
from ops.recovery.records import Records, ReleaseName, Revision
from ops.recovery.state import State, object_id
from ops.tokens import RELEASE

OLLAMA = ReleaseName("ollama", "models")
NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def place(folder: Path, **environment: str) -> Place:
    return Place("prod", "private-chatgpt", folder, "prod", None, {"PULUMI_HOME": str(folder), **environment})


# --- locks ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def sleeper() -> Iterator[subprocess.Popen[bytes]]:
    """A process that lives."""
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as process:
        yield process
        process.kill()


def lock(folder: Path, name: str = "a", **content: Any) -> None:
    found = {"pid": 1, "username": "root", "hostname": socket.gethostname(), "timestamp": NOW.isoformat()} | content
    directory = folder / ".pulumi" / "locks" / "organization" / "private-chatgpt" / "prod"
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{name}.json").write_text(json.dumps(found))


def holders(folder: Path) -> list[Holder]:
    found = locks_of(place(folder, PULUMI_BACKEND_URL=f"file://{folder}"))
    assert found is not None
    return [item.holder for item in found]


def test_a_lock_is_held_as_long_as_the_process_that_made_it_lives(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    lock(tmp_path, pid=sleeper.pid, timestamp=datetime.now(UTC).isoformat().replace("+00:00", "Z"))
    assert holders(tmp_path) == [Holder.ALIVE]
    sleeper.kill()
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)
    assert holders(tmp_path) == [Holder.GONE], "a zombie holds nothing"
    sleeper.wait()
    assert holders(tmp_path) == [Holder.GONE]


def test_a_process_that_got_its_id_after_the_lock_was_made_does_not_hold_it(
    tmp_path: Path, sleeper: subprocess.Popen[bytes]
) -> None:
    lock(tmp_path, pid=sleeper.pid, timestamp=(datetime.now(UTC) - timedelta(hours=1)).isoformat())
    assert holders(tmp_path) == [Holder.GONE]


def test_without_proc_ps_tells_the_same_and_without_both_nobody_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    now, later = datetime.now(UTC), datetime.now(UTC) - timedelta(hours=1)
    monkeypatch.setattr(locks, "PROC", tmp_path)
    assert (is_alive(sleeper.pid, now), is_alive(sleeper.pid, later)) == (True, False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert (is_alive(sleeper.pid, now), is_alive(2**22 + 1, now)) == (None, False)
    lock(tmp_path, pid=sleeper.pid, timestamp=now.isoformat())
    assert holders(tmp_path) == [Holder.UNKNOWN]


def test_with_proc_nothing_else_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sleeper: subprocess.Popen[bytes]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert is_alive(sleeper.pid, datetime.now(UTC)) is True
    assert is_alive(sleeper.pid, datetime.now(UTC) - timedelta(hours=1)) is False
    assert orphans_of(place(tmp_path)) == []


def test_a_lock_of_another_machine_or_without_any_sense_is_neither_held_nor_stale(tmp_path: Path) -> None:
    lock(tmp_path, "elsewhere", hostname="another-machine", pid=2**22 + 1)
    lock(tmp_path, "no-process", pid=None)
    directory = tmp_path / ".pulumi" / "locks" / "organization" / "private-chatgpt" / "prod"
    (directory / "empty.json").write_text("")
    assert holders(tmp_path) == [Holder.UNKNOWN] * 3


def test_a_lock_that_was_cut_off_by_a_full_disk_is_stale_but_not_while_it_may_be_being_written(tmp_path: Path) -> None:
    lock(tmp_path, "a.json.18ea0a")
    folder = tmp_path / ".pulumi" / "locks" / "organization" / "private-chatgpt" / "prod"
    cut = (folder / "a.json.18ea0a.json").rename(folder / "a.json.18ea0a.tmp")
    cut.write_text("")
    assert holders(tmp_path) == [Holder.ALIVE]
    os.utime(cut, (time.time() - 60,) * 2)
    assert holders(tmp_path) == [Holder.GONE]


def test_locks_of_other_stacks_and_of_other_backends_are_not_looked_at(tmp_path: Path) -> None:
    assert holders(tmp_path) == []
    lock(tmp_path)
    assert len(holders(tmp_path)) == 1
    other = Place("dev", "private-chatgpt", tmp_path, "dev", None, {"PULUMI_BACKEND_URL": f"file://{tmp_path}"})
    assert locks_of(other) == []
    assert locks_of(place(tmp_path, PULUMI_BACKEND_URL="s3://state")) is None
    assert locks_of(place(tmp_path)) is None, "nobody is logged in"


def test_the_backend_is_found_as_pulumi_finds_it(tmp_path: Path) -> None:
    (tmp_path / "credentials.json").write_text('{"current": "https://api.example.com"}')
    (tmp_path / "Pulumi.yaml").write_text("name: private-chatgpt\n")
    assert place(tmp_path).backend() == "https://api.example.com"
    (tmp_path / "Pulumi.yaml").write_text("name: private-chatgpt\nbackend: {url: gs://state}\n")
    assert place(tmp_path).backend() == "gs://state"
    assert place(tmp_path, PULUMI_BACKEND_URL="file://~").backend() == "file://~"


# --- processes --------------------------------------------------------------------------------------------------------

PLUGIN = "/bin/pulumi-resource-kubernetes 127.0.0.1:{port}"
PROGRAM = (
    "/p/.venv/bin/python /t/pulumi-language-python-exec --monitor 127.0.0.1:9 --engine 127.0.0.1:{port} "
    "--project private-chatgpt --root_directory /p --stack {stack} --pwd /p"
)
LIVING = 7


def orphans(tmp_path: Path, *lines: str, **environment: str) -> list[Orphan]:
    known = {"PULUMI_HOME": str(tmp_path), "PULUMI_PROJECT": "private-chatgpt", **environment}
    processes = [Process(number, line) for number, line in enumerate(lines, 1)]
    return orphans_among(processes, place(tmp_path), lambda pid: known, lambda port: port == LIVING)


def test_a_provider_belongs_to_the_stack_that_the_program_of_the_same_engine_names(tmp_path: Path) -> None:
    mine = PROGRAM.format(port=5, stack="prod"), PLUGIN.format(port=5)
    theirs = PROGRAM.format(port=6, stack="dev"), PLUGIN.format(port=6)
    found = orphans(tmp_path, *theirs, *mine)
    assert [item.pid for item in found if item.proven] == [3, 4]
    assert [item.pid for item in found if not item.proven] == [1, 2]


def test_what_runs_the_guards_is_left_behind_beside_the_script_that_started_it(tmp_path: Path) -> None:
    script = "/bin/sh /t/pulumi-resource-pulumi-python 127.0.0.1:5"
    child = "/p/.venv/bin/python -u -m pulumi.dynamic 127.0.0.1:{port}"
    lines = PROGRAM.format(port=5, stack="prod"), script, child.format(port=5), child.format(port=LIVING)
    found = orphans(tmp_path, *lines)
    assert [(item.pid, item.name) for item in found if item.proven] == [
        (1, "the program"),
        (2, "pulumi-resource-pulumi-python"),
        (3, "pulumi.dynamic"),
    ]
    assert len(found) == 3
    assert orphans(tmp_path, "/bin/vi pulumi.dynamic") == [], "it names no engine"


def test_a_process_and_its_environment_are_read_without_ps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    script = "import time; print('begun', flush=True); time.sleep(60)"
    line = [sys.executable, "-c", script, "pulumi-resource-made-up", "127.0.0.1:1"]
    environment = {"PULUMI_HOME": str(tmp_path), "PULUMI_PROJECT": "private-chatgpt"}
    monkeypatch.setenv("PATH", str(tmp_path))
    with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as process:
        try:
            # Until it runs, the kernel may show no command line of it yet.
            assert process.stdout and process.stdout.readline() == b"begun\n"
            left = orphans_of(place(tmp_path))
            assert left == [Orphan(process.pid, "pulumi-resource-made-up", proven=False)]
            monkeypatch.setattr(processes, "PROC", tmp_path)
            assert orphans_of(place(tmp_path)) == [], "no system without /proc tells an environment"
        finally:
            process.kill()


@pytest.mark.parametrize(("home", "left"), [("another", True), ("", False)])
def test_an_engine_whose_port_another_backend_was_given_is_gone_all_the_same(
    tmp_path: Path, home: str, left: bool
) -> None:
    server = "import socket, time; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)"
    sleeping = "import time; print('begun', flush=True); time.sleep(60)"
    environment = {"PULUMI_HOME": str(tmp_path), "PULUMI_PROJECT": "private-chatgpt"}
    of_server = {**environment, "PULUMI_HOME": str(tmp_path / home)}
    line = [sys.executable, "-c", f"{server}; time.sleep(60)"]
    with subprocess.Popen(line, env=of_server, stdout=subprocess.PIPE) as listening:
        assert listening.stdout
        port = int(listening.stdout.readline())
        line = [sys.executable, "-c", sleeping, "pulumi-resource-made-up", f"127.0.0.1:{port}"]
        with subprocess.Popen(line, env=environment, stdout=subprocess.PIPE) as provider:
            try:
                assert provider.stdout and provider.stdout.readline() == b"begun\n"
                assert [item.pid for item in orphans_of(place(tmp_path))] == [provider.pid] * left
            finally:
                provider.kill()
                listening.kill()


def test_nothing_of_an_engine_that_lives_is_an_orphan(tmp_path: Path) -> None:
    assert orphans(tmp_path, PROGRAM.format(port=LIVING, stack="prod"), PLUGIN.format(port=LIVING)) == []


def test_what_another_backend_or_another_project_left_behind_is_none_of_ours(tmp_path: Path) -> None:
    mine = PROGRAM.format(port=5, stack="prod"), PLUGIN.format(port=5)
    assert orphans(tmp_path, *mine, PULUMI_BACKEND_URL="file:///elsewhere") == []
    assert orphans(tmp_path, *mine, PULUMI_HOME="/home/else") == []
    assert orphans(tmp_path, PLUGIN.format(port=5), PULUMI_PROJECT="other") == []
    (unproven,) = orphans(tmp_path, PLUGIN.format(port=5))
    assert not unproven.proven and unproven.name == "pulumi-resource-kubernetes"


def test_where_no_environment_can_be_read_nothing_is_touched(tmp_path: Path) -> None:
    process = Process(1, PLUGIN.format(port=5))
    assert orphans_among([process], place(tmp_path), lambda pid: None, lambda port: False) == []


# --- records ----------------------------------------------------------------------------------------------------------


def of(*statuses: str) -> Records:
    return Records(OLLAMA, [Revision(number, status, NOW) for number, status in enumerate(statuses, 1)])


@pytest.mark.parametrize(
    ("statuses", "under_way", "half_done", "good"),
    [
        ([], False, False, None),
        (["deployed"], False, False, 1),
        (["pending-install"], True, True, None),
        (["deployed", "pending-upgrade"], True, True, 1),
        (["superseded", "deployed", "failed", "pending-rollback"], True, True, 2),
        (["superseded", "superseded", "failed", "pending-rollback"], True, True, 2),
        (["deployed", "pending-upgrade", "deployed"], False, False, 3),
        (["failed"], False, True, None),
        (["uninstalling"], True, True, None),
    ],
)
def test_only_the_latest_record_says_whether_something_is_under_way(
    statuses: list[str], under_way: bool, half_done: bool, good: int | None
) -> None:
    found = of(*statuses)
    assert (found.is_under_way, found.is_half_done) == (under_way, half_done)
    assert (found.good.number if found.good else None) == good


def test_a_revision_that_the_engine_does_not_know_is_half_done_and_goes_back_to_the_one_that_it_knows() -> None:
    ended = Records(OLLAMA, of("superseded", "superseded", "deployed").revisions, known=2)
    assert ended.is_half_done and not ended.is_under_way
    assert ended.good == ended.revisions[1]
    assert not Records(OLLAMA, ended.revisions, known=3).is_half_done
    forgotten = Records(OLLAMA, of("superseded", "deployed", "pending-upgrade").revisions[1:], known=1)
    assert forgotten.good == forgotten.revisions[0], "helm keeps a few revisions only"


def test_a_release_that_is_under_way_is_refused_with_the_command_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    answers: list[Any] = []

    def read_records(*arguments: Any) -> list[Records]:
        found = answers.pop()
        if isinstance(found, Exception):
            raise found
        return [found]

    monkeypatch.setattr(records, "read_records", read_records)
    answers += [UnreachableError("away"), of("failed"), of("deployed"), of("deployed", "pending-upgrade")]
    told = records.refusal("prod", "prod", None, OLLAMA)
    assert told and "revision 2 is pending-upgrade since" in told and "make recover STACK=prod" in told
    assert [records.refusal("prod", "prod", None, OLLAMA) for _ in range(3)] == [None] * 3


def test_records_that_may_not_be_read_are_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def get(*arguments: Any, **more: Any) -> Any:
        raise client.ApiException(status=403, reason="Forbidden")

    monkeypatch.setattr(Api, "get", get)
    with pytest.raises(UnreachableError, match="in namespace models can't be read: not allowed"):
        records.records_of(client.ApiClient(), OLLAMA)


# --- state ------------------------------------------------------------------------------------------------------------


def resource(type_: str, name: str, /, **inputs: Any) -> dict[str, Any]:
    return {"urn": f"urn:pulumi:prod::p::chat$x${type_}::{name}", "type": type_, "inputs": inputs}


def test_what_was_made_is_noted_and_what_was_not_is_struck_and_nothing_is_noted_twice() -> None:
    made = resource("kubernetes:core/v1:Namespace", "ollama", metadata={"name": "models"})
    not_made = resource(RELEASE, "ollama", name="ollama", namespace="models")
    known = resource("kubernetes:core/v1:Secret", "s", metadata={"name": "s", "namespace": "models"})
    pending = [{"type": what, "resource": item} for what, item in
               [("creating", made), ("creating", not_made), ("creating", known), ("updating", known)]]  # fmt: skip
    state = State({"version": 3, "deployment": {"resources": [known], "pending_operations": pending}})
    assert [item.name for item in state.operations][:2] == [
        "kubernetes:core/v1:Namespace ollama",
        "kubernetes:helm.sh/v3:Release ollama",
    ]
    assert state.releases == {OLLAMA: not_made["urn"]}

    settled, added = state.settled(lambda item: item is not not_made)
    assert added == [made["urn"]]
    assert settled.resources == [known, {**made, "id": "models", "outputs": made["inputs"]}]
    assert settled.operations == [] and settled.content["version"] == 3
    assert state.operations, "what was read stays as it is"


def test_the_revision_that_the_engine_knows_matters_only_where_it_had_begun_another() -> None:
    release = resource(RELEASE, "ollama", name="ollama", namespace="models")
    noted = {**release, "outputs": {"status": {"revision": 3}}}
    quiet = {"resources": [noted]}
    begun = quiet | {"pending_operations": [{"type": "updating", "resource": release}]}
    assert State({"deployment": quiet}).known_revision(OLLAMA) is None
    assert State({"deployment": begun}).known_revision(OLLAMA) == 3
    assert State({"deployment": begun | {"resources": [release]}}).known_revision(OLLAMA) is None
    assert State({"deployment": begun}).known_revision(ReleaseName("other", "models")) is None


def test_ids_are_those_that_the_provider_gives() -> None:
    assert object_id(resource(RELEASE, "o", name="ollama", namespace="models")) == "models/ollama"
    secret = resource("kubernetes:core/v1:Secret", "s", metadata={"name": "s", "namespace": "models"})
    assert object_id(secret) == "models/s"


def test_a_stack_without_anything_has_nothing_pending() -> None:
    assert State({"version": 3, "deployment": {}}).operations == []
    assert State({"version": 3}).releases == {}
