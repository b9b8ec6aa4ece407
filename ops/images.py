"""`python -m ops images [--stack STACK]`: every image of a stack's charts, and where the stack gets it from.

One line an image: `source target` where the stack has a registry of its own (images.registry), `source` where it has
none. So a mirror script needs no more than

    python -m ops images --stack prod |
      while read source target; do skopeo copy --all docker://$source docker://$target; done

The images are those of the rendered manifests: init containers, sidecars and hooks too. The Jobs of ops/ take the
image of the database. Not among them: what `helm test` would start.

Exit code 0: all is listed. 1: an image would come from elsewhere than the stack's registry, or two images would have
one name there. 2: the stack's settings can't be used, or its charts not rendered.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import TypeAdapter

from components import stack_file
from components.formats import Registry
from components.images import Images, split_registry
from components.loading import PROJECT_DIR, Settings
from ops.command import settings_of_stack
from ops.preflight_checks.findings import CouldNotTellError
from ops.preflight_checks.rendering import releases_of, render

OK, FAILED, UNKNOWN = 0, 1, 2
"""Exit codes."""
TIMEOUT = 120.0
"""Seconds for one chart, which may have to be downloaded."""
DATA = ("ConfigMap", "Secret")
"""Kinds in which a key `image` is anything."""


def main(arguments: list[str]) -> int:
    """Print the list, or what is wrong with it on stderr; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m ops images", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--stack", help="as in Pulumi.<stack>.yaml; default: all stacks together")
    parser.add_argument(
        "--registry", type=_registry, help="in place of images.registry: for copying before a stack moves there"
    )
    parser.add_argument("--json", action="store_true", help="for programs: a list of source and target")
    options = parser.parse_args(arguments)
    stacks = [options.stack] if options.stack else stack_file.stacks(PROJECT_DIR)
    found: dict[str, str | None] = {}
    for stack in stacks:
        settings = settings_of_stack(stack, PROJECT_DIR)
        if settings is None:
            return UNKNOWN
        try:
            of_stack = images_of_stack(_with_registry(settings, options.registry))
        except CouldNotTellError as error:
            print(f"Stack {stack}: {error}", file=sys.stderr)
            return UNKNOWN
        except ForeignImageError as error:
            print(f"Stack {stack}: {error}", file=sys.stderr)
            return FAILED
        found |= {source: target for source, target in of_stack.items() if target or source not in found}
    return _print(found, as_json=options.json)


class ForeignImageError(ValueError):
    """With a registry of its own a stack would have an image from elsewhere."""


def images_of_stack(settings: Settings) -> dict[str, str | None]:
    """Targets by source, both with registry and tag or digest; None as target where the stack has no registry.

    Raises ForeignImageError where the manifests would name another registry, CouldNotTellError where they can't be
    rendered.
    """
    images = settings.platform.images
    sources = _rendered(_with_images(settings, dataclasses.replace(images, registry=None)))
    if images.registry is None:
        return dict.fromkeys(map(full, sources))
    found = {source: images.mirrored(source) for source in sources}
    if foreign := _rendered(settings) - set(found.values()):
        raise ForeignImageError(
            f"{', '.join(sorted(foreign))} would not come from {images.registry}. Find the value that names it"
        )
    return {full(source): target for source, target in found.items()}


def names_in(manifests: Sequence[Mapping[str, Any]]) -> set[str]:
    """Every image that manifests name, wherever it stands in them."""
    return {image for item in manifests if item["kind"] not in DATA for image in _named(item)}


def full(image: str) -> str:
    """An image with its registry, as tools that copy images want it."""
    registry, rest = split_registry(image)
    return f"{registry}/{rest}"


def clashes(found: Mapping[str, str | None]) -> dict[str, list[str]]:
    """Sources by the target that they share."""
    by_target: dict[str, list[str]] = defaultdict(list)
    for source, target in found.items():
        if target:
            by_target[target].append(source)
    return {target: sorted(sources) for target, sources in by_target.items() if len(sources) > 1}


def _print(found: Mapping[str, str | None], *, as_json: bool) -> int:
    if shared := clashes(found):
        for target, sources in sorted(shared.items()):
            print(f"{' and '.join(sources)} would both be {target}: only one of them can be there", file=sys.stderr)
        return FAILED
    if as_json:
        print(json.dumps([{"source": source, "target": found[source]} for source in sorted(found)], indent=2))
    else:
        for source in sorted(found):
            if source != found[source]:  # Else it is there already.
                print(*filter(None, (source, found[source])))
    return OK


def _registry(text: str) -> str:
    """The option as the setting would be; argparse says what a ValidationError, which is a ValueError, is about."""
    return str(TypeAdapter(Registry).validate_python(text))


def _rendered(settings: Settings) -> set[str]:
    found: set[str] = set()
    for release in releases_of(settings):
        found |= names_in(render(release, "", [], TIMEOUT).manifests)
    return found


def _named(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == "image" and isinstance(item, str):
                yield item
            elif key == "image" and isinstance(item, Mapping) and isinstance(item.get("reference"), str):
                yield item["reference"]  # A volume that is an image.
            else:
                yield from _named(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named(item)


def _with_registry(settings: Settings, registry: str | None) -> Settings:
    if registry is None:
        return settings
    return _with_images(settings, dataclasses.replace(settings.platform.images, registry=registry))


def _with_images(settings: Settings, images: Images) -> Settings:
    return dataclasses.replace(settings, platform=dataclasses.replace(settings.platform, images=images))
