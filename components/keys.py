"""The keys of an installation: generated once by pulumi-random, or brought along in encrypted config."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pulumi
from pulumi_random import RandomPassword

from components.formats import KEY_LENGTHS

SALT = "annotation-salt"


def hex_password(
    name: str, length: int, opts: pulumi.ResourceOptions, rotation: int | None = None
) -> pulumi.Output[str]:
    """A secret of `length` lower-case hex characters, made once for each `rotation` and kept in the state.

    RandomPassword and not RandomBytes: that one uses its secret as the resource id, in plain text (2026-11, facts.md).
    """
    password = RandomPassword(
        name,
        length=length,
        upper=False,
        lower=False,
        numeric=True,
        special=True,
        override_special="abcdef",
        keepers={"rotation": str(rotation)} if rotation else None,
        opts=opts,
    )
    return password.result


def make_keys(
    name: str,
    wanted: Iterable[str],
    supplied: Mapping[str, str | None],
    rotation: Mapping[str, int],
    opts: pulumi.ResourceOptions,
) -> dict[str, pulumi.Output[str]]:
    """The `wanted` keys of `KEY_LENGTHS`, supplied or else generated, and the salt of checksums; by name, all secret.

    A key whose number in `rotation` changes is generated anew. Where it is protected, the engine refuses that until
    `pulumi state unprotect` of this one key, which `python -m ops rotate` runs; the same `up` protects the new one.
    """
    keys: dict[str, pulumi.Output[str]] = {}
    for key in wanted:
        value = supplied.get(key)
        keys[key] = (
            pulumi.Output.secret(value)
            if value
            else hex_password(resource_name(name, key), KEY_LENGTHS[key], opts, rotation.get(key))
        )
    keys[SALT] = hex_password(f"{name}-{SALT}", 64, opts)
    return keys


def resource_name(name: str, key: str) -> str:
    """The name in the program of the resource that generates `key` for the app `name`."""
    return f"{name}-{key.lower().replace('_', '-')}"
