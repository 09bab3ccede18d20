"""Puts the kiosk's own persona together: what is built once and serves every visit."""

from __future__ import annotations

import asyncio
import logging
import secrets as random_bits
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from kiosk import places
from kiosk.dialogue.call_person import CallPerson
from kiosk.dialogue.call_settings import CallSettings
from kiosk.dialogue.contract import Dialogue
from kiosk.dialogue.knowing import KnowingDialogue
from kiosk.dialogue.knowledge import Knowledge
from kiosk.dialogue.knowledge_load import example_folder, load_knowledge
from kiosk.dialogue.knowledge_watch import KnowledgeWatcher
from kiosk.dialogue.local import LocalDialogue
from kiosk.links.contract import Face, LinkEvent
from kiosk.media.air import Channel
from kiosk.media.frames import VideoSink, VoiceSink
from kiosk.persona.behaviour import Behaviour, Temper
from kiosk.persona.ears import Ears, EarsError
from kiosk.persona.ears_by_language import EarsByLanguage
from kiosk.persona.ears_offline import ENGLISH, OfflineEars
from kiosk.persona.espeak import VOICES, EspeakVoice
from kiosk.persona.espeak_voices import VoiceChoice
from kiosk.persona.heard_face import HeardFace, SilentFace
from kiosk.persona.look import Look, LookError, list_looks, load_look
from kiosk.persona.painter import FacePainter
from kiosk.persona.performer import Performer
from kiosk.persona.piper import PiperVoice
from kiosk.persona.speech_endpoint import SECRET as SPEECH_KEY
from kiosk.persona.speech_endpoint import SpeechEndpointVoice
from kiosk.persona.speech_settings import SpeechEndpointSettings
from kiosk.persona.visit import LocalVisit
from kiosk.persona.voice import Voice
from kiosk.providers.contract import Misconfigured, StagePersona
from kiosk.providers.http import HttpClient
from kiosk.providers.local import CALL_TOKEN, LocalSettings
from kiosk.providers.registry import ProviderContext
from kiosk.resources import resources_dir

log = logging.getLogger("kiosk.persona")

GREETING_FIRST_S = 1.0  # the ears' model takes a third of a second of one core, which the first face needs more

WAITING_FPS = 20  # nobody speaks, and the machine has a session to begin


def find_look(persona: str, folder: Path) -> Look:
    """`persona`: a name in `folder`, or the path of a file. Raises `Misconfigured`."""
    known = list_looks(folder)
    path = known.get(persona) or Path(persona).expanduser()
    if persona not in known and not path.is_file():
        raise Misconfigured(f'[providers.local] persona: "{persona}" is unknown; choose one of: {", ".join(known)}')
    try:
        return load_look(path)
    except LookError as error:
        raise Misconfigured(error.operator_line) from None


def voices_of(look: Look) -> dict[str, VoiceChoice]:
    """espeak-ng's voices by language, as the persona's file asks for them."""
    hints = look.voice
    asked = {
        language: VoiceChoice(name, words_per_minute=hints.speed, pitch=hints.pitch)
        for language, name in hints.names.items()
    }
    return {**VOICES, **asked}


class LocalPersona:
    """`visit` for each visit, `face` for each voice without one, on the media loop; `aclose` at the end, there too."""

    def __init__(
        self,
        settings: LocalSettings,
        look: Look,
        voice: Voice,
        ears: Ears | None,
        context: ProviderContext,
        http: HttpClient,
        calls: CallSettings,
        latency_s: Callable[[], float],
    ):
        """`http` is used on the media loop alone, and closed here. `latency_s`: from handing voice over until it is
        heard."""
        self._settings = settings
        self._http = http
        self._calls = calls
        self._look = look
        self._voice = voice
        self._ears = ears
        self._context = context
        self._latency_s = latency_s
        self._painter: FacePainter | None = None
        self._painting = asyncio.Lock()
        self._dialogue: Dialogue | None = None
        self._waking = asyncio.Lock()
        self._teaching = asyncio.Lock()  # the knowledge saved last is also learnt last
        self._tasks: set[asyncio.Task[None]] = set()  # those that have not ended
        self._waiting: Behaviour | None = None  # of the face that waits with the visitor

    async def prepare(self) -> tuple[FacePainter, Dialogue]:
        """Draws the layers that stay, reads the knowledge and wakes the voice; once, however often it is called."""
        return await asyncio.gather(self._paint(), self._wake())

    async def visit(self, emit: Callable[[LinkEvent], None], channel: Channel) -> LocalVisit:
        """A persona that is only the fallback is prepared here, when it is needed."""
        painter, dialogue = await self.prepare()
        bearing = self._take_over()

        def perform(**listeners: Any) -> Performer:
            return Performer(painter, bearing, channel.video, channel.voice, latency_s=self._latency_s, **listeners)

        return LocalVisit(
            perform,
            self._voice,
            dialogue,
            self._ears,
            channel.microphone,
            emit,
            is_heard=lambda: self._latency_s() > 0,
        )

    async def face(self, video: VideoSink) -> Face:
        """The same face for a voice that somebody else plays: nothing but the face is prepared for it."""
        painter = await self._paint()
        return HeardFace(Performer(painter, self._take_over(), video, None, latency_s=self._latency_s))

    async def prepare_face(self) -> None:
        """What `waiting_face` needs."""
        await self._paint()

    async def waiting_face(self, video: VideoSink) -> SilentFace:
        """Who waits with the visitor for another avatar. Should the persona come itself, it carries on from there."""
        painter = await self._paint()
        self._waiting = self._bearing()
        return SilentFace(Performer(painter, self._waiting, video, None, latency_s=lambda: 0.0, fps=WAITING_FPS))

    async def on_stage(
        self, plan: StagePersona, video: VideoSink, voice: VoiceSink, emit: Callable[[LinkEvent], None]
    ) -> LocalVisit:
        """The persona for somebody else's stage: there it greets, and answers what is typed here."""
        painter, dialogue = await asyncio.gather(
            asyncio.to_thread(FacePainter, self._look, plan.width, plan.height), self._wake()
        )
        bearing = self._bearing()

        def perform(**listeners: Any) -> Performer:
            return Performer(painter, bearing, video, voice, latency_s=voice.latency_s, fps=plan.fps, **listeners)

        return LocalVisit(perform, self._voice, dialogue, None, None, emit)

    async def aclose(self) -> None:
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._ears is not None:
            await self._ears.aclose()
        await self._voice.aclose()
        await self._http.aclose()

    async def _learn(self, knowledge: Knowledge, after_s: float = 0.0) -> None:
        """The ears expect what the knowledge can answer."""
        if self._ears is None:
            return
        sentences = {
            language: [way for entry in known.entries for way in entry.ways]
            for language, known in knowledge.languages.items()
        }
        try:
            async with self._teaching:
                await asyncio.sleep(after_s)
                await self._ears.learn(sentences)
        except EarsError as error:
            log.error("the persona hears nothing: %s", error)

    def _take_over(self) -> Behaviour:
        waiting, self._waiting = self._waiting, None
        return waiting or self._bearing()

    def _bearing(self) -> Behaviour:
        manner = self._look.manner
        return Behaviour(random_bits.randbits(32), Temper(manner.smile, manner.energy))

    async def _paint(self) -> FacePainter:
        async with self._painting:
            if self._painter is None:
                settings = self._settings
                self._painter = await asyncio.to_thread(FacePainter, self._look, settings.width, settings.height)
            return self._painter

    async def _wake(self) -> Dialogue:
        """What a visit needs beside the face."""
        async with self._waking:
            if self._dialogue is None:
                if isinstance(self._voice, EspeakVoice | PiperVoice):
                    self._voice.prewarm()
                self._dialogue = await self._know()
            return self._dialogue

    async def _know(self) -> Dialogue:
        folder = self._settings.knowledge or example_folder()
        loaded = await asyncio.to_thread(load_knowledge, folder)
        for problem in loaded.problems:
            log.warning("knowledge: %s", problem)
        if not loaded.knowledge.languages:
            log.error("there is no knowledge in %s; the example is used", folder)
            folder = example_folder()
            loaded = await asyncio.to_thread(load_knowledge, folder)
        clock = self._context.clock
        calls = CallPerson(
            self._calls,
            self._http,
            clock,
            places.data_dir() / "calls.json",
            token=self._context.secrets.get(CALL_TOKEN, ""),
        )
        answers = LocalDialogue(loaded.knowledge, clock, can_call=calls.possible)

        def take_over(knowledge: Knowledge) -> None:
            answers.replace(knowledge)
            self._own(asyncio.to_thread(answers.index), "knowledge index")
            self._own(self._learn(knowledge), "ears learn")

        self._own(KnowledgeWatcher(folder, loaded, take_over).run(), "knowledge watcher")
        self._own(_index(answers, GREETING_FIRST_S), "knowledge index")
        self._own(self._learn(loaded.knowledge, GREETING_FIRST_S), "ears learn")
        if calls.possible:
            self._own(calls.run(), "calls")
        return KnowingDialogue(answers, calls)

    def _own(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Carries on with `work` until it ends or the persona does."""

        def ended(task: asyncio.Task[None]) -> None:
            self._tasks.discard(task)
            if not task.cancelled() and (error := task.exception()) is not None:
                log.error("%s failed: %s", name, type(error).__name__, exc_info=error)

        task = asyncio.get_running_loop().create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(ended)


async def _index(answers: LocalDialogue, after_s: float) -> None:
    await asyncio.sleep(after_s)
    await asyncio.to_thread(answers.index)


def build_persona(
    settings: LocalSettings,
    context: ProviderContext,
    calls: CallSettings,
    speech: SpeechEndpointSettings | None,
    latency_s: Callable[[], float],
) -> LocalPersona:
    """Raises `Misconfigured`."""
    http = HttpClient(secrets=context.secrets.values())
    look = find_look(settings.persona, resources_dir() / "personas")
    voice = make_voice(settings, look, speech, context, http)
    return LocalPersona(
        settings,
        look,
        voice,
        make_ears(settings),
        context,
        http,
        calls,
        latency_s,
    )


def make_voice(
    settings: LocalSettings,
    look: Look,
    speech: SpeechEndpointSettings | None,
    context: ProviderContext,
    http: HttpClient,
) -> Voice:
    """Raises `Misconfigured`."""
    if settings.voice == "piper":
        if settings.piper_model is None:
            raise Misconfigured("[providers.local] piper_model: name the voice file that Piper is to speak with")
        return PiperVoice(dict.fromkeys(look.voice.names or ("en",), settings.piper_model))
    if settings.voice == "endpoint":
        if speech is None:
            raise Misconfigured("[speech] base_url: name the API that is to speak")
        return SpeechEndpointVoice(speech, http, context.secrets.get(SPEECH_KEY, ""))
    return EspeakVoice(voices_of(look))


def make_ears(settings: LocalSettings) -> Ears | None:
    if not settings.ears:
        return None
    models = {ENGLISH: None, **settings.ears_models}
    return EarsByLanguage(OfflineEars(language, model) for language, model in models.items())
