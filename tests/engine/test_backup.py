"""`backup` and `restore` with real engine, API server, mongodump, mongorestore, mongosh; FerretDB stands for MongoDB.

What that leaves out: MongoDB itself, its image, and indexes, which FerretDB v1 refuses as mongorestore makes them.
"""

from __future__ import annotations

import gzip
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from kubernetes.client import ApiClient, BatchV1Api

from local.cluster import LocalCluster
from tests.engine.backups import (
    FILL,
    JOB,
    READ,
    Place,
    backup,
    chat_pods,
    jobs,
    kill_when,
    passphrase,
    plain_keys,
    programs,
    restore,
    standing_in,
)
from tests.engine.commands import own_project, run_ops
from tests.engine.containers import second_kubelet
from tests.engine.kube import eventually
from tests.engine.kubelet import played_node
from tests.engine.leaks import forms
from tests.engine.mongo import Kubelet, exec_documents, server_in
from tests.engine.stacks import Stack


@pytest.fixture(scope="module")
def place(cluster: LocalCluster, api: ApiClient, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    folder = tmp_path_factory.mktemp("mongo")
    servers = {name: server_in(f"{name}-librechat", folder / name) for name in ("old", "new", "third")}
    by_namespace = {server.namespace: server for server in servers.values()}
    with (
        played_node(cluster, api, "data-node") as node,
        second_kubelet(cluster, api, node.name, exec_documents(list(servers.values()), programs()), folder),
        Kubelet(node, api, by_namespace).at_work() as kubelet,
    ):
        yield Place(cluster, api, node, kubelet, servers, folder)


@pytest.fixture(scope="module")
def new(place: Place) -> Iterator[Stack]:
    """Another stack of another name, with a passphrase of its own, that is not deployed."""
    with own_project(place.cluster, place.folder / "new", place.settings("new"), "another") as stack:
        yield stack


@pytest.fixture(scope="module")
def made(old: Stack, place: Place) -> Path:
    """A backup of the old stack."""
    folder = place.folder / "backup"
    answer = backup(old, folder)
    assert answer.code == 0, answer.out + answer.err
    return folder


@pytest.fixture(scope="module")
def old(place: Place) -> Iterator[Stack]:
    """A deployed, protected stack with chats in it."""
    with own_project(place.cluster, place.folder / "old", place.settings("old")) as stack:
        stack.up()
        place.servers["old"].run(FILL)
        yield stack


def test_a_backup_holds_the_data_the_encrypted_keys_and_the_models(old: Stack, tmp_path: Path) -> None:
    folder = tmp_path / "made"
    answer = backup(old, folder, "--json")
    assert answer.code == 0, answer.out + answer.err
    told = json.loads(answer.out)
    found = told["backup"]
    assert found == json.loads((folder / "backup.json").read_text())
    assert found["documents"] == {"users": 2, "conversations": 1, "messages": 300}
    assert found["charts"] == {"ollama": "1.77.0", "librechat": "2.0.7"}
    assert "mongodb" in found["images"]["mongodb"] and found["images"]["librechat"]
    assert found["models"] == {"asked": ["llama3.2:1b"], "present": None}
    assert sorted(found["generated"]) == sorted(plain_keys(old)) and found["supplied"] == []
    assert {file.name for file in folder.iterdir()} == {"backup.json", "keys.json", "mongodb.archive.gz"}
    assert all(
        file.stat().st_mode & 0o077 == 0 for file in (folder, folder / "keys.json", folder / "mongodb.archive.gz")
    )
    held = b"".join(file.read_bytes() for file in folder.iterdir()) + (answer.out + answer.err).encode()
    assert b"ciphertext" in held
    assert not any(form in held for key in plain_keys(old).values() for form in forms(key))
    assert b"ada@example.com" in gzip.decompress((folder / "mongodb.archive.gz").read_bytes())
    assert jobs(old) == []


def test_what_is_refused_leaves_an_empty_stack_empty(old: Stack, new: Stack, made: Path) -> None:
    unreadable = restore(new, made, "--yes")
    assert unreadable.code == 1 and "can't be decrypted" in unreadable.err and "Nothing was changed" in unreadable.err
    unasked = restore(new, made, *passphrase(old))
    assert unasked.code == 2 and "--yes" in unasked.err
    assert plain_keys(new) == {} and new.resources() == []


def test_a_restore_killed_between_keys_and_data_says_how_to_go_on(
    old: Stack, new: Stack, place: Place, made: Path
) -> None:
    place.kubelet.hold_back.add("-restore")
    line = [sys.executable, "-m", "ops", "restore", str(made), *passphrase(old), "--yes", "--stack", new.name]
    where = {"cwd": new.engine.project_dir, "env": new.engine.environment()}
    with subprocess.Popen(line, **where, stdout=subprocess.DEVNULL) as running:  # type: ignore[call-overload]
        eventually(lambda: JOB in jobs(new), 400)
        running.kill()
    place.kubelet.hold_back.clear()
    assert plain_keys(new) == plain_keys(old)
    busy = restore(new, made, *passphrase(old), "--yes")
    assert busy.code == 1 and f"delete job {JOB}" in busy.err
    assert place.servers["new"].run("print(db.users.countDocuments())") == 0
    BatchV1Api(new.api).delete_namespaced_job(JOB, new.librechat, propagation_policy="Background")


def test_an_empty_stack_gets_the_same_data_and_the_same_keys(old: Stack, new: Stack, place: Place, made: Path) -> None:
    before = chat_pods(new)
    answer = restore(new, made, *passphrase(old), "--yes")
    assert answer.code == 0, answer.out + answer.err
    assert plain_keys(new) == plain_keys(old)
    then, now = place.servers["old"].run(READ), place.servers["new"].run(READ)
    assert then.pop("indexed") == 300 and now.pop("indexed") == 0, "the search of the new cluster is empty"
    assert now == then and len(now["messages"]) == 300
    assert new.changes() == {}, "the program takes the keys for its own"
    keys = [item for item in new.resources() if item["type"].endswith(":RandomPassword")]
    assert len(keys) == 8 and all(item.get("protect") for item in keys)
    files = [file for file in new.engine.directory.rglob("*") if file.is_file()]
    held = b"".join([*(file.read_bytes() for file in files), answer.out.encode(), answer.err.encode()])
    assert b"ciphertext" in held
    assert not any(form in held for key in plain_keys(old).values() for form in forms(key))
    assert jobs(new) == [] and before and not before & chat_pods(new)


def test_a_deployed_stack_without_users_gets_the_keys_and_its_database_their_password(
    old: Stack, place: Place, made: Path
) -> None:
    settings = {**place.settings("third"), "librechat.rotation.JWT_SECRET": 2}
    with own_project(place.cluster, place.folder / "third", settings) as third:
        third.up()
        assert not set(plain_keys(third).values()) & set(plain_keys(old).values())
        answer = restore(third, made, *passphrase(old), "--yes", "--json")
        assert answer.code == 0, answer.out + answer.err
        assert json.loads(answer.out)["keysReplaced"] == sorted(plain_keys(old))
        assert plain_keys(third) == plain_keys(old) and third.changes() == {}
        assert place.servers["third"].password == plain_keys(old)["librechat-mongodb-root-password"]
        assert len(place.servers["third"].run(READ)["messages"]) == 300


def test_a_stack_with_users_is_refused(old: Stack, new: Stack, place: Place, made: Path) -> None:
    place.servers["new"].run('db.users.insertOne({ email: "eve@example.com" }); print(0)')
    before = plain_keys(new)
    refused = restore(new, made, *passphrase(old), "--yes")
    assert refused.code == 1 and "holds 3 users" in refused.err and "--overwrite" in refused.err
    assert "Nothing was changed" in refused.err and plain_keys(new) == before
    assert len(place.servers["new"].run(READ)["users"]) == 3


def test_users_that_may_go_are_replaced_and_what_fails_half_way_is_gone_on_with(
    old: Stack, new: Stack, place: Place, made: Path
) -> None:
    server = place.servers["new"]
    server.run('db.files.insertOne({ of: "eve@example.com" }); print(0)')
    with standing_in(server, "mongorestore", 'head -c 2000 | mongorestore.real "$@"'):
        (server.folder / "bin" / "mongorestore.real").symlink_to(str(shutil.which("mongorestore")))
        broken = restore(new, made, *passphrase(old), "--yes", "--overwrite")
    assert broken.code == 1 and "mongorestore failed" in broken.err, broken
    assert "DELETES" in broken.out and "run the same command again" in broken.err and jobs(new) == []
    server.run('db.users.insertOne({ email: "half@example.com" }); print(0)')
    half = backup(new, made.parent / "half")
    assert half.code == 1 and "half restored" in half.err and not (made.parent / "half").exists()
    answer = restore(new, made, *passphrase(old), "--yes")
    assert answer.code == 0, answer.out + answer.err
    found = server.run(READ)
    assert [user["email"] for user in found["users"]] == ["ada@example.com", "bob@example.com"]
    assert len(found["messages"]) == 300
    assert found["names"] == ["conversations", "messages", "users"], "nothing that the backup lacks, nor the mark"


@pytest.mark.parametrize(
    ("program", "script", "words"),
    [
        ("mongodump", "head -c 300000 /dev/urandom; echo no luck >&2; exit 3", ["mongodump failed", "no luck"]),
        ("tee", '/usr/bin/tee "$@" | tail -c +1000', ["what arrived is not what mongodump wrote"]),
        ("mongodump", "printf x; touch waiting; sleep 60", ["the connection to the node broke"]),
    ],
)
def test_a_dump_that_breaks_leaves_no_backup_and_says_why(
    old: Stack, place: Place, tmp_path: Path, program: str, script: str, words: list[str]
) -> None:
    server = place.servers["old"]
    with standing_in(server, program, script), place.kubelet_of_its_own(tmp_path) as kubelet:
        killing = threading.Thread(target=kill_when, args=(server.folder / "waiting", kubelet))
        killing.start()
        answer = backup(old, tmp_path / "made")
        (server.folder / "waiting").touch()
        killing.join()
    assert answer.code == 1 and "There is no backup" in answer.err, answer
    assert all(word in answer.err for word in words), answer.err
    assert not (tmp_path / "made").exists()
    assert jobs(old) == []


def test_a_full_disk_leaves_no_backup_and_is_said(old: Stack, tmp_path: Path) -> None:
    limited = ["bash", "-c", 'ulimit -f 20; exec "$@"', "bash"]
    answer = run_ops(old, "backup", "--out", str(tmp_path / "made"), before=limited)
    assert answer.code == 1 and "File too large" in answer.err, answer
    assert not (tmp_path / "made").exists() and jobs(old) == []


def test_a_stack_that_is_not_deployed_or_a_folder_in_use_is_refused(old: Stack, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("mine")
    answer = backup(old, tmp_path)
    assert answer.code == 1 and "is not empty" in answer.err
    assert [file.name for file in tmp_path.iterdir()] == ["notes"]


def test_what_is_no_whole_backup_changes_nothing(old: Stack, new: Stack, made: Path, tmp_path: Path) -> None:
    before, copied = plain_keys(new), tmp_path / "copy"

    def refused(change: Callable[[], Any]) -> str:
        shutil.copytree(made, copied)
        change()
        answer = restore(new, copied, *passphrase(old), "--yes")
        shutil.rmtree(copied)
        assert answer.code in (1, 2) and "Nothing was changed" in answer.err and plain_keys(new) == before
        return answer.err

    def edit(**values: Any) -> Callable[[], Any]:
        file = copied / "backup.json"
        return lambda: file.write_text(json.dumps({**json.loads(file.read_text()), **values}))

    archive = copied / "mongodb.archive.gz"
    assert "is not what was backed up" in refused(lambda: os.truncate(archive, 1000))
    assert "is not what was backed up" in refused(lambda: (copied / "keys.json").write_text("{}"))
    assert "was not ended" in refused(lambda: (copied / "backup.json").unlink())
    assert "format 2; this program knows 1" in refused(edit(format=2))
    assert "librechat is 2.0.7 here and was 9.0.0 in the backup: older" in refused(edit(charts={"librechat": "9.0.0"}))
    assert "CREDS_KEY" in refused(edit(supplied=["CREDS_KEY"]))


def test_data_of_a_newer_database_stays_out(old: Stack, new: Stack, place: Place, made: Path, tmp_path: Path) -> None:
    place.servers["new"].run("db.users.deleteMany({}); print(0)")
    newer = shutil.copytree(made, tmp_path / "newer")
    manifest = json.loads((newer / "backup.json").read_text())
    manifest["images"]["mongodb"] = "none.invalid/mongodb:99.0.1"
    (newer / "backup.json").write_text(json.dumps(manifest))
    refused = restore(new, newer, *passphrase(old), "--yes")
    assert refused.code == 1 and "was 99.0.1 in the backup: older" in refused.err, refused
    assert "--older" in refused.err
    assert place.servers["new"].run("print(db.users.countDocuments())") == 0
