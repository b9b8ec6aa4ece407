"""Nothing that a diagnosis says holds a secret: values of Secrets are masked, and what looks like one."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from ops.diagnosis.objects import Object

MASK = "***"
NOT_SHOWN = "(not shown)"
SECRET_NAME = re.compile(r"PASS|PWD|SECRET|TOKEN|KEY|CRED|_URI|DSN", re.IGNORECASE)
"""Names, as of an environment variable, whose value isn't shown."""
REFERENCE = re.compile(r"(?:Name|Ref|_FILE|-(?:file|name|ref|path|dir)|^topologyKey)$")
"""The end of names that say where a secret is, not what; a topologyKey is the name of a node's label."""
LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
"""What `kubectl apply` was given, a whole Secret perhaps."""
HELM_RECORD = "helm.sh/release.v1"
SHORTEST = 4
"""Shorter values hide nothing, and masking them would tear up every word."""
WHOLE_WORDS_BELOW = 8
"""A value shorter than this is masked only where it isn't part of a longer word."""
CUT = 6
"""Characters of a secret that must be left at the end of a text for it to be taken for a secret cut in two."""

COMMON = frozenset({"true", "false", "none", "null", "enabled", "disabled", "production", "default", "admin", "root"})
"""Values that are no secret, even where a Secret holds them: masking them would tear up every text."""

PATTERNS = (
    # Order matters: what has structure before what is merely long.
    (re.compile(r"-----BEGIN [^-]*PRIVATE KEY-----.*?(-----END [^-]*PRIVATE KEY-----|$)", re.DOTALL), MASK),
    # To the last @ before the path: a password may hold an @ of its own.
    (re.compile(r"\b([a-z][a-z0-9+.-]*://[^\s:/@\"']*):[^\s/\"']+@", re.IGNORECASE), rf"\1:{MASK}@"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9+/=._~-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*)?"), MASK),
    (re.compile(r"\b(sk|pk|rk|ghp|gho|ghs|github_pat|glpat|xox[a-z]|hf|AKIA|ASIA|AIza)[-_]?[A-Za-z0-9_-]{12,}"), MASK),
    # The names are those of settings and variables; prose such as "password: required" loses a word, no more.
    (
        re.compile(
            r"((?:[A-Za-z0-9_.-]*(?:password|passwd|pwd|secret|token|api[ _-]?key|credential|private[ _-]?key"
            r"|access[ _-]?key|master[ _-]?key|creds_(?:key|iv)|pass[ _-]?phrase"
            # Neither bypass, compass nor passthrough.
            r"|(?<!by)(?<!com)pass(?![A-Za-z])(?![_-]through))[A-Za-z0-9_-]*)"
            # JSON in JSON has a backslash before its quotes.
            r"\\*[\"']?\s*(?:=|:(?!//)|=>)\s*)"
            # Not a count: a quota says `secrets=5`.
            r"(?!\d{1,3}(?![A-Za-z0-9]))(?:\\+\"[^\"]*\"|\"(?:\\.|[^\"\\])*\"|'[^']*'|[^\s,;}\"']+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # A flag and its value with a space between them, in a command line that is one text.
    (
        re.compile(
            r"((?<![\w-])--?[a-z0-9-]*(?:pass|pwd|secret|token|key|cred)[a-z0-9-]*"
            r"(?<!-file)(?<!-name)(?<!-ref)(?<!-path)(?<!-dir)\s+)(?![-|&;])(?:\"[^\"]*\"|'[^']*'|[^\s\"']+)",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    # Generated keys are hex; a digest of an image or a container's id says what it is.
    (re.compile(r"(?<!sha256:)(?<!://)\b[0-9a-fA-F]{32,}\b"), MASK),
)


class Masker:
    """Masks secrets in texts: `mask(text)`."""

    def __init__(self, secrets: Iterable[str] = (), spare: Iterable[str] = ()) -> None:
        """Masks `secrets` in all their forms, but for the words in `spare`, which anybody may know."""
        known = {piece for secret in secrets for piece in _pieces(secret)} - COMMON - set(spare)
        forms = {form for piece in known if len(piece) >= SHORTEST for form in _forms(piece)}
        # The longest first: a URI before the password in it.
        self._forms = sorted(forms, key=lambda form: (-len(form), form))

    def __call__(self, text: str) -> str:
        """The text with `***` in place of every secret."""
        for form in self._forms:
            if form in text:
                text = _replace(form, text)
        text = self._without_halves(text)
        for pattern, replacement in PATTERNS:
            text = pattern.sub(replacement, text)
        return text

    def _without_halves(self, text: str) -> str:
        """Messages are cut at a length, by the kubelet and by the API server: a secret may be cut in two."""
        for form in self._forms:
            lengths = range(min(len(form) - 1, len(text)), CUT - 1, -1)
            # With its dots first: they may be the secret's own.
            for tail in dict.fromkeys((text, text.rstrip(" .…"))):
                if length := next((length for length in lengths if tail.endswith(form[:length])), 0):
                    text = tail[:-length] + MASK
                    break
            head = text.lstrip()
            if length := next((length for length in lengths if head.startswith(form[-length:])), 0):
                text = MASK + head[length:]
        return text


def secret_texts(secrets: Iterable[Object], pods: Iterable[Object] = ()) -> Iterator[str]:
    """Every value of the namespace's Secrets but helm's records, and of the pods' variables that are named like one."""
    for secret in secrets:
        if secret.get("type") == HELM_RECORD:
            continue
        for packed in (secret.get("data") or {}).values():
            yield base64.b64decode(packed).decode(errors="replace")
    for pod in pods:
        for container in pod["spec"].get("containers") or ():
            for variable in container.get("env") or ():
                if variable.get("value") and is_secret_name(variable["name"]):
                    yield variable["value"]


def is_secret_name(name: str) -> bool:
    """Whether what stands under this name is taken for a secret."""
    return name == LAST_APPLIED or (bool(SECRET_NAME.search(name)) and not REFERENCE.search(name))


def hidden_object(item: Object) -> Object:
    """The object, field by field, without what a Secret holds and without what `hidden` hides."""
    parts = {"data", "stringData"} if item["kind"] == "Secret" else set[str]()
    return {key: _not_shown(value) if key in parts else hidden(value) for key, value in item.items()}


def hidden(value: Any) -> Any:
    """The value without texts under a name such as that of a password, or after a flag that is called so."""
    if isinstance(value, Mapping):
        return {key: MASK if _hides(value, key) else hidden(inner) for key, inner in value.items()}
    if isinstance(value, list):
        pairs = zip([None, *value], value, strict=False)
        return [MASK if _follows_flag(before, inner) else hidden(inner) for before, inner in pairs]
    return value


def named_secrets(value: Any) -> Iterator[str]:
    """The texts under such a name: what stands there in a stack's settings may come up elsewhere without the name."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield from [inner] if _hides(value, key) else named_secrets(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from named_secrets(inner)


def _hides(values: Mapping[str, Any], key: str) -> bool:
    name = values.get("name")
    item = key == "value" and isinstance(name, str) and is_secret_name(name)
    # The `key` of a toleration or of a selector is the name of a label.
    label = key == "key" and ("operator" in values or "effect" in values)
    return isinstance(values[key], str) and (item or is_secret_name(key)) and not label


def _not_shown(value: Any) -> Any:
    return dict.fromkeys(value, NOT_SHOWN) if isinstance(value, Mapping) else value


def _follows_flag(before: Any, item: Any) -> bool:
    """Whether it is the value in `--password, <value>`; with `=` it is one text, which a Masker masks."""
    return (
        isinstance(before, str)
        and isinstance(item, str)
        and re.fullmatch(r"--?[\w.-]+", before) is not None
        and is_secret_name(before)
        and not item.startswith("-")
    )


def _pieces(secret: str) -> Iterator[str]:
    """The secret itself, its lines, what a list in it holds, the leaves of JSON, the password of a URI."""
    secret = secret.strip()
    yield secret
    yield from (line.strip() for line in secret.splitlines() if len(line.strip()) >= WHOLE_WORDS_BELOW)
    # Bitnami's charts join the passwords of several users by commas.
    yield from (part for part in secret.split(",") if len(part) >= WHOLE_WORDS_BELOW)
    if secret.startswith(("{", "[")):
        try:
            yield from _leaves(json.loads(secret))
        except ValueError:
            return
    if "://" in secret:
        try:
            yield urlsplit(secret).password or ""
        except ValueError:
            return


def _leaves(document: Any) -> Iterator[str]:
    if isinstance(document, dict):
        for value in document.values():
            yield from _leaves(value)
    elif isinstance(document, list):
        for value in document:
            yield from _leaves(value)
    elif isinstance(document, str) and len(document) >= WHOLE_WORDS_BELOW:
        yield document


def _forms(piece: str) -> set[str]:
    forms = {piece}
    if len(piece) >= WHOLE_WORDS_BELOW:
        forms |= {quote(piece, safe=""), json.dumps(piece)[1:-1], base64.b64encode(piece.encode()).decode()}
    return forms


def _replace(form: str, text: str) -> str:
    if len(form) >= WHOLE_WORDS_BELOW:
        return text.replace(form, MASK)
    return re.sub(rf"(?<![A-Za-z0-9]){re.escape(form)}(?![A-Za-z0-9])", MASK, text)
