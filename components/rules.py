"""LibreChat's own rules: what would kill the server, or break it in silence, in the values that its chart gets.

`make check` holds librechat.yaml against LibreChat's whole schema, for which it needs Node; these rules need nothing.
"""

from __future__ import annotations

import difflib
import functools
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

import yaml

from components.charts import LIBRECHAT
from components.contracts import DIRECTORY
from components.faults import Fault
from components.platform import Platform
from components.provenance import KeyPath, Sources, dotted
from components.rules_of_parts import RULES_OF_PARTS
from components.served import Served
from components.settings import LibreChatSettings
from components.values import Values, dig

CONFIG_VERSIONS = {"2.0.7": "1.3.13"}
"""Configuration version (of librechat.yaml) by chart version; 2.0.7 deploys LibreChat v0.8.7 (2026-11, facts.md).

An unknown chart version passes here, with every rule but those on the version and the keys; `make check` reports it.
"""
CONFIG_TEXT: KeyPath = ("librechat", "configYamlContent")
CONFIG_ENV: KeyPath = ("librechat", "configEnv")


@dataclass(frozen=True)
class Chat:
    """One LibreChat as it would be deployed."""

    values: Values
    """What the chart gets."""
    settings: LibreChatSettings
    served: Served
    """Where it finds its models."""
    name: str
    """Of the release."""
    sources: Sources
    """Where `values` came from."""
    config_sources: Sources
    """Where librechat.yaml came from."""
    unreadable: bool = False
    """Whether there is a librechat.yaml that can't be read, which has a fault of its own."""

    @staticmethod
    def of(platform: Platform, librechat: LibreChatSettings, values: Values, project_dir: Path) -> Chat:
        """The LibreChat of a stack; `values` are the final ones."""
        name, stack_file = LIBRECHAT.name, project_dir / f"Pulumi.{platform.stack}.yaml"
        return Chat(
            values,
            librechat,
            platform.models_for(name),
            name,
            Sources(name, platform.files.get(name, ()), librechat.values, stack_file, platform.project),
            Sources(name, platform.app_files.get(name, ()), {}, stack_file, platform.project),
            unreadable=platform.app_files.get(name) == (),
        )

    @property
    def config_text(self) -> str:
        """librechat.yaml as deployed; empty where it is no text."""
        text = dig(self.values, *CONFIG_TEXT)
        return text if isinstance(text, str) else ""

    @functools.cached_property
    def config(self) -> Any:
        """What librechat.yaml says; None where it is no YAML, which is a fault of its own."""
        try:
            return yaml.load(self.config_text, Loader=yaml.CSafeLoader)
        except yaml.YAMLError:
            return None

    @property
    def custom_endpoints(self) -> list[Any]:
        """The custom endpoints of librechat.yaml; none where they are no list."""
        endpoints = dig(self.config, "endpoints", "custom")
        return endpoints if isinstance(endpoints, list) else []

    @property
    def env(self) -> Mapping[str, Any]:
        """The plain environment, without what a null takes away."""
        env = dig(self.values, *CONFIG_ENV)
        return {name: value for name, value in env.items() if value is not None} if isinstance(env, dict) else {}

    def overrides(self, path: KeyPath) -> bool:
        """Whether `librechat.values` of the stack file has the last word on a Helm value."""
        *parents, last = path
        parent = dig(self.sources.override, *parents)
        return isinstance(parent, dict) and last in parent

    def in_values(self, path: KeyPath, text: str) -> Fault:
        """A fault of a Helm value, with the place that said it last."""
        if path[:-1] == CONFIG_ENV and path[-1] in self.settings.env and not self.overrides(path):
            return Fault(f"librechat.env.{path[-1]}", text)
        return Fault(None, f"{self.sources.origin(path).place}: {dotted(path)} {text}")

    def in_config(self, path: KeyPath, text: str) -> Fault:
        """A fault of librechat.yaml, with the line of its file, or with the value that replaces the file."""
        if self.overrides(CONFIG_TEXT):
            return self.in_values(CONFIG_TEXT, f"replaces librechat.yaml, and there {dotted(path) or 'it'} {text}")
        return located(self.config_sources, path, text)


def located(config_sources: Sources, path: KeyPath, text: str) -> Fault:
    """A fault of librechat.yaml with the line of its file; of the whole file where `path` is empty."""
    place = f"{config_sources.origin(path).place}: {dotted(path)}" if path else "values/app/librechat.yaml:"
    return Fault(None, f"{place} {text}")


def librechat_faults(chat: Chat) -> list[Fault]:
    """Every rule that the values or librechat.yaml break; never shows a secret."""
    rules: tuple[Callable[[Chat], Iterator[Fault]], ...] = (
        _config_is_yaml,
        _version_belongs_to_chart,
        _keys_are_known,
        _endpoints_are_complete,
        _models_are_pulled,
        _environment_is_text,
        _search_has_a_host,
        _cookies_reach_the_browser,
        *RULES_OF_PARTS,
    )
    return [fault for rule in rules for fault in rule(chat)]


def _config_is_yaml(chat: Chat) -> Iterator[Fault]:
    if not isinstance(chat.config, dict):
        yield chat.in_config((), "is no map in YAML; allowed: LibreChat's configuration, at least its version")


def _version_belongs_to_chart(chat: Chat) -> Iterator[Fault]:
    chart = chat.settings.chart.version
    expected = CONFIG_VERSIONS.get(chart)
    found = dig(chat.config, "version")
    unread = found is None and chat.unreadable
    if isinstance(chat.config, dict) and expected and found != expected and not unread:
        what = "has no version" if found is None else f"found {json.dumps(found, default=str)}"
        yield chat.in_config(
            () if found is None else ("version",),
            f'{what}; allowed: "{expected}", in quotes, which belongs to the LibreChat of chart {chart}',
        )


def _keys_are_known(chat: Chat) -> Iterator[Fault]:
    keys = known_keys(chat.settings.chart.version)
    for part, known in keys.items():
        found = dig(chat.config, *part.split(".")) if part else chat.config
        for key in sorted(set(map(str, found)) - set(known)) if isinstance(found, dict) else ():
            elsewhere = [f"{other}.{key}".lstrip(".") for other in keys if key in keys[other]]
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"It belongs to {elsewhere[0]}" if elsewhere else f"Did you mean {near[0]}?" if near else ""
            yield chat.in_config(
                (*part.split("."), key) if part else (key,),
                f"is no key of LibreChat's, which exits on it. {hint or 'Allowed there: ' + ', '.join(known)}",
            )


def _endpoints_are_complete(chat: Chat) -> Iterator[Fault]:
    for path, shape in (("endpoints",), dict), (("endpoints", "custom"), list):
        if not isinstance(dig(chat.config, *path) or shape(), shape):
            yield chat.in_config(path, f"is no {'map' if shape is dict else 'list'}; LibreChat exits on it")
    for index, endpoint in enumerate(chat.custom_endpoints):
        here: KeyPath = ("endpoints", "custom", index)
        if not isinstance(endpoint, dict):
            yield chat.in_config(here, "is no map; allowed: name, apiKey, baseURL, models and more")
            continue
        for key in ("name", "apiKey", "baseURL"):
            if not isinstance(endpoint.get(key), str) or not endpoint[key].strip():
                yield chat.in_config(here, f"has no {key}; allowed: a text. LibreChat exits or hides the endpoint")
        models = dig(endpoint, "models", "default")
        if not isinstance(models, list) or not models:
            yield chat.in_config(here, "has no models.default; allowed: one or more models. LibreChat exits on it")


def _models_are_pulled(chat: Chat) -> Iterator[Fault]:
    for index, endpoint in enumerate(chat.custom_endpoints if chat.served.complete else ()):
        if not isinstance(endpoint, dict) or _service(endpoint.get("baseURL")) != _service(chat.served.url):
            continue
        default = dig(endpoint, "models", "default")
        asked: dict[KeyPath, Any] = {
            ("models", "default", position): model.get("name") if isinstance(model, dict) else model
            for position, model in enumerate(default if isinstance(default, list) else [])
        }
        # "current_model" is the conversation's own model; with a titleEndpoint, titles come from elsewhere.
        if endpoint.get("titleModel") not in (None, "current_model") and "titleEndpoint" not in endpoint:
            asked["titleModel",] = endpoint["titleModel"]
        for path, model in asked.items():
            # A default model that isn't pulled is a fault of the setting.
            if model not in (*chat.served.models, chat.settings.default_model):
                yield chat.in_config(
                    ("endpoints", "custom", index, *path),
                    f'found "{model}", which Ollama does not {"pull" if chat.served.own else "have"}; allowed: '
                    f"{', '.join(chat.served.models)}. Choose one, or add it to {chat.served.told_by}",
                )


def _environment_is_text(chat: Chat) -> Iterator[Fault]:
    for name, value in chat.env.items():
        if not isinstance(value, str):
            kind = {bool: "true or false", int: "a number", float: "a number"}.get(type(value), "no single value")
            what = f"found {kind}, which Kubernetes refuses in a ConfigMap; allowed: a text. Put it in quotes"
            yield chat.in_values((*CONFIG_ENV, name), what)


def _search_has_a_host(chat: Chat) -> Iterator[Fault]:
    host: KeyPath = (*CONFIG_ENV, "MEILI_HOST")
    on = str(chat.env.get("SEARCH")).strip().lower() == "true"
    if not on or {"SEARCH", "MEILI_HOST"} & set(chat.settings.secret_env):
        return
    if not chat.env.get("MEILI_HOST"):
        yield chat.in_values(host, 'is empty while SEARCH is "true"; allowed: the address of Meilisearch')
    ours = not chat.overrides(host) and "MEILI_HOST" not in chat.settings.env and not chat.settings.meilisearch
    if ours and dig(chat.values, "meilisearch", "enabled") is False:
        yield chat.in_values(
            ("meilisearch", "enabled"),
            'found false while SEARCH is "true"; allowed: true. Or name your own Meilisearch in librechat.meilisearch, '
            'or set librechat.env.SEARCH to "false"',
        )


def _cookies_reach_the_browser(chat: Chat) -> Iterator[Fault]:
    name = "SESSION_COOKIE_SECURE"
    url = _address(chat.env.get("DOMAIN_SERVER") or chat.settings.url)
    local = url.hostname in ("localhost", "127.0.0.1", "::1")
    plain = url.scheme == "http" and not local and not dig(chat.values, "ingress", "tls")
    if plain and chat.env.get(name) != "false" and not {name, "DOMAIN_SERVER"} & set(chat.settings.secret_env):
        yield chat.in_values(
            (*CONFIG_ENV, name),
            f'is not "false" while the chat is at {url.geturl()}: over plain HTTP browsers drop Secure cookies, and '
            'users are logged out; allowed: "false". Drop what says otherwise, or set librechat.tlsSecret',
        )


@functools.cache
def known_keys(chart: str) -> Mapping[str, list[str]]:
    """Keys by part of librechat.yaml ("" is the whole), where LibreChat exits on any other; {} for an unknown chart."""
    if chart not in CONFIG_VERSIONS:
        return {}
    file = DIRECTORY / f"librechat-config-{CONFIG_VERSIONS[chart]}.json"
    return dict(json.loads(file.read_text(encoding="utf-8"))["keys"])


def _service(url: Any) -> list[str]:
    """The Service and namespace of an in-cluster address, however much of the domain it names; else the whole host."""
    labels = (_address(url).hostname or "").split(".")
    return labels[:2] if labels[2:3] == ["svc"] else labels


def _address(url: Any) -> SplitResult:
    try:
        return urlsplit(str(url))
    except ValueError:
        return urlsplit("")
