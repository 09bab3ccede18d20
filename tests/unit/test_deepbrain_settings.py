from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from kiosk.providers.deepbrain_settings import DeepBrainSettings

NEEDED = {"app_id": "studiov3.kiosk@example.com", "avatar_id": "avatar-1"}


def test_two_keys_are_enough() -> None:
    settings = DeepBrainSettings.model_validate(NEEDED)
    assert settings.base_url == "https://ai-streamer.deepbrain.io"
    assert settings.token_path == "/api/v2/sessions/token"
    assert settings.publish_microphone is False


@pytest.mark.parametrize(
    "table",
    [
        {"base_url": "https://vendor.example/"},
        {"base_url": "http://127.0.0.1:8080"},
        {"base_url": "http://localhost:8080"},
        {"token_url": "https://relay.example/token", "app_id": ""},
        {"persona": {"llm_configurations": {"custom_settings": {"system_prompt": "x"}}}},
    ],
)
def test_accepts(table: dict[str, Any]) -> None:
    assert not DeepBrainSettings.model_validate({**NEEDED, **table}).base_url.endswith("/")


@pytest.mark.parametrize(
    ("table", "key"),
    [
        ({"avatar_id": ""}, "avatar_id"),
        ({"app_id": ""}, "app_id"),
        ({"base_url": "vendor.example"}, "base_url"),
        ({"base_url": "http://vendor.example"}, "base_url"),
        ({"base_url": "https://"}, "base_url"),
        ({"base_url": "https://user:planted@vendor.example"}, "base_url"),
        ({"base_url": "https://vendor.example/a b"}, "base_url"),
        ({"token_url": "http://relay.example"}, "token_url"),
        ({"stop_url": "relay"}, "stop_url"),
        ({"token_path": "token"}, "token_path"),
        ({"token_path": "/token?key=x"}, "token_path"),
        ({"max_session_duration": 0}, "max_session_duration"),
        ({"max_session_duration": "long"}, "max_session_duration"),
        ({"max_session_duration_unit": "hours"}, "max_session_duration_unit"),
        ({"user_key": "planted"}, "user_key"),
        ({"persona": {"voice": "x"}}, "voice"),
        ({"persona": {"llm_configurations": {"custom_settings": {"greeting_text": "x"}}}}, "greeting_text"),
        ({"persona": {"llm_configurations": {"temperature": float("nan")}}}, "temperature"),
        ({"start_timeout_s": 0}, "start_timeout_s"),
    ],
)
def test_refuses(table: dict[str, Any], key: str) -> None:
    with pytest.raises(ValidationError) as caught:
        DeepBrainSettings.model_validate({**NEEDED, **table})
    assert key in str(caught.value)
    assert "planted" not in str(caught.value)
