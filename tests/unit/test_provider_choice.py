"""Which providers can be chosen while the kiosk runs, and when they are made."""

from __future__ import annotations

import pytest
from pydantic import BaseModel, ConfigDict

from kiosk.clock import SystemClock
from kiosk.provider_choice import ProviderChoice, choosable
from kiosk.providers.contract import Misconfigured, Provider
from kiosk.providers.http import HttpClient
from kiosk.providers.own_room import OwnRoom
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.settings import Settings
from tests.fakes import FakeProvider


class Table(BaseModel):
    model_config = ConfigDict(extra="forbid")

    size: int = 1


class Works:
    """Makes providers, and keeps them."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def entry(self, name: str) -> ProviderEntry:
        def create(table: Table, context: ProviderContext) -> Provider:
            if table.size > 9:
                raise Misconfigured(f"{name} cannot be so big")
            self.made.append(name)
            return FakeProvider(name=name)

        return ProviderEntry(name, Table, (), create)


@pytest.fixture
def works() -> Works:
    return Works()


def entries(works: Works) -> dict[str, ProviderEntry]:
    return {name: works.entry(name) for name in ("first", "local", "other", "second", "third")}


async def choice(works: Works, **more: object) -> ProviderChoice:
    tables = {"session": {"provider": "first", "fallback": "second"}, "providers": {"third": {"size": 2}} | more}
    settings = Settings.model_validate(tables)
    http, clock = HttpClient(), SystemClock()
    context = ProviderContext(http, {}, OwnRoom(settings.livekit, {}, http, clock), clock)
    made = ProviderChoice(settings, entries(works), context)
    await http.aclose()
    return made


def test_who_is_named_has_a_table_or_needs_none_can_be_chosen(works: Works) -> None:
    settings = Settings.model_validate({"session": {"provider": "first", "fallback": ""}, "providers": {"third": {}}})
    assert choosable(settings, entries(works)) == ("first", "local", "third")


async def test_a_provider_is_made_once_and_only_when_it_is_asked_for(works: Works) -> None:
    providers = await choice(works)
    assert (providers.names, works.made) == (("first", "local", "second", "third"), [])
    assert providers.get("third") is providers.get("third")
    assert works.made == ["third"]
    await providers.aclose()


@pytest.mark.parametrize(
    ("name", "table", "line"),
    [
        ("other", None, r"other is not set up here; known: .*; add a table \[providers.other\]"),
        ("nobody", None, "nobody is not set up here"),
        ("other", {"size": 10}, "other cannot be so big"),
        ("other", {"colour": "red"}, "providers.other.colour: unknown key"),
    ],
)
async def test_one_that_cannot_be_made_is_told_in_one_line(
    works: Works, name: str, table: dict[str, object] | None, line: str
) -> None:
    providers = await choice(works, **({} if table is None else {name: table}))
    with pytest.raises(Misconfigured, match=line) as refused:
        providers.get(name)
    assert "\n" not in refused.value.operator_line
