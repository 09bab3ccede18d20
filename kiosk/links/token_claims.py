"""What a room token allows, read without its key: missing rights fail quietly in the client library."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any


def may_publish(token: str, source: str = "microphone") -> bool:
    """False only where the token plainly forbids publishing; an unreadable token is left for the server to judge.

    `source`: "microphone" or "camera".
    """
    video = _grants(token)
    sources = video.get("canPublishSources")
    if isinstance(sources, list) and sources:
        return source in sources
    return video.get("canPublish") is not False


def may_send_data(token: str) -> bool:
    """False only where the token plainly forbids messages and calls."""
    return _grants(token).get("canPublishData") is not False


def _grants(token: str) -> dict[str, Any]:
    try:
        body = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    except (IndexError, ValueError, binascii.Error):
        return {}
    video = claims.get("video") if isinstance(claims, dict) else None
    return video if isinstance(video, dict) else {}
