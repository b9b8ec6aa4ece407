"""The keys of an installation: generated once by pulumi-random, or brought along in encrypted config."""

from __future__ import annotations

from collections.abc import Mapping

import pulumi
from pulumi_random import RandomPassword

from components.formats import KEY_LENGTHS

SALT = "annotation-salt"


def hex_password(name: str, length: int, opts: pulumi.ResourceOptions) -> pulumi.Output[str]:
    """A secret of `length` lower-case hex characters, made once and kept in the state.

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
        opts=opts,
    )
    return password.result


def make_keys(
    name: str, supplied: Mapping[str, str | None], opts: pulumi.ResourceOptions
) -> dict[str, pulumi.Output[str]]:
    """Every key of `KEY_LENGTHS`, supplied or else generated, and the salt of checksums; by name, all secret."""
    keys: dict[str, pulumi.Output[str]] = {}
    for key, length in KEY_LENGTHS.items():
        value = supplied.get(key)
        keys[key] = (
            pulumi.Output.secret(value) if value else hex_password(f"{name}-{_resource_name(key)}", length, opts)
        )
    keys[SALT] = hex_password(f"{name}-{SALT}", 64, opts)
    return keys


def _resource_name(key: str) -> str:
    return key.lower().replace("_", "-")
