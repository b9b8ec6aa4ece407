"""What `recover` decides and says; that it mends is in tests/engine/test_recover.py."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kubernetes import client

from components.loading import PROJECT_DIR
from ops import recover
from ops.diagnosis.objects import Object
from ops.diagnosis.reading import UnreachableError
from ops.recovery import finding, mending
from ops.recovery.finding import Found, glance
from ops.recovery.locks import Holder, Lock
from ops.recovery.place import Place
from ops.recovery.processes import Orphan
from ops.recovery.records import Records, ReleaseName, Revision
from ops.recovery.releases import Helm, Mending, MendingError, Way, plan
from tests.unit.deployment import load_settings

OLLAMA = ReleaseName("ollama", "models")
GONE = Lock(Path("a.json"), Holder.GONE, "process 1: no longer there")
ALIVE = Lock(Path("b.json"), Holder.ALIVE, "process 2: still running")
ELSEWHERE = Lock(Path("c.json"), Holder.UNKNOWN, "process 3 on another")


def of(*statuses: str) -> Records:
    return Records(OLLAMA, [Revision(number, status, None) for number, status in enumerate(statuses, 1)])


# --- the command ------------------------------------------------------------------------------------------------------


@dataclass
class Desk:
    """What the command finds, and whether it mended."""

    found: Found | Exception = field(default_factory=Found)
    failure: Exception | None = None
    mended: list[bool] = field(default_factory=list)


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Desk:
    (tmp_path / "Pulumi.yaml").write_text((PROJECT_DIR / "Pulumi.yaml").read_text())
    (tmp_path / "values").symlink_to(PROJECT_DIR / "values")
    (tmp_path / "Pulumi.prod.yaml").write_text((PROJECT_DIR / "Pulumi.prod.yaml").read_text())
    monkeypatch.setattr(recover, "PROJECT_DIR", tmp_path)
    desk = Desk()

    def look(*arguments: Any, older: bool) -> Found:
        if isinstance(desk.found, Exception):
            raise desk.found
        return desk.found

    def mend(*arguments: Any, break_lock: bool, say: Any) -> None:
        if desk.failure:
            raise desk.failure
        desk.mended.append(break_lock)

    monkeypatch.setattr(finding, "look", look)
    monkeypatch.setattr(mending, "mend", mend)
    return desk


def test_where_nothing_was_left_behind_it_says_so(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    assert recover.main(["--stack", "prod", "--yes"]) == 0
    assert "nothing to mend" in capsys.readouterr().out and not desk.mended


def test_unasked_it_only_looks(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.found = Found(locks=[GONE], orphans=[Orphan(7, "pulumi-resource-kubernetes", proven=False)])
    assert recover.main(["--stack", "prod"]) == 1
    printed = capsys.readouterr()
    assert "--yes" in printed.err and "process 1: no longer there" in printed.out and "kill 7" in printed.out
    assert recover.main(["--stack", "prod", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert [item["kind"] for item in told["found"]] == ["process", "lock"]
    assert not desk.mended


@pytest.mark.parametrize(("answer", "code", "mended"), [("y", 0, [False]), ("", 1, []), ("no", 1, [])])
def test_who_is_asked_decides(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, answer: str, code: int, mended: list[bool]
) -> None:
    desk.found = Found(locks=[GONE])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", lambda: answer)
    assert recover.main(["--stack", "prod"]) == code
    assert desk.mended == mended


@pytest.mark.parametrize("end", [EOFError, KeyboardInterrupt])
def test_whoever_ends_the_question_mends_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], end: type[BaseException]
) -> None:
    def ended() -> str:
        raise end

    desk.found = Found(locks=[GONE])
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("builtins.input", ended)
    assert recover.main(["--stack", "prod"]) == 1
    assert "Nothing was changed." in capsys.readouterr().err and not desk.mended


@pytest.mark.parametrize(
    ("locks", "options", "mended"),
    [
        ([GONE], ["--yes"], [False]),
        ([GONE, ALIVE], ["--yes"], []),
        ([ALIVE], ["--yes", "--break-lock"], []),
        ([ELSEWHERE], ["--yes"], []),
        ([ELSEWHERE], ["--yes", "--break-lock"], [True]),
        (None, ["--yes", "--break-lock"], [True]),
        (None, ["--yes"], []),
    ],
)
def test_a_lock_is_taken_off_only_where_nobody_can_hold_it(
    desk: Desk, locks: list[Lock] | None, options: list[str], mended: list[bool]
) -> None:
    desk.found = Found(locks=locks)
    assert recover.main(["--stack", "prod", *options]) == (0 if mended or locks is None else 1)
    assert desk.mended == mended


@pytest.mark.parametrize("error", [UnreachableError("it is away"), MendingError("no stack named prod")])
def test_what_can_not_be_told_is_not_mended(desk: Desk, capsys: pytest.CaptureFixture[str], error: Exception) -> None:
    desk.found = error
    assert recover.main(["--stack", "prod", "--yes"]) == 2
    assert f"Could not tell: {error}" in capsys.readouterr().err and not desk.mended


def test_a_step_that_fails_is_said_with_what_to_do(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.found, desk.failure = Found(locks=[GONE]), MendingError("helm rollback ollama failed: no")
    assert recover.main(["--stack", "prod", "--yes"]) == 1
    assert "Not mended: helm rollback ollama failed: no" in capsys.readouterr().err


def test_a_stack_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert recover.main(["--stack", "no-such-stack"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err


# --- a glance before `up` ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("locks", "record", "kinds"),
    [
        ([], of("deployed"), []),
        ([GONE], of("deployed"), ["lock"]),
        (None, of("deployed", "pending-upgrade"), ["release"]),
        ([GONE], of("pending-install"), ["lock", "release"]),
        ([ALIVE], of("pending-install"), []),
        ([], of("deployed", "failed"), []),
    ],
)
def test_a_glance_tells_what_up_would_not(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, locks: list[Lock] | None, record: Records, kinds: list[str]
) -> None:
    monkeypatch.setattr(finding, "locks_of", lambda place: locks)
    monkeypatch.setattr(finding, "read_records", lambda *arguments: [record])
    place = Place("prod", "private-chatgpt", tmp_path, "prod")
    assert [item.kind for item in glance(place, [OLLAMA])] == kinds


def test_pulumi_is_told_of_the_kubeconfig_that_the_command_was_given(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/of/the/shell")
    monkeypatch.chdir(tmp_path)
    settings = load_settings("prod")
    place, releases = recover.place_of(settings, recover.options_of(["--stack", "prod", "--kubeconfig", "file"]))
    assert (place.stack, place.kubeconfig) == ("prod", Path("file"))
    assert place.environment["KUBECONFIG"] == str(tmp_path / "file")
    assert {release.name for release in releases} == {"ollama", "librechat"}
    unnamed, _ = recover.place_of(settings, recover.options_of(["--stack", "prod"]))
    assert unnamed.environment["KUBECONFIG"] == "/of/the/shell"


# --- how a release is mended ------------------------------------------------------------------------------------------


def claim(name: str, policy: str | None = None) -> Object:
    annotations = {"helm.sh/resource-policy": policy} if policy else {}
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "annotations": annotations}}


def planned(monkeypatch: pytest.MonkeyPatch, records: Records, live: list[str], **manifests: list[Object]) -> Mending:
    """What is planned; `manifests` are those of revisions, such as `r1`."""
    listed = SimpleNamespace(items=[SimpleNamespace(metadata=SimpleNamespace(name=name)) for name in live])
    monkeypatch.setattr(client.CoreV1Api, "list_namespaced_persistent_volume_claim", lambda *arguments, **more: listed)
    helm = SimpleNamespace(manifest=lambda release, number: manifests[f"r{number}"])
    return plan(client.ApiClient(), cast("Helm", helm), records)


def test_an_upgrade_goes_back_and_a_claim_that_only_it_has_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    records = of("superseded", "deployed", "pending-upgrade")
    before, after = [claim("old")], [claim("old"), claim("new"), claim("kept", "keep"), claim("not-made-yet")]
    found = planned(monkeypatch, records, ["old", "new", "kept"], r2=before, r3=after)
    assert (found.way, found.claims) == (Way.BACK, ("new",))
    assert found.text == "helm rollback ollama to revision 2; new stays"


@pytest.mark.parametrize("statuses", [["pending-install"], ["failed"], ["deployed", "uninstalling"]])
def test_what_never_was_or_is_to_go_is_uninstalled_unless_that_would_take_a_claim(
    monkeypatch: pytest.MonkeyPatch, statuses: list[str]
) -> None:
    records = of(*statuses)
    manifest = {f"r{len(statuses)}": [claim("kept", "keep"), claim("lost")]}
    without = planned(monkeypatch, records, ["kept"], **manifest)
    assert (without.way, without.claims) == (Way.UNINSTALL, ())
    with_it = planned(monkeypatch, records, ["kept", "lost"], **manifest)
    assert (with_it.way, with_it.claims) == (Way.FORGET, ("lost",))
    assert "its objects stay, with what lost holds" in with_it.text


def test_helm_that_is_not_there_or_fails_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MendingError, match="helm is not on PATH"):
        Helm.find("prod", None)
    program = tmp_path / "helm"
    program.write_text('#!/bin/sh\necho "$0 said no" >&2; exit 1\n')
    program.chmod(0o755)
    with pytest.raises(MendingError, match=r"helm rollback ollama failed: .* said no"):
        Helm.find("prod", None).run(OLLAMA, "rollback", "ollama", "1")
