"""How layers of Helm values merge: maps merge, lists and scalars replace, null wins, the last layer has its say."""

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.values import dump, merge, only_nulls

Path = tuple[str, ...]
KEYS = st.sampled_from(["a", "b", "c"])  # Few, so that layers meet in the same keys.
SCALARS = st.none() | st.booleans() | st.integers(-2, 2) | st.sampled_from(["", "x", "y"])
LISTS = st.lists(SCALARS | st.dictionaries(KEYS, SCALARS, max_size=2), max_size=2)
LEAVES = SCALARS | LISTS
VALUES: st.SearchStrategy[dict[str, Any]] = st.recursive(
    st.dictionaries(KEYS, LEAVES, max_size=3),
    lambda below: st.dictionaries(KEYS, LEAVES | below, max_size=3),
    max_leaves=12,
)


@st.composite
def layers_of_one_chart(draw: st.DrawFn) -> tuple[dict[str, Any], ...]:
    """Layers that agree on what is a map, as values of one chart do."""
    shape = draw(VALUES)

    def layer(shape: Mapping[str, Any]) -> dict[str, Any]:
        kept = [key for key in shape if draw(st.booleans())]
        return {key: layer(shape[key]) if isinstance(shape[key], dict) else draw(LEAVES) for key in kept}

    return layer(shape), layer(shape), layer(shape)


def leaves(values: Mapping[str, Any], at: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar, list and null with its path; what is in lists belongs to them."""
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*at, key))
        else:
            yield (*at, key), value


def look_up(values: Any, path: Path) -> Any:
    """What stands at a path; raises KeyError or TypeError where there is nothing."""
    for key in path:
        values = values[key]
    return values


@given(VALUES, VALUES)
def test_every_scalar_list_and_null_of_the_last_layer_is_in_the_result(
    base: dict[str, Any], overlay: dict[str, Any]
) -> None:
    result = merge(base, overlay)
    for path, value in leaves(overlay):
        assert look_up(result, path) == value


@given(VALUES, VALUES)
def test_what_the_last_layer_does_not_speak_of_stays(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    result = merge(base, overlay)
    replaced = {path for path, _ in leaves(overlay)}
    for path, value in leaves(base):
        if any(path[:length] in replaced for length in range(len(path) + 1)):
            continue
        try:
            stays = not isinstance(look_up(overlay, path), dict)
        except KeyError:
            stays = True
        if stays:
            assert look_up(result, path) == value


@given(VALUES, VALUES)
def test_nothing_is_in_the_result_that_no_layer_holds(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    known = [*leaves(base), *leaves(overlay)]
    assert all(leaf in known for leaf in leaves(merge(base, overlay)))


@given(VALUES)
def test_an_empty_layer_changes_nothing(values: dict[str, Any]) -> None:
    assert merge({}, values) == merge(values, {}) == merge(values) == values


@given(VALUES)
def test_a_layer_over_itself_changes_nothing(values: dict[str, Any]) -> None:
    assert merge(values, values) == values


@given(layers_of_one_chart())
def test_it_does_not_matter_which_layers_are_merged_first(layers: tuple[dict[str, Any], ...]) -> None:
    first, second, third = layers
    assert merge(merge(first, second), third) == merge(first, merge(second, third)) == merge(first, second, third)


@given(VALUES, VALUES, VALUES)
def test_layers_are_merged_from_the_first_to_the_last(
    first: dict[str, Any], second: dict[str, Any], third: dict[str, Any]
) -> None:
    assert merge(first, second, third) == merge(merge(first, second), third)


@given(VALUES, VALUES)
def test_no_layer_is_changed_not_even_by_a_change_of_the_result(base: dict[str, Any], overlay: dict[str, Any]) -> None:
    before = copy.deepcopy((base, overlay))
    result = merge(base, overlay)
    open_maps = [result]
    while open_maps:
        values = open_maps.pop()
        open_maps += [value for value in values.values() if isinstance(value, dict)]
        values["d"] = "changed"
    assert (base, overlay) == before


@pytest.mark.parametrize(
    ("base", "overlay", "result"),
    [
        ({"a": {"b": 1, "c": 2}}, {"a": {"c": 3}}, {"a": {"b": 1, "c": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": [1, 2]}, {"a": []}, {"a": []}),
        ({"a": [{"b": 1}]}, {"a": [{"c": 2}]}, {"a": [{"c": 2}]}),
        ({"a": {"b": 1}}, {"a": None}, {"a": None}),
        ({"a": None}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": "text"}, {"a": "text"}),
        ({"a": "text"}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": {"b": 1}}, {"a": {}}, {"a": {"b": 1}}),
        ({"a": True}, {"a": False}, {"a": False}),
        ({"a": 1}, {"a": 0}, {"a": 0}),
        ({"a": "text"}, {"a": ""}, {"a": ""}),
    ],
)
def test_the_rules_of_helm_by_example(base: dict[str, Any], overlay: dict[str, Any], result: dict[str, Any]) -> None:
    # `helm template` of 3.22.0 says the same of two -f files (2026-11, a chart that prints its .Values).
    assert merge(base, overlay) == result


@given(VALUES)
def test_only_nulls_are_left_each_in_its_place(values: dict[str, Any]) -> None:
    assert list(leaves(only_nulls(values))) == [(path, value) for path, value in leaves(values) if value is None]


@given(VALUES)
def test_no_empty_map_is_left_where_nothing_is_null(values: dict[str, Any]) -> None:
    open_maps = [below for below in only_nulls(values).values() if below is not None]
    while open_maps:
        below = open_maps.pop()
        assert below
        open_maps += [value for value in below.values() if value is not None]


@given(VALUES)
def test_values_without_their_nulls_and_only_the_nulls_make_the_values_again(values: dict[str, Any]) -> None:
    def without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
        kept = {key: value for key, value in values.items() if value is not None}
        return {key: without_nulls(value) if isinstance(value, dict) else value for key, value in kept.items()}

    assert merge(only_nulls(values), without_nulls(values)) == values


def test_a_null_in_a_list_removes_no_default_and_is_left_out() -> None:
    assert only_nulls({"a": [None, {"b": None}], "c": {"d": [None]}}) == {}


def test_a_document_is_written_with_its_keys_in_the_order_given() -> None:
    assert dump({"version": "1.3.13", "cache": True, "a": "grüß"}) == "version: 1.3.13\ncache: true\na: grüß\n"
