"""A stack file or a state file is cut in half: a clear message, nothing lost, and `up` converges."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.cluster import LocalCluster
from tests.engine.faults import changes, claims_of, converges, everything, recovered, running_up, state_file
from tests.engine.interrupting import held, interruptible, let_go, ops, pods
from tests.engine.kube import eventually
from tests.engine.leaks import leaks
from tests.engine.stacks import Stack


@pytest.fixture(scope="module")
def deployed(doomed: LocalCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A deployed stack; each test leaves it as it was."""
    with interruptible(doomed, tmp_path_factory.mktemp("deployed"), "files") as stack:
        stack.up()
        yield stack


def test_a_stack_file_cut_in_half_is_an_error_that_names_it_and_nothing_is_changed(deployed: Stack) -> None:
    before, whole = everything(deployed), deployed.config.read_text()
    resources = deployed.resources()
    try:
        deployed.config.write_text(whole[: len(whole) // 2])
        printed = deployed.fail("up", "--yes", "--skip-preview")
        assert "Pulumi.dev.yaml" in printed and "nothing was changed" in printed
        deployed.config.write_text(whole[: len(whole) // 2])
        for command, code in (("drift", 1), ("heal", 1), ("recover", 2), ("down", 2)):
            done = ops(deployed, command)
            assert done.returncode == code and "Pulumi.dev.yaml" in done.stderr, done
    finally:
        deployed.config.write_text(whole)
    assert [item["urn"] for item in deployed.resources()] == [item["urn"] for item in resources]
    converges(deployed)
    assert everything(deployed) == before


def test_a_state_file_cut_in_half_is_named_and_put_back_from_its_newest_copy(deployed: Stack) -> None:
    before, file = everything(deployed), state_file(deployed)
    whole = file.read_bytes()
    earlier = set(file.parent.glob("dev.json.broken-*"))
    cut = whole[: len(whole) // 2]
    file.write_bytes(cut)
    assert "unexpected end of JSON input" in deployed.fail("up", "--yes", "--skip-preview"), "the engine's own words"
    glance = ops(deployed, "recover", "--check")
    assert glance.returncode == 1 and str(file) in glance.stdout and "make recover STACK=dev" in glance.stderr
    down = ops(deployed, "down")
    assert down.returncode == 2 and str(file) in down.stderr and "make recover STACK=dev" in down.stderr, down

    asked = ops(deployed, "recover")
    assert asked.returncode == 1 and "Nothing was changed" in asked.stderr, asked
    assert "put the newest whole copy in its place" in asked.stdout
    assert file.read_bytes() == cut

    said = recovered(deployed)
    (kept,) = set(file.parent.glob("dev.json.broken-*")) - earlier
    assert str(kept) in said and kept.read_bytes() == cut
    converges(deployed)
    assert everything(deployed) == before
    assert leaks(before[0], {"printed": "\n".join(deployed.printed).encode()}) == []


def test_a_state_file_cut_in_half_in_the_midst_of_an_upgrade_is_put_back_too(deployed: Stack) -> None:
    before, file = everything(deployed), state_file(deployed)
    with deployed.changed({**changes(2), **held("ollama", "cut")}):
        with running_up(deployed):
            eventually(lambda: len(pods(deployed, "ollama")) and is_pending(file), 180)
        file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    recovered(deployed)
    converges(deployed)
    assert everything(deployed) == before


def test_an_empty_note_beside_the_state_is_taken_off(deployed: Stack) -> None:
    before, file = everything(deployed), state_file(deployed)
    note = file.with_name(f"{file.name}.attrs")
    note.write_text("")
    assert "failed to load checkpoint: EOF" in deployed.fail("up", "--yes", "--skip-preview"), "the engine's own words"
    glance = ops(deployed, "recover", "--check")
    assert glance.returncode == 1 and str(note) in glance.stdout, glance
    down = ops(deployed, "down")
    assert down.returncode == 2 and str(note) in down.stderr and "make recover STACK=dev" in down.stderr, down
    assert f"{note} taken off" in recovered(deployed).replace("\n", "")
    converges(deployed)
    assert everything(deployed) == before


def test_a_state_file_without_any_whole_copy_is_left_alone_with_what_to_do(fresh: Stack) -> None:
    file = state_file(fresh)
    for each in (file, *file.parent.glob("dev.json.bak")):
        each.write_bytes(b'{"version":3,"checkpo')
    done = ops(fresh, "recover", "--yes")
    assert done.returncode == 1 and "no whole copy" in done.stdout and "backup of the backend" in done.stdout, done
    assert file.read_bytes() == b'{"version":3,"checkpo'


def test_an_install_without_any_whole_copy_goes_on_from_what_is_whole_as_long_as_no_key_is_in_use(fresh: Stack) -> None:
    fresh.change(held("ollama", "salvaged"))
    with running_up(fresh):
        eventually(lambda: pods(fresh, "ollama"), 180)
    claims = claims_of(fresh)
    cut_every_copy(fresh, 0.9)
    assert "what is whole of" in recovered(fresh)
    let_go(fresh.api, "salvaged")
    converges(fresh)
    assert claims and claims.items() <= claims_of(fresh).items()


def test_what_is_whole_of_a_state_is_not_put_back_where_it_would_cost_the_keys(deployed: Stack) -> None:
    before, file = everything(deployed), state_file(deployed)
    saved = {path: path.read_bytes() for path in deployed.engine.state_dir.rglob("*") if path.is_file()}
    share = file.read_text().index("librechat-creds-key") / file.stat().st_size
    try:
        cut_every_copy(deployed, share)
        done = ops(deployed, "recover", "--yes")
        assert done.returncode == 1 and "would make new keys" in done.stdout, done
        assert not list(file.parent.glob("*.broken-*.json")) and file.stat().st_size == int(share * len(saved[file]))
    finally:
        for path, content in saved.items():
            path.write_bytes(content)
    converges(deployed)
    assert everything(deployed) == before


def cut_every_copy(stack: Stack, share: float) -> None:
    """Leave that share of the state, and of all that the backend keeps of it."""
    copies = [file for file in stack.engine.state_dir.rglob("*.json*") if file.suffix != ".attrs"]
    for file in (file for file in copies if "locks" not in file.parts):
        file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])


def is_pending(file: Path) -> bool:
    latest = json.loads(file.read_text())["checkpoint"]["latest"]
    return any(item["type"] == "updating" for item in latest.get("pending_operations") or ())
