from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kiosk.providers.liveavatar_settings import LiveAvatarSettings

ID = "3c90c3cc-0d44-4b50-8888-8dd25736052a"


def test_one_key_is_enough() -> None:
    settings = LiveAvatarSettings.model_validate({"avatar_id": ID})
    assert settings.base_url == "https://api.liveavatar.com"
    assert settings.avatar_identity == "heygen"


@pytest.mark.parametrize(
    "table",
    [
        {"base_url": "http://127.0.0.1:8080/"},
        {"token_url": "https://relay.example/token"},
        {"context_id": ID, "voice_id": ID, "llm_configuration_id": ID},
        {"voice_agent_id": ID, "dynamic_variables": {"name": "Ada"}},
    ],
)
def test_accepts(table: dict[str, Any]) -> None:
    assert not LiveAvatarSettings.model_validate({"avatar_id": ID, **table}).base_url.endswith("/")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"avatar_id": ""}, "avatar_id"),
        ({"avatar_id": "front-desk"}, "avatar_id"),
        ({"context_id": "x"}, "context_id"),
        ({"voice_agent_id": ID, "context_id": ID}, "exclude each other"),
        ({"voice_agent_id": ID, "voice_id": ID}, "exclude each other"),
        ({"base_url": "http://vendor.example"}, "base_url"),
        ({"base_url": "https://user:planted@vendor.example"}, "base_url"),
        ({"base_url": "https://vendor.example:port"}, "base_url"),
        ({"token_url": "relay"}, "token_url"),
        ({"quality": "best"}, "quality"),
        ({"encoding": "AV1"}, "encoding"),
        ({"max_session_duration": 0}, "max_session_duration"),
        ({"keep_alive_s": 300}, "keep_alive_s"),
        ({"start_timeout_s": 0}, "start_timeout_s"),
        ({"dynamic_variables": {"x" * 65: "y"}}, "dynamic_variables"),
        ({"dynamic_variables": {"x": "y" * 1001}}, "dynamic_variables"),
        ({"dynamic_variables": {str(n): "y" for n in range(51)}}, "dynamic_variables"),
        ({"api_key": "planted"}, "api_key"),
    ],
)
def test_refuses(table: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        LiveAvatarSettings.model_validate({"avatar_id": ID, **table})
    assert key in str(caught.value)
    assert "planted" not in str(caught.value)
