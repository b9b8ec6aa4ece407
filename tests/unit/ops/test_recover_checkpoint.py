"""A state file that is cut in half is found, and the newest whole copy of it is put in its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from ops.recovery.checkpoint import broken_state, put_back
from ops.recovery.notes import broken_notes
from ops.recovery.place import Place
from ops.recovery.releases import MendingError
from ops.recovery.state import Engine

NAMES = ("a::librechat-creds-key", "a::librechat-creds-iv", "c", "d")
EARLY, LATE = "2026-11-21T10:00:00.123456789Z", "2026-11-21T11:00:00.5Z"


def place(folder: Path, backend: str | None = None) -> Place:
    environment = {"PULUMI_HOME": str(folder), "PULUMI_BACKEND_URL": backend or f"file://{folder}"}
    return Place("prod", "private-chatgpt", folder, "prod", None, environment)


def state(noted: str | None = LATE) -> str:
    latest = {"manifest": {"time": noted}, "resources": [{"urn": "a"}]} if noted else None
    return json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": latest}})


def write(folder: Path, name: str, text: str) -> Path:
    file = folder / ".pulumi" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return file


def main_file(folder: Path, text: str, ending: str = "") -> Path:
    return write(folder, f"stacks/private-chatgpt/prod.json{ending}", text)


@pytest.mark.parametrize("noted", [LATE, None])
def test_a_whole_state_is_not_touched(tmp_path: Path, noted: str | None) -> None:
    main_file(tmp_path, state(noted))
    assert broken_state(place(tmp_path)) is None


@pytest.mark.parametrize("content", ["", '{"user.content', "[]"])
@pytest.mark.parametrize(
    "name",
    [
        "meta.yaml",
        "stacks/private-chatgpt/prod.json",
        "stacks/private-chatgpt/prod.json.bak",
        "history/private-chatgpt/prod/prod-1.checkpoint.json",
        "locks/organization/private-chatgpt/prod/a.json",
    ],
)
def test_a_note_that_is_cut_off_keeps_the_state_from_being_read(tmp_path: Path, name: str, content: str) -> None:
    main_file(tmp_path, state())
    write(tmp_path, "stacks/private-chatgpt/other.json.attrs", "")
    note = write(tmp_path, f"{name}.attrs", '{"md5": "1"}')
    assert broken_notes(place(tmp_path)) == []
    note.write_text(content)
    assert broken_notes(place(tmp_path)) == [note] and broken_state(place(tmp_path)) is None
    with pytest.raises(MendingError, match=r"prod|meta\.yaml"):
        Engine(place(tmp_path)).export()
    assert broken_notes(place(tmp_path, "s3://state")) == []


def test_what_is_not_there_or_in_no_folder_is_not_broken(tmp_path: Path) -> None:
    assert broken_state(place(tmp_path)) is None
    main_file(tmp_path, "")
    assert broken_state(place(tmp_path, "s3://state")) is None
    other = Place("dev", "private-chatgpt", tmp_path, "dev", None, place(tmp_path).environment)
    assert broken_state(other) is None


@pytest.mark.parametrize("text", ["", state()[:40], "[]", "{}", "null"])
def test_the_newest_copy_that_is_whole_takes_its_place_and_the_broken_one_is_kept(tmp_path: Path, text: str) -> None:
    file = main_file(tmp_path, text)
    main_file(tmp_path, state(EARLY), ".bak")
    write(tmp_path, "history/private-chatgpt/prod/prod-1.checkpoint.json", state(LATE))
    write(tmp_path, "history/private-chatgpt/prod/prod-2.checkpoint.json", state(LATE)[:-5])
    write(tmp_path, "history/private-chatgpt/prod/prod-2.history.json", "{}")
    write(tmp_path, "history/private-chatgpt/prod-eu/prod-eu-1.checkpoint.json", state("2026-11-21T12:00:00Z"))
    broken = broken_state(place(tmp_path))
    assert broken and broken.copy and broken.copy.file.name == "prod-1.checkpoint.json"
    assert str(file) in broken.text and "2026-11-21 11:00:00 UTC" in broken.step
    kept = put_back(broken, broken.copy)
    assert kept.read_text() == text and file.read_text() == state(LATE)
    assert sorted(item.name for item in file.parent.iterdir()) == ["prod.json", "prod.json.bak", kept.name]
    assert broken_state(place(tmp_path)) is None


def test_a_packed_state_stays_packed(tmp_path: Path) -> None:
    file = main_file(tmp_path, state(), ".gz")
    file.write_bytes(file.read_bytes()[:-20])
    write(tmp_path, "history/private-chatgpt/prod/prod-1.checkpoint.json.gz", state(EARLY))
    broken = broken_state(place(tmp_path))
    assert broken and broken.copy
    put_back(broken, broken.copy)
    assert gzip.decompress(file.read_bytes()).decode() == state(EARLY)


@pytest.mark.parametrize("indent", [None, 4])
def test_where_no_copy_is_whole_what_stands_before_the_cut_is_put_back(tmp_path: Path, indent: int | None) -> None:
    resources = [{"urn": name, "outputs": {"list": [1, {"a": "]}, {"}]}} for name in NAMES]
    latest = {"manifest": {"time": LATE}, "secrets_providers": {"type": "x"}, "resources": resources}
    text = json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": latest}}, indent=indent)
    for cut in range(text.index('"d"') - 5, text.index('"d"') + 8, 4):
        file = main_file(tmp_path, text[:cut])
        main_file(tmp_path, text[: text.index("creds-iv")], ".bak")
        broken = broken_state(place(tmp_path))
        assert (
            broken and broken.copy and broken.copy.file == file and broken.copy.resources == 3 and broken.copy.has_keys
        )
        assert "no whole copy" in broken.step and "3 resources" in broken.step
        put_back(broken, broken.copy)
        assert json.loads(file.read_text())["checkpoint"]["latest"] == {**latest, "resources": resources[:3]}


def test_what_an_earlier_recovery_has_kept_is_neither_put_back_nor_overwritten(tmp_path: Path) -> None:
    resources = [{"urn": name} for name in NAMES]
    latest = {"manifest": {"time": LATE}, "resources": resources}
    text = json.dumps({"version": 3, "checkpoint": {"stack": "prod", "latest": latest}})
    longer, shorter = text[: text.index("]")], text[: text.index('"d"')]
    kept = []
    for cut in (longer, shorter, shorter):
        file = main_file(tmp_path, cut)
        broken = broken_state(place(tmp_path))
        assert broken and broken.copy and broken.copy.file == file
        kept.append(put_back(broken, broken.copy))
    assert [item.read_text() for item in kept] == [longer, shorter, shorter]
    assert len(json.loads(file.read_text())["checkpoint"]["latest"]["resources"]) == 3


def test_what_is_cut_off_before_the_keys_says_so(tmp_path: Path) -> None:
    main_file(tmp_path, state()[: state().index("}]") + 1])
    broken = broken_state(place(tmp_path))
    assert broken and broken.copy and not broken.copy.has_keys


def test_without_a_whole_copy_nothing_is_offered_but_what_to_do(tmp_path: Path) -> None:
    main_file(tmp_path, "{")
    main_file(tmp_path, "{", ".bak")
    broken = broken_state(place(tmp_path))
    assert broken and broken.copy is None and "backup of the backend" in broken.step


def test_what_asks_the_engine_for_a_broken_state_is_told_the_way(tmp_path: Path) -> None:
    file = main_file(tmp_path, "{")
    with pytest.raises(MendingError, match="make recover STACK=prod") as raised:
        Engine(place(tmp_path)).export()
    assert str(file) in str(raised.value)
