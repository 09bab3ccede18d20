"""Who is in the room besides the kiosk, and who of them is the one to talk to. Pure.

No document promises that those who were there first are announced. So somebody who is heard counts as present too, and
only who came by an announcement can be missed.
"""

from __future__ import annotations

from kiosk.links.ingest_protocol import Person

MOST_PEOPLE = 64


class People:
    """`own_id` is the kiosk's own id in the room; `agent_id` the agent that was asked for, empty for none."""

    def __init__(self, own_id: str, agent_id: str = "") -> None:
        self._own_id = own_id
        self._agent_id = agent_id
        self._present: dict[str, Person] = {}
        self._partner: str | None = None
        self._met = False

    @property
    def partner(self) -> str | None:
        """The id of the one to talk to: the agent, else whoever came first; None while nobody was announced."""
        return self._partner

    @property
    def somebody(self) -> bool:
        """Whether anybody was seen or heard so far."""
        return self._met

    def is_kiosk(self, identity: str) -> bool:
        return bool(identity) and identity == self._own_id

    def joined(self, person: Person) -> None:
        if self.is_kiosk(person.id) or (len(self._present) >= MOST_PEOPLE and person.id not in self._present):
            return
        self._present[person.id] = person
        self._cast()

    def left(self, identity: str) -> bool:
        """True when with this one nobody is left to talk to."""
        had = self._partner is not None
        self._present.pop(identity, None)
        self._cast()
        return had and self._partner is None

    def heard(self) -> None:
        """Somebody spoke or wrote."""
        self._met = True

    def _cast(self) -> None:
        agents = [identity for identity, person in self._present.items() if self._is_agent(person)]
        candidates = agents or list(self._present)
        if self._partner not in candidates:
            self._partner = candidates[0] if candidates else None
        self._met = self._met or self._partner is not None

    def _is_agent(self, person: Person) -> bool:
        """Agents carry their id in their metadata; where they do not, the id that was asked for or the name tells."""
        marked = isinstance(person.metadata.get("agent_id"), str)
        return marked or person.id == self._agent_id or "agent" in person.name.lower()
