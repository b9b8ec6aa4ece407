"""The third app of the tests, added to a copy of the project as README says."""

from __future__ import annotations

import shutil
from pathlib import Path

PARTS = Path(__file__).parent / "unit" / "third_app"
# Not .py: alone they are no programs, and no checker should read them as such.
HEAD, ADDITION = PARTS / "main_head.py.txt", PARTS / "main_addition.py.txt"
LOADING = "settings = Settings.load(pulumi.Config())\n"


def add_third_app(project: Path) -> Path:
    """Add it to the copy of the project in that folder, which is returned."""
    main = project / "__main__.py"
    program = main.read_text(encoding="utf-8")
    assert program.count(LOADING) == 1
    program = program.replace(LOADING, HEAD.read_text(encoding="utf-8")) + ADDITION.read_text(encoding="utf-8")
    main.write_text(program, encoding="utf-8")
    shutil.copy(PARTS / "values.yaml", project / "values" / "qdrant.yaml")
    shutil.copy(PARTS / "qdrant-1.15.5.schema.json", project / "values" / "contracts")
    return project
