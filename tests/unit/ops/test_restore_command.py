"""`restore` where no engine and no cluster is asked: what it refuses, and what it says that it will do."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from components.formats import HEX_KEY_LENGTHS, KEY_LENGTHS, OTHER_KEY_LENGTHS
from components.keys import resource_name
from ops import backup, restore
from ops.backing_up.engine import EngineError
from ops.backing_up.putting import KeyPlan
from ops.backing_up.tools import Standing
from ops.backing_up.versions import Difference
from tests.unit.deployment import load_settings
from tests.unit.ops.backups import write_backup
from tests.unit.ops.test_backup_keys import NEW, OLD, state

HELD = {"credentials": {"secret": "chat-keys"}}
"""Settings of a stack whose own keys stand in somebody else's Secret."""
ALL = tuple(resource_name("librechat", key) for key in KEY_LENGTHS)
OF_OTHERS = tuple(resource_name("librechat", key) for key in OTHER_KEY_LENGTHS)
"""What such a stack generates all the same."""
WITHOUT_CREDS_KEY = tuple(name for name in ALL if not name.endswith("creds-key"))


@dataclass
class PlayedEngine:
    """Answers with one state after the other; keeps what is put into the place of the last one."""

    states: list[Any]
    begun: bool = False
    put: list[Any] = field(default_factory=list)

    def export(self, *, plain: bool) -> Any:
        assert plain
        return copy.deepcopy(self.states.pop(0))

    def replace(self, content: Any) -> None:
        assert self.begun
        self.put.append(content)

    def begin(self) -> None:
        self.begun = True


def test_a_stack_or_backup_that_is_not_there_is_said(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert backup.main(["--stack", "no-such-stack"]) == 2
    assert restore.main([str(tmp_path), "--stack", "no-such-stack"]) == 2
    assert capsys.readouterr().err.count("There is no stack no-such-stack") == 2
    assert restore.main([str(tmp_path), "--stack", "prod", "--yes"]) == 2
    assert "Nothing was changed" in capsys.readouterr().err


def test_a_backup_that_fits_is_not_refused(tmp_path: Path) -> None:
    assert restore.refusal(load_settings("prod"), write_backup(tmp_path), older=False) is None


def test_a_key_that_the_backup_and_the_stack_file_both_have_is_refused(tmp_path: Path) -> None:
    settings = load_settings("prod", {"librechat": {"keys": {"JWT_SECRET": "ab" * 32}}}, encrypted=["librechat"])
    reason = restore.refusal(settings, write_backup(tmp_path), older=False)
    assert reason is not None and "Pulumi.prod.yaml brings along JWT_SECRET" in reason and "abab" not in reason


def test_a_key_that_neither_has_is_refused_since_a_new_one_would_be_made(tmp_path: Path) -> None:
    manifest = write_backup(tmp_path, generated=WITHOUT_CREDS_KEY, supplied=("CREDS_KEY",))
    reason = restore.refusal(load_settings("prod"), manifest, older=False)
    assert reason is not None and "private-chatgpt:librechat.keys.CREDS_KEY" in reason


def test_a_backup_of_a_stack_whose_keys_others_hold_goes_into_a_stack_with_the_same_stack_file(tmp_path: Path) -> None:
    settings = load_settings("prod", {"librechat": HELD})
    assert restore.refusal(settings, write_backup(tmp_path, generated=OF_OTHERS), older=False) is None
    earlier = write_backup(tmp_path, generated=OF_OTHERS, supplied=tuple(HEX_KEY_LENGTHS))
    assert restore.refusal(settings, earlier, older=False) is None, "as backups said until 2026-11"


def test_a_backup_of_a_stack_whose_keys_others_hold_stays_out_of_one_that_would_make_new_ones(tmp_path: Path) -> None:
    reason = restore.refusal(load_settings("prod"), write_backup(tmp_path, generated=OF_OTHERS), older=False)
    assert reason is not None and "Others held CREDS_IV, CREDS_KEY, JWT_REFRESH_SECRET, JWT_SECRET" in reason
    assert "librechat.credentials.secret" in reason and "private-chatgpt:librechat.keys.CREDS_IV" in reason
    brought = {"librechat": {"keys": {key: "ab" * (size // 2) for key, size in HEX_KEY_LENGTHS.items()}}}
    brought["librechat"]["keys"]["JWT_SECRET"] = "cd" * 32
    settings = load_settings("prod", brought, encrypted=["librechat"])
    assert restore.refusal(settings, write_backup(tmp_path, generated=OF_OTHERS), older=False) is None


def test_another_search_engine_needs_no_key_of_the_backup_since_its_index_is_made_anew(tmp_path: Path) -> None:
    manifest = write_backup(tmp_path, generated=tuple(name for name in ALL if "meili" not in name))
    assert restore.refusal(load_settings("prod"), manifest, older=False) is None


def test_generated_keys_stay_out_of_a_stack_whose_keys_others_hold(tmp_path: Path) -> None:
    reason = restore.refusal(load_settings("prod", {"librechat": HELD}), write_backup(tmp_path), older=False)
    assert reason is not None and reason.startswith(
        "The backup has CREDS_IV, CREDS_KEY, JWT_REFRESH_SECRET, JWT_SECRET"
    )
    assert "Leave that out for the restore" in reason and "MONGODB" not in reason


def test_data_of_a_newer_chart_is_refused_unless_asked_for(tmp_path: Path) -> None:
    manifest = write_backup(tmp_path, charts={"librechat": "3.0.0", "ollama": "99.0.0"})
    reason = restore.refusal(load_settings("prod"), manifest, older=False)
    assert reason is not None and "was 3.0.0 in the backup: older" in reason and "ollama" not in reason
    assert restore.refusal(load_settings("prod"), manifest, older=True) is None


@pytest.mark.parametrize(("older", "refused"), [(True, True), (False, False), (None, False)])
def test_only_what_is_certainly_older_is_refused(older: bool | None, refused: bool) -> None:
    assert (restore.too_old([Difference("mongodb", "2", "1", older)], older=False) is not None) is refused


@pytest.mark.parametrize(
    ("standing", "overwrite", "refused"),
    [
        (Standing(0, None), False, False),
        (Standing(3, None), False, True),
        (Standing(3, None), True, False),
        (Standing(3, "of a restore that was interrupted"), False, False),
    ],
)
def test_only_data_that_nobody_lets_go_is_refused(standing: Standing, overwrite: bool, refused: bool) -> None:
    reason = restore.taken(standing, overwrite=overwrite)
    assert (reason is not None) is refused
    assert reason is None or "3 users" in reason


def test_what_will_be_done_names_keys_and_models_and_no_value(tmp_path: Path) -> None:
    plan = KeyPlan(state(NEW, jwt_secret="a-there"), state(OLD, jwt_secret="a-here", creds_key="new"))
    assert (plan.changed, plan.added) == (["librechat-jwt-secret"], ["librechat-creds-key"])
    said = restore.planned(load_settings("prod"), write_backup(tmp_path), plan, ["create x y"], Standing(3, None))
    assert "Replaces keys of the stack: librechat-jwt-secret" in said and "1 keys" in said
    assert "DELETES" in said and "3 users" in said
    assert not any(value in f"{said}{plan!r}" for value in ("a-there", "a-here"))


def put_keys(engine: Any, plan: KeyPlan, folder: Path) -> None:
    plan.put(engine, load_settings("prod"), write_backup(folder, stack=OLD.stack, project=OLD.project), engine.begin)


def test_keys_go_into_the_state_that_was_planned_on(tmp_path: Path) -> None:
    planned_on = state(NEW, jwt_secret="a-there")
    engine = PlayedEngine([planned_on])
    put_keys(engine, KeyPlan(planned_on, state(OLD, jwt_secret="a-here")), tmp_path)
    (content,) = engine.put
    assert "a-here" in str(content) and engine.begun


@pytest.mark.parametrize(
    "now",
    [state(NEW, jwt_secret="a-there", creds_key="made meanwhile"), state(NEW), {"version": 3, "deployment": None}],
    ids=["more", "less", "empty"],
)
def test_a_state_that_changed_since_it_was_looked_at_is_not_overwritten(now: dict[str, Any], tmp_path: Path) -> None:
    engine = PlayedEngine([now])
    with pytest.raises(EngineError, match=r"the stack changed meanwhile.*run the same command again"):
        put_keys(engine, KeyPlan(state(NEW, jwt_secret="a-there"), state(OLD, jwt_secret="a-here")), tmp_path)
    assert engine.put == [] and not engine.begun, "so nothing was changed, as it says then"
