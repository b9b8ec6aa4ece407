"""The command and the error hook's side of it, where no cluster is asked."""

import contextlib
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from kubernetes import client

from components.loading import PROJECT_DIR
from ops import diagnosis, why
from ops.diagnosis import examining, reading
from ops.diagnosis.causes import Cause, LogOf, Rank
from ops.diagnosis.judging import Diagnosis, State
from ops.diagnosis.objects import Snapshot
from tests.unit.deployment import load_settings
from tests.unit.ops.why_objects import deployment, pod, replica_set, revision, snapshot


def diagnosed(state: State, *causes: Cause) -> Diagnosis:
    return Diagnosis("ollama", "ollama", state, "headline", causes)


def test_the_exit_code_tells_nothing_wrong_from_a_cause_and_from_not_knowing() -> None:
    cause = Cause(Rank.NODE, "pod x", "no node can take it")
    ready = diagnosed(State.READY)
    assert why.exit_code([ready, ready]) == 0
    assert why.exit_code([ready, diagnosed(State.NOT_READY, cause)]) == 1
    # LibreChat is not begun while Ollama fails.
    assert why.exit_code([diagnosed(State.NOT_INSTALLED, cause), diagnosed(State.NOT_INSTALLED)]) == 1
    assert why.exit_code([ready, diagnosed(State.NOT_INSTALLED)]) == 2
    assert why.exit_code([ready, diagnosed(State.UNKNOWN)]) == 2


def test_a_stack_that_is_not_there_or_not_usable_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert why.main(["--stack", "no-such-stack"]) == 2
    assert "There is no stack no-such-stack" in capsys.readouterr().err
    # The repo's dev stack names no context: `make up` gives it one.
    assert why.main(["--stack", "dev"]) == 2
    assert "kubernetes:context" in capsys.readouterr().err


def test_an_empty_kubeconfig_is_said_and_not_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "kubeconfig"
    file.write_text("{}")
    assert why.main(["--stack", "prod", "--kubeconfig", str(file)]) == 2
    assert capsys.readouterr().err.startswith("Could not tell: the kubeconfig context 'prod' can't be used: ")


def test_both_releases_are_asked_for_in_their_namespaces_with_their_values() -> None:
    ollama, librechat = why.releases_of(load_settings("prod", {"librechat": {"namespace": "chat"}}))
    assert (ollama.name, ollama.namespace, librechat.name, librechat.namespace) == (
        "ollama",
        "ollama",
        "librechat",
        "chat",
    )
    assert ollama.values["nodeSelector"] == {"nvidia.com/gpu.present": "true"}


def test_importing_what_the_hook_needs_imports_no_kubernetes_client() -> None:
    code = "import sys, ops.diagnosis; print([name for name in sys.modules if name.startswith(('kubernetes', 'yaml'))])"
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_an_explanation_never_raises_and_never_shows_a_secret(tmp_path: Path) -> None:
    errors = ["Get https://u:s3cr3t-pw@registry/v2: dial tcp: i/o timeout"]
    found = diagnosis.explain_failure("none", tmp_path / "absent", "ns", "ollama", None, errors=errors)
    assert "could not look into it: the kubeconfig context 'none' can't be used" in found.lines[0]
    assert found.lines[1] == "  helm said: Get https://u:***@registry/v2: dial tcp: i/o timeout"
    assert found.transient


def test_a_registry_that_times_out_while_an_image_is_pulled_is_transient(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(text: str, rank: Rank = Rank.IMAGE, state: State = State.NOT_INSTALLED) -> bool:
        judged = diagnosed(state, Cause(rank, "pod x", text))
        monkeypatch.setattr(examining, "examine", lambda *_, **__: judged)
        monkeypatch.setattr(reading, "connect", lambda *_: contextlib.nullcontext())
        return diagnosis.explain_failure("c", None, "ns", "ollama", None, errors=["time was up"]).transient

    assert found("image x can't be pulled: dial tcp 1.2.3.4:443: i/o timeout")
    assert not found("image x can't be pulled: not found")
    # What an application logs or a probe meets says nothing of a registry.
    assert not found("readiness probe failed: dial tcp 10.0.0.5:3080: connect: connection refused", Rank.PROBE)
    # Helm refuses to begin again.
    assert not found("image x can't be pulled: i/o timeout", state=State.PENDING)


@dataclass
class Answers:
    """What the cluster answers."""

    seen: Snapshot
    log: list[str] = field(default_factory=list)


@pytest.fixture
def crashing(monkeypatch: pytest.MonkeyPatch) -> Answers:
    """A release whose pod crashes in a namespace with one Secret; a test changes the answers."""
    ended = {"terminated": {"exitCode": 1, "message": "token hunter2-hunter2"}}
    secret = {"type": "Opaque", "metadata": {"name": "s"}, "data": {"TOKEN": "aHVudGVyMi1odW50ZXIy"}}  # gitleaks:allow
    answers = Answers(
        snapshot(
            deployments=[deployment()],
            replicasets=[replica_set()],
            pods=[pod(state={"waiting": {"reason": "CrashLoopBackOff"}}, lastState=ended)],
            secrets=[secret],
            revisions=[revision(1)],
        )
    )
    monkeypatch.setattr(examining, "read", lambda *_: answers.seen)
    monkeypatch.setattr(examining, "log_tail", lambda *_: answers.log)
    return answers


def examined() -> Diagnosis:
    return examining.examine(client.ApiClient(client.Configuration()), "ollama", "ollama")


def test_the_last_log_lines_are_masked_before_they_are_cut(crashing: Answers) -> None:
    crashing.log = ["x" * 190 + " hunter2-hunter2", "short"]
    (cause,) = examined().causes
    assert cause.log == LogOf("ollama-5d7c-abcde", "main", previous=True)
    assert cause.details == (f"log: {'x' * 190} ***", "log: short")


def test_without_a_log_the_kubelets_copy_is_shown_masked(crashing: Answers) -> None:
    (cause,) = examined().causes
    assert cause.details == ("token ***",)


def test_no_log_line_is_shown_where_the_secrets_can_not_be_read_to_mask_them(crashing: Answers) -> None:
    crashing.log = ["hunter2-hunter2"]
    readable = {resource: items for resource, items in crashing.seen.resources.items() if resource != "secrets"}
    crashing.seen = replace(crashing.seen, resources=readable)
    found = examined()
    (cause,) = found.causes
    assert (cause.text, cause.details) == ("container main ends with exit code 1", ())
    assert any("no log lines are shown" in note for note in found.notes)
