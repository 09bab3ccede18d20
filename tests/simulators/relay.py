"""A token relay: LiveKit's standard token endpoint, with `participant_kind` besides.

Strict: it refuses what a careful relay would refuse. Its switches make it a careless one.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Literal, cast

from livekit import api

from tests.simulators.vendor_http import Call, Reply, VendorServer

Shape = Literal["standard", "camel", "short"]

_TEXTS = ("room_name", "participant_identity", "participant_name", "participant_kind", "participant_metadata")
_FIELDS = {*_TEXTS, "participant_attributes", "room_config"}
_ANSWER_FIELDS: dict[Shape, tuple[str, str]] = {
    "standard": ("server_url", "participant_token"),
    "camel": ("serverUrl", "participantToken"),
    "short": ("url", "token"),
}


class TokenRelay:
    """Answers `POST <url>`. `server_url` None leaves the URL out; `ignores` names request fields that it disregards."""

    def __init__(self, key: str, secret: str, *, server_url: str | None, bearer: str = "", shape: Shape = "standard"):
        self.server = VendorServer()
        self.server.route("POST", "/token", "token", self._token)
        self.server_url = server_url
        self.bearer = bearer
        self.shape: Shape = shape
        self.ignores: set[str] = set()
        self._key, self._secret = key, secret

    @property
    def url(self) -> str:
        return f"{self.server.base_url}/token"

    async def start(self, port: int = 0) -> str:
        await self.server.start(port)
        return self.url

    async def stop(self) -> None:
        await self.server.stop()

    async def _token(self, call: Call) -> Reply:
        if self.bearer and call.headers.get("Authorization") != f"Bearer {self.bearer}":
            return Reply(401, {"error": "who are you?"})
        if fault := _fault_of(call.body):
            return Reply(400, {"error": fault})
        asked = {name: value for name, value in call.body.items() if name not in self.ignores}
        url_name, token_name = _ANSWER_FIELDS[self.shape]
        body = {token_name: self._mint(asked)}
        if self.server_url is not None:
            body[url_name] = self.server_url
        return Reply(201, body)

    def _mint(self, asked: dict[str, Any]) -> str:
        kind = cast("Literal['standard', 'agent']", asked.get("participant_kind", "standard"))
        token = (
            api.AccessToken(self._key, self._secret)
            .with_identity(asked.get("participant_identity", "somebody"))
            .with_name(asked.get("participant_name", ""))
            .with_kind(kind)
            .with_attributes(asked.get("participant_attributes", {}))
            .with_ttl(timedelta(minutes=10))
            .with_grants(api.VideoGrants(room_join=True, room=asked.get("room_name", "somewhere")))
        )
        if config := asked.get("room_config"):
            agents = [
                api.RoomAgentDispatch(agent_name=agent["agentName"], metadata=agent.get("metadata", ""))
                for agent in config.get("agents", [])
            ]
            token = token.with_room_config(
                api.RoomConfiguration(empty_timeout=config.get("emptyTimeout", 0), agents=agents)
            )
        return token.to_jwt()


def _fault_of(body: object) -> str:
    if not isinstance(body, dict):
        return "the body must be a JSON object"
    if unknown := set(body) - _FIELDS:
        return f"unknown fields: {sorted(unknown)}"
    for name in _TEXTS:
        if name in body and not isinstance(body[name], str):
            return f"{name} must be a text"
    if body.get("participant_kind", "standard") not in ("standard", "agent"):
        return "participant_kind must be standard or agent"
    attributes = body.get("participant_attributes", {})
    if not isinstance(attributes, dict) or not all(isinstance(value, str) for value in attributes.values()):
        return "participant_attributes must be an object of texts"
    if not isinstance(body.get("room_config", {}), dict):
        return "room_config must be an object"
    return ""
