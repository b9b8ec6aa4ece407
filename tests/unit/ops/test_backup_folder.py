"""A backup's folder: written whole or not at all, believed only as it was written."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from ops.backing_up.manifest import ARCHIVE, Manifest, UnusableBackupError
from ops.backing_up.receiving import Receiving
from ops.backing_up.taking import notes_on
from tests.unit.ops.backups import write_backup


def test_what_was_written_is_what_is_read(tmp_path: Path) -> None:
    manifest = write_backup(tmp_path)
    assert Manifest.read(tmp_path) == manifest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 2}, "has format 2; this program knows 1"),
        ({"format": None}, "has format None"),
        ({"documents": {"users": "many"}}, "documents.users"),
        ({"extra": 1}, "extra"),
        ({"files": {}}, "says none such"),
    ],
)
def test_a_manifest_that_is_not_one_is_refused_by_its_field(tmp_path: Path, change: dict[str, Any], words: str) -> None:
    write_backup(tmp_path)
    file = tmp_path / "backup.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **change}))
    with pytest.raises(UnusableBackupError, match=words.replace(".", "[.]")):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\xff"])
def test_a_manifest_cut_in_half_is_refused(tmp_path: Path, text: str) -> None:
    write_backup(tmp_path)
    (tmp_path / "backup.json").write_text(text, encoding="latin-1")
    with pytest.raises(UnusableBackupError, match=r"backup\.json"):
        Manifest.read(tmp_path)


@pytest.mark.parametrize("name", ["mongodb.archive.gz", "keys.json"])
def test_a_file_that_was_changed_or_is_gone_is_refused(tmp_path: Path, name: str) -> None:
    write_backup(tmp_path)
    content = bytearray((tmp_path / name).read_bytes())
    content[0] ^= 1
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UnusableBackupError, match=f"{name} is not what was backed up"):
        Manifest.read(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(UnusableBackupError, match=f"{name} can't be read"):
        Manifest.read(tmp_path)


def test_a_folder_that_is_not_there_and_one_without_a_manifest_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(UnusableBackupError, match="is not there"):
        Manifest.read(tmp_path / "none")
    with pytest.raises(UnusableBackupError, match="one that was not ended"):
        Manifest.read(tmp_path)


def test_a_file_has_its_name_only_when_all_of_it_has_arrived(tmp_path: Path) -> None:
    file = tmp_path / ARCHIVE
    with Receiving(file) as received:
        received.write(b"some")
        received.write(b"thing")
        assert not file.exists()
        content = received.done()
    assert (content.bytes, content.sha256) == (9, hashlib.sha256(b"something").hexdigest())
    assert [path.name for path in tmp_path.iterdir()] == [ARCHIVE] and file.read_bytes() == b"something"
    assert file.stat().st_mode & 0o077 == 0


def test_nothing_is_left_of_a_file_that_does_not_come_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), Receiving(tmp_path / ARCHIVE) as received:
        received.write(b"some")
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_whoever_keeps_it_is_told_what_it_hangs_on(tmp_path: Path) -> None:
    plain = " ".join(notes_on(write_backup(tmp_path), []))
    assert "passphrase" in plain and "NOT encrypted" in plain and "uploaded images" in plain
    cloud = " ".join(notes_on(write_backup(tmp_path, secrets_provider="service", supplied=("CREDS_KEY",)), []))
    assert "Pulumi Cloud holds that key" in cloud and "CREDS_KEY" in cloud
    assert "Pulumi Cloud" not in plain and "others make" not in plain


@pytest.mark.parametrize(
    ("others", "words"),
    [
        (["chat-keys"], "Not in it: Secret chat-keys, which others make. Back up where it comes from."),
        (["chat-keys", "search"], "Not in it: Secrets chat-keys, search, which others make. Back up where they come"),
    ],
)
def test_the_secrets_that_others_make_are_named_since_no_backup_holds_them(
    others: list[str], words: str, tmp_path: Path
) -> None:
    said = " ".join(notes_on(write_backup(tmp_path), others))
    assert words in said and "stack file" not in said
