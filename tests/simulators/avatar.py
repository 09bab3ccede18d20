"""A vendor's avatar, simulated: it joins a real room, shows a talking portrait, speaks, hears the visitor and answers.

With `respond="echo"` the answer is what it heard, so that a test can prove that sound went out and came back.
"""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from livekit import rtc

from tests.simulators.chores import Chores
from tests.simulators.ears import Ears
from tests.simulators.hearing import HeardRecord
from tests.simulators.joining import AvatarError, connect, show_state
from tests.simulators.picture_track import Gallery, PictureOptions, PictureTrack
from tests.simulators.sound_track import SoundTrack
from tests.simulators.speech import RATE, Samples, SpeechMaker
from tests.simulators.speech_inbox import Reports, SpeechInbox
from tests.simulators.transcript import Transcript
from tests.simulators.voice import Voice

Respond = Literal["echo", "silent", "talk"]
OnWords = Callable[[bool, str], None]

LEAVE_TIMEOUT_S = 8.0
GREETING_PAUSE_S = 0.4
THINKING_S = 0.15
FLOOD_BYTES = 15 * 1024 - 512
STATE_TOPIC = "session.state"
SMALL_TALK = (
    "Reception is on the ground floor, and the lifts are behind you on the left.",
    "Visitors may leave coats and umbrellas beside the front desk.",
    "The next guided tour begins at a quarter past three in the main hall.",
    "Please tell me whom you have come to see, and I will let them know.",
)


@dataclass(frozen=True, slots=True)
class AvatarOptions:
    picture: PictureOptions = field(default_factory=PictureOptions)
    voice_only: bool = False  # joins without its picture; `show_picture` may bring it later
    respond: Respond = "echo"
    greeting: str = ""
    silence_s: float = 0.3  # quiet that ends a visitor's utterance
    transcripts: bool = True
    session_state: bool = False  # vendor's packets on topic `session.state`
    reports: Reports = "once"  # how `lk.playback_finished` is sent
    alone_s: float = 3.0  # so long after the last other participant left, `on_alone` is called


def no_log(_: Mapping[str, object]) -> None:
    """Keeps no log."""


class SimulatedAvatar:
    """Lives on the asyncio loop that calls `join`; may join again after `leave`."""

    def __init__(
        self,
        url: str,
        token: str,
        options: AvatarOptions | None = None,
        *,
        speech: SpeechMaker | None = None,
        gallery: Gallery | None = None,
        log: Callable[[Mapping[str, object]], None] = no_log,
        on_alone: Callable[[], None] | None = None,
        on_words: OnWords | None = None,
    ) -> None:
        """`on_words` takes what is said in place of LiveKit's transcripts: whether by the avatar, and the text."""
        self._url = url
        self._token = token
        self._options = options or AvatarOptions()
        self._speech = speech or SpeechMaker()
        self._gallery = gallery or Gallery()
        self._log = log
        self._on_alone = on_alone
        self._on_words = on_words
        self._chores = Chores()
        self._spawn = self._chores.spawn
        self._room: rtc.Room | None = None
        self._picture: PictureTrack | None = None
        self._sound: SoundTrack | None = None
        self._inbox: SpeechInbox | None = None
        self._audible = asyncio.Event()
        self._farewell: asyncio.Task[None] | None = None
        self.voice = Voice()
        self.heard = HeardRecord()
        self._ears = Ears(
            self._chores,
            self.heard,
            silence_s=self._options.silence_s,
            speaking=lambda: self.voice.speaking,
            on_utterance=self._on_utterance,
        )
        self.answers = 0
        self.disconnect_reason: rtc.DisconnectReason | None = None

    @property
    def faults(self) -> list[str]:
        """What went wrong in the background; a test may want it empty."""
        return self._chores.faults

    @property
    def utterances(self) -> list[tuple[float, Samples]]:
        """The last ones heard: (time.monotonic() of its end, 48 kHz samples)."""
        return self._ears.utterances

    @property
    def room(self) -> rtc.Room:
        if self._room is None:
            raise AvatarError("the avatar is in no room")
        return self._room

    @property
    def connected(self) -> bool:
        return self._room is not None and self._room.isconnected()

    @property
    def frames_sent(self) -> int:
        return self._picture.sent if self._picture is not None else 0

    @property
    def inbox(self) -> SpeechInbox:
        if self._inbox is None:
            raise AvatarError("the avatar is in no room")
        return self._inbox

    async def join(self) -> None:
        """Joins, publishes and starts to live. Raises `AvatarError`."""
        if self._room is not None:
            raise AvatarError("the avatar is in a room already")
        picture_size = self._options.picture.width, self._options.picture.height
        await asyncio.to_thread(self._gallery.portrait, *picture_size)
        self.voice = Voice()
        self._audible.clear()
        room = rtc.Room()
        inbox = SpeechInbox(room, self.voice, self._spawn, reports=self._options.reports)
        inbox.listen()
        self._ears.attend(room)
        self._follow(room)
        await connect(room, self._url, self._token)
        self._room, self._inbox = room, inbox
        inbox.serve_calls()
        try:
            await self._publish(room)
        except BaseException:
            await self.leave()
            raise
        await self._set_mode("listening")
        if self._options.session_state:
            await self.send_state("connected")
        if self._options.greeting:
            self.say_when_audible(self._options.greeting)
        if self._options.respond == "talk":
            self._spawn(self._talk())
        self._log({"event": "avatar_joined", "t": time.monotonic()})

    async def leave(self) -> None:
        """Stops in the order that the library needs: tasks, streams, sources, room. Idempotent."""
        room, self._room = self._room, None
        if room is None:
            return
        if self._options.session_state and room.isconnected():
            await self._publish_state(room, "disconnected")
        if self._farewell is not None:
            await self._farewell
            self._farewell = None
        await self._chores.end()
        for track in (self._picture, self._sound):
            if track is not None:
                await track.aclose()
        self._picture = self._sound = None
        await asyncio.wait_for(room.disconnect(), LEAVE_TIMEOUT_S)
        self._log({"event": "avatar_left", "t": time.monotonic()})

    async def say(self, text: str, *, told: bool = False) -> None:
        """Speaks a text; returns when it is queued. `told`: its words have been told already."""
        samples = await asyncio.to_thread(self._speech.render, text)
        self.say_samples(samples, "" if told else text)

    def say_samples(self, samples: Samples, text: str = "") -> None:
        """Speaks 48 kHz mono samples, with a caption when `text` is given and transcripts are on."""
        self._spawn(self._set_mode("speaking"))
        self.voice.say(samples, self._on_spoken)
        if text and self._on_words is not None:
            self._on_words(True, text)
        elif text and self._options.transcripts and self._sound is not None:
            transcript = Transcript(self.room)
            self._spawn(transcript.spoken(text, len(samples) / RATE, self._sound.track.sid))

    def say_when_audible(self, text: str) -> None:
        """Speaks a text as soon as somebody in the room can hear it."""
        self._spawn(self._say_when_audible(text))

    def interrupt(self) -> None:
        self.voice.clear()

    def freeze(self, *, sound: bool = False) -> None:
        """Sends no more pictures (and, if asked, no sound) although it stays in the room."""
        if self._picture is not None:
            self._picture.frozen = True
        if self._sound is not None:
            self._sound.frozen = sound

    def thaw(self) -> None:
        if self._picture is not None:
            self._picture.frozen = False
        if self._sound is not None:
            self._sound.frozen = False

    async def resize(self, width: int, height: int) -> None:
        """Another picture size in mid-stream."""
        if self._picture is not None:
            await self._picture.resize(width, height)

    def rotate(self, degrees: int) -> None:
        """Turns the pictures clockwise (0, 90, 180, 270): the far side sees upright pixels of a swapped size."""
        if self._picture is not None:
            self._picture.rotation = degrees

    def flood(self, per_second: float, seconds: float, *, size: int = FLOOD_BYTES) -> None:
        """Sends data messages that nobody can understand."""
        self._spawn(self._flood(per_second, seconds, size))

    async def send_data(self, payload: bytes, topic: str) -> None:
        await self.room.local_participant.publish_data(payload, reliable=True, topic=topic)

    async def send_state(self, state: str, reason: str | None = None) -> None:
        """A vendor's `session.state` packet."""
        await self._publish_state(self.room, state, reason)

    async def show_picture(self) -> None:
        """One that joined with its voice alone shows itself after all."""
        await self._publish_picture(self.room.local_participant)

    async def _publish(self, room: rtc.Room) -> None:
        me = room.local_participant
        publishing = [self._publish_sound(me)]
        if not self._options.voice_only:
            publishing.append(self._publish_picture(me))
        await asyncio.gather(*publishing)  # together: one negotiation with the server in place of two

    async def _publish_sound(self, me: rtc.LocalParticipant) -> None:
        self._sound = SoundTrack(self.voice)
        self._spawn(self._sound.run())
        await me.publish_track(self._sound.track, self._sound.publish_options())

    async def _publish_picture(self, me: rtc.LocalParticipant) -> None:
        self._picture = PictureTrack(self._options.picture, self._gallery, self.voice, self._log)
        self._spawn(self._picture.run())
        await me.publish_track(self._picture.track, self._picture.publish_options())

    def _follow(self, room: rtc.Room) -> None:
        room.on("local_track_subscribed", self._on_own_track_subscribed)
        room.on("disconnected", self._on_disconnected)
        room.on("participant_disconnected", self._on_participant_gone)

    def _on_own_track_subscribed(self, track: rtc.LocalTrack) -> None:
        if self._sound is not None and track.sid == self._sound.track.sid:
            self._audible.set()

    def _on_disconnected(self, reason: rtc.DisconnectReason) -> None:
        self.disconnect_reason = reason
        self._log({"event": "avatar_disconnected", "reason": reason, "t": time.monotonic()})
        if self._room is None:
            return  # we left ourselves
        self._farewell = asyncio.ensure_future(self._chores.end())
        if self._on_alone is not None:
            self._on_alone()  # the server closed the room behind the last visitor: agents alone do not keep it

    def _on_participant_gone(self, _participant: rtc.RemoteParticipant) -> None:
        if self._on_alone is not None and self._room is not None and not self._room.remote_participants:
            self._spawn(self._wait_alone(self._on_alone))

    async def _wait_alone(self, on_alone: Callable[[], None]) -> None:
        await asyncio.sleep(self._options.alone_s)
        if self.connected and not self.room.remote_participants:
            on_alone()

    def _on_utterance(self, samples: Samples, visitor: str, track_sid: str) -> None:
        self._spawn(self._answer(samples, visitor, track_sid))

    async def _answer(self, utterance: Samples, visitor: str, track_sid: str) -> None:
        seconds = len(utterance) / RATE
        self._log({"event": "heard", "seconds": round(seconds, 2), "t": time.monotonic()})
        if self._on_words is not None:
            self._on_words(False, f"[heard {seconds:.1f} s]")
        elif self._options.transcripts:
            heard = Transcript(self.room)
            await heard.heard(f"[heard {seconds:.1f} s]", visitor, track_sid)
        if self._options.respond != "echo":
            return
        await self._set_mode("thinking")
        await asyncio.sleep(THINKING_S)
        self.answers += 1
        self.say_samples(utterance, f"You said this, for {seconds:.1f} seconds.")

    async def _say_when_audible(self, text: str) -> None:
        samples = await asyncio.to_thread(self._speech.render, text)
        if not self._audible.is_set():
            await self._audible.wait()
            await asyncio.sleep(GREETING_PAUSE_S)
        self.say_samples(samples, text)

    async def _talk(self) -> None:
        await self._audible.wait()
        number = 0
        while True:
            if not self.voice.speaking:
                await self.say(SMALL_TALK[number % len(SMALL_TALK)])
                number += 1
            await asyncio.sleep(0.05)

    async def _flood(self, per_second: float, seconds: float, size: int) -> None:
        me = self.room.local_participant
        for number in range(int(per_second * seconds)):
            await me.publish_data(os.urandom(size), reliable=True, topic=f"vendor.unknown.{number % 7}")
            await asyncio.sleep(1 / per_second)

    def _on_spoken(self, _played_s: float, _interrupted: bool) -> None:
        self._spawn(self._spoke())

    async def _spoke(self) -> None:
        if not self.voice.speaking:
            await self._set_mode("listening")

    async def _set_mode(self, mode: str) -> None:
        if self._room is not None:
            await show_state(self._room, self._token, mode)

    async def _publish_state(self, room: rtc.Room, state: str, reason: str | None = None) -> None:
        packet = {"state": state} if reason is None else {"state": state, "reason": reason}
        await room.local_participant.publish_data(json.dumps(packet), reliable=True, topic=STATE_TOPIC)
