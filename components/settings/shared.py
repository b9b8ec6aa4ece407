"""What a stack says of an Ollama that is another stack's, or nobody's here."""

from __future__ import annotations

from components.formats import DnsLabel, ModelName, OllamaUrl, StackName
from components.settings.base import Model, setting


class SharedOllamaSettings(Model):
    """Whose models a stack's LibreChat uses, in place of an Ollama of its own: one of `stack` and `url`."""

    stack: StackName | None = setting(
        None, "stack whose Ollama it is; its address, namespace and models are read there", "organization/project/stack"
    )
    url: OllamaUrl | None = setting(
        None, "address of an Ollama that no stack of yours deploys", "http(s)://host[:port][/path], without /v1"
    )
    models: tuple[ModelName, ...] = setting(
        (), "models that are there; with url only", "a list of one or more names such as llama3.2:1b"
    )
    namespace: DnsLabel | None = setting(
        None,
        "its namespace, where the url leads into this cluster under a name that does not end in .svc",
        "a DNS label of up to 63 characters, with url only",
    )
    allow_plain_http: bool = setting(
        False, "whether chats may travel unencrypted to an http url outside of the cluster", "true or false"
    )
