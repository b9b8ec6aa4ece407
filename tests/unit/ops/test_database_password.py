"""The Job that changes MongoDB's passwords: its manifest, and its script, run by Node.js on a database that is played.

MongoDB itself can't be had here. On 2026-11-21 the script was run by mongosh 2.12.0 against FerretDB v1.24.0 (SQLite,
new authentication): both passwords changed, again with the same result, refused with neither password right.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

from components.ownership import Marks
from ops.database_password.job import SCRIPT, Database, Passwords, database_of, job_of, secret_of

PASSWORDS = Passwords("the old /root?", "the new @root", "the new %user")
MARKS = Marks(
    {"private-chatgpt/stack": "prod", "private-chatgpt/team": "blue"}, {"private-chatgpt/owner": "ml-platform"}
)
PLAYED = """
const fs = require("fs"), real = fs.readFileSync, input = JSON.parse(process.argv[1]), printed = [];
fs.readFileSync = (path, ...more) =>
  path.startsWith("/passwords/") ? input.files[path.slice(11)] : real(path, ...more);
const users = input.users;
global.connect = (uri) => {
  if (input.away) throw Object.assign(new Error("connect ECONNREFUSED"), { codeName: undefined });
  const { username, password, pathname, host } = new URL(uri.replace("mongodb:", "http:"));
  if (host !== "librechat-mongodb:27017") throw new Error(`asked for ${host}`);
  if (users[pathname.slice(1)]?.[decodeURIComponent(username)] !== decodeURIComponent(password))
    throw Object.assign(new Error("Authentication failed."), { code: 18, codeName: "AuthenticationFailed" });
  return { getSiblingDB: (name) => ({ changeUserPassword: (user, password) => {
    if (input.stopAt === user) throw new Error("killed");
    if (!(user in users[name])) throw new Error(`User ${user}@${name} not found`);
    users[name][user] = password;
  } }) };
};
global.print = (text) => printed.push(text);
global.quit = (code) => { process.exitCode = code; };
require(input.script);
console.log(JSON.stringify({ users, printed }));
"""


def played(users: dict[str, dict[str, str]], **parts: Any) -> tuple[int, dict[str, dict[str, str]], list[str]]:
    """Exit code, users and passwords afterwards, and what was printed."""
    files = secret_of("job", PASSWORDS, MARKS)["stringData"]
    job = job_of("job", database(), "librechat", "LibreChat", 60, MARKS)
    environment = {item["name"]: item["value"] for item in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    given = {"files": files, "users": users, "script": str(SCRIPT), **parts}
    done = subprocess.run(
        ["node", "-e", PLAYED, json.dumps(given)],
        env={**environment, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert done.stdout, done.stderr
    told = json.loads(done.stdout)
    return done.returncode, told["users"], told["printed"]


def stateful_set(**environment: str) -> dict[str, Any]:
    container = {
        "name": "mongodb",
        "image": "example.com/mongodb:8",
        "securityContext": {"readOnlyRootFilesystem": True},
        "env": [{"name": name, "value": value} for name, value in environment.items()],
        "volumeMounts": [{"name": "datadir", "mountPath": "/bitnami"}],
    }
    pod = {"containers": [container], "tolerations": [{"operator": "Exists"}], "volumes": [{"name": "datadir"}]}
    return {"metadata": {"name": "librechat-mongodb"}, "spec": {"template": {"spec": pod}}}


def database(**environment: str) -> Database:
    found = database_of(stateful_set(**environment))
    assert found is not None
    return found


def as_before() -> dict[str, dict[str, str]]:
    return {"admin": {"root": PASSWORDS.old_root}, "LibreChat": {"librechat": "whatever it was"}}


AFTER = {"admin": {"root": PASSWORDS.new_root}, "LibreChat": {"librechat": PASSWORDS.new_user}}


def test_both_accounts_get_their_new_passwords() -> None:
    assert played(as_before()) == (0, AFTER, ["changed"])


def test_run_again_after_it_was_done_nothing_changes() -> None:
    assert played(AFTER) == (0, AFTER, ["changed"])


def test_killed_between_the_two_the_old_password_of_root_still_lets_the_next_run_in() -> None:
    code, users, printed = played(as_before(), stopAt="root")
    assert (code, printed) == (1, ["refused: killed"])
    assert users["admin"]["root"] == PASSWORDS.old_root
    assert played(users) == (0, AFTER, ["changed"])


def test_where_neither_password_is_right_nothing_changes_and_no_password_is_printed() -> None:
    users = {"admin": {"root": "another one"}, "LibreChat": {"librechat": "whatever it was"}}
    code, after, printed = played(users)
    assert (code, after) == (1, users)
    assert printed == ["refused: neither the old nor the new password lets root in"]


def test_a_database_that_is_away_is_not_taken_for_one_that_refuses() -> None:
    assert played(as_before(), away=True) == (1, as_before(), ["refused: connect ECONNREFUSED"])


def test_a_user_that_is_not_there_leaves_the_password_of_root() -> None:
    users = {"admin": {"root": PASSWORDS.old_root}, "LibreChat": {}}
    code, after, printed = played(users)
    assert (code, after, printed) == (1, users, ["refused: User librechat@LibreChat not found"])


def test_passwords_are_in_the_secret_and_in_no_argument_environment_or_name() -> None:
    job = job_of("job", database(), "librechat", "LibreChat", 60, MARKS)
    secret = secret_of("job", PASSWORDS, MARKS)
    for password in (PASSWORDS.old_root, PASSWORDS.new_root, PASSWORDS.new_user):
        assert password not in json.dumps(job) and password not in repr(PASSWORDS)
        assert password in secret["stringData"].values()
    pod = job["spec"]["template"]["spec"]
    assert {volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume} == {"job"}


def test_the_job_runs_where_and_as_the_database_does_but_without_its_volume() -> None:
    pod = job_of("job", database(), "librechat", "LibreChat", 60, MARKS)["spec"]["template"]["spec"]
    assert pod["tolerations"] == [{"operator": "Exists"}]
    [container] = pod["containers"]
    assert container["image"] == "example.com/mongodb:8"
    assert container["securityContext"] == {"readOnlyRootFilesystem": True}
    assert "datadir" not in json.dumps(pod)


def test_no_service_or_policy_of_the_database_takes_the_jobs_pod_for_it() -> None:
    labels = job_of("job", database(), "librechat", "LibreChat", 60, MARKS)["spec"]["template"]["metadata"]["labels"]
    own = {"app.kubernetes.io/name": "job", "librechat-mongodb-client": "true"}
    assert labels == {**MARKS.labels, **own}
    pretending = Marks({"app.kubernetes.io/name": "mongodb", "librechat-mongodb-client": "false"}, {})
    job = job_of("job", database(), "librechat", "LibreChat", 60, pretending)
    assert job["spec"]["template"]["metadata"]["labels"] == own


def test_whose_it_is_stands_on_the_job_its_pod_and_its_secret() -> None:
    job = job_of("job", database(), "librechat", "LibreChat", 60, MARKS)
    for made in (job, job["spec"]["template"], secret_of("job", PASSWORDS, MARKS)):
        assert MARKS.labels.items() <= made["metadata"]["labels"].items()
        assert made["metadata"]["annotations"] == MARKS.annotations


def test_the_name_of_root_is_that_of_the_chart() -> None:
    assert database().root == "root"
    assert database(MONGODB_ROOT_USER="admin").root == "admin"


def test_a_database_without_passwords_has_none_to_change() -> None:
    assert database_of(stateful_set(ALLOW_EMPTY_PASSWORD="yes")) is None
    assert database_of(stateful_set(ALLOW_EMPTY_PASSWORD="no")) is not None


def test_a_replica_set_is_asked_for_its_primary_by_all_of_its_members() -> None:
    replicated = stateful_set(MONGODB_REPLICA_SET_NAME="rs0")
    replicated["spec"] |= {"serviceName": "librechat-mongodb-headless", "replicas": 3}
    found = database_of(replicated)
    assert found is not None
    job = job_of("job", found, "librechat", "LibreChat", 60, MARKS)
    environment = {item["name"]: item["value"] for item in job["spec"]["template"]["spec"]["containers"][0]["env"]}
    members = [f"librechat-mongodb-{number}.librechat-mongodb-headless:27017" for number in range(3)]
    assert (environment["hosts"], environment["options"]) == (",".join(members), "&replicaSet=rs0")
    # What the script makes of it is a URI of all members.
    text = SCRIPT.read_text(encoding="utf-8")
    assert "@${hosts}/${source}?serverSelectionTimeoutMS=20000${options}`" in text
