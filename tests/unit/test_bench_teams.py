"""What `bench.teams` makes of its figures; tests/engine/test_bench.py runs it."""

from dataclasses import replace

import pytest

from bench.teams import Team, growth, main, not_flat

FLAT = [Team(f"team-{number:03}", 10.0 + number % 2, 100_000 + number, 1.0, 3.0) for number in range(50)]


def test_figures_that_stay_as_they_are_are_flat() -> None:
    found = growth(FLAT, 5)
    assert (found["up"].first, found["up"].last) == (10.0, 11.0)
    assert not_flat(found, 1.5) == []


@pytest.mark.parametrize(("part", "late"), [("up", 20.0), ("preview", 5.0), ("state", 103_000)])
def test_a_figure_that_grows_with_the_number_of_teams_is_reported(part: str, late: float) -> None:
    last = [replace(team, **{part: late}) for team in FLAT[45:]]  # type: ignore[arg-type]
    (line,) = not_flat(growth([*FLAT[:45], *last], 5), 1.5)
    assert line.startswith(f"{part}: the last teams cost ")


def test_one_slow_team_among_the_last_is_no_growth() -> None:
    assert not_flat(growth([*FLAT[:49], replace(FLAT[49], up=60.0, preview=20.0)], 5), 1.5) == []


@pytest.mark.parametrize("arguments", [["--teams", "9"], ["--group", "0"], ["--teams", "2", "--group", "2"]])
def test_groups_that_overlap_or_are_empty_are_refused(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(arguments)
    assert "--teams must be at least twice --group" in capsys.readouterr().err
