"""The sentences that a visit may need, as keys of resources/translations: one list for session, screens and tests."""

from __future__ import annotations

from enum import StrEnum


class Notice(StrEnum):
    ONE_MOMENT = "one_moment"  # connecting takes long, or the picture stands still
    STAGE_EMPTY = "stage_empty"  # nobody is to be seen or heard in the room, which is no fault
    RECONNECTING = "reconnecting"  # the link is lost and being built anew
    STILL_THERE = "still_there"  # idle countdown: touch to stay
    ENDING_SOON = "ending_soon"  # the longest visit is nearly over
    TIME_UP = "time_up"
    CONNECTION_LOST = "connection_lost"  # the visit could not be saved
    NO_MICROPHONE = "no_microphone"
    NO_SPEAKER = "no_speaker"
    NO_SOUND = "no_sound"  # neither of the two
    BUSY = "busy"  # a ProviderError's screen
    UNAVAILABLE = "unavailable"  # a ProviderError's screen
    OUT_OF_SERVICE = "out_of_service"  # a ProviderError's screen
    BUDGET_SPENT = "budget_spent"  # the money guard's screen
