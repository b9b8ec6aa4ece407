"""How the Ingress of the chat behaves, beside its host and its certificate."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from components.formats import BodySize, LabelKey
from components.settings.base import Model, setting


class IngressSettings(Model):
    """What ingress controllers are told by annotations."""

    # LibreChat itself takes 512 MB, controllers such as ingress-nginx 1 MB; they keep a body on their own disk.
    body_size: BodySize = setting("100m", "largest upload; 0 means no limit", "a size such as 100m or 1g, or 0")
    # A large model that is loaded from a disk first says nothing for minutes.
    timeout: Annotated[int, Field(ge=1)] = setting(
        600, "seconds that an answer may be silent until the connection is cut", "a whole number of seconds, 1 or more"
    )
    annotations: dict[LabelKey, str] = setting(
        {}, "further annotations, or others in place of those", "annotation keys and texts"
    )
