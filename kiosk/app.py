"""The composition root: the one place that knows every room. Builds the kiosk, starts it, and stops it in order.

Order of stopping: devices, consumers, streams and room (the controller ends the visit), vendor sessions, late connects,
media thread, HTTP, window, loop. Any other order leaves a task or a native handle behind, and those crash at exit.
"""

from __future__ import annotations

import asyncio
import importlib
import logging
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

os.environ.setdefault("QT_API", "pyside6")  # qasync takes the first Qt that it finds otherwise

import kiosk.ui.plain_imports  # noqa: F401, I001 - first of all: it makes every import below cheaper
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from qasync import QEventLoop

from kiosk import places
from kiosk.clock import SystemClock, local_day
from kiosk.garbage import GarbageRounds
from kiosk.figure_sampler import CONVERSING, FigureSampler, Sources
from kiosk.last_picture import BreathingPicture, LastPictures
from kiosk.link_choice import LinkChoice, LinkParts
from kiosk.links.abandoned import AbandonedConnects
from kiosk.log import log_loop_exception
from kiosk.media.air import Air
from kiosk.media.devices import SoundDevices
from kiosk.media.echo import EchoCanceller
from kiosk.media.frames import VideoSink
from kiosk.media.mailbox import FrameMailbox
from kiosk.media.picture_memory import give_back_picture_memory, keep_picture_memory
from kiosk.media.statistics import AudioStatistics
from kiosk.media.thread import MediaThread
from kiosk.operator_news import OperatorNews
from kiosk.options import RunOptions
from kiosk.painted import pictures
from kiosk.preload import asks_http
from kiosk.provider_choice import ProviderChoice
from kiosk.providers.contract import Misconfigured, Provider
from kiosk.providers.http import HttpClient
from kiosk.providers.local import LocalSettings
from kiosk.providers.own_room import OwnRoom
from kiosk.providers.registry import ProviderContext, load_providers
from kiosk.resources import resources_dir
from kiosk.secrets import OPERATOR_PIN, SecretError
from kiosk.session.budget import spare_refusal
from kiosk.session.controller import Controller
from kiosk.session.ledger import FileLedger
from kiosk.session.limits import Limits
from kiosk.session.money_guard import GuardedProvider, MoneyGuard
from kiosk.session.usage_file import UsageFile
from kiosk.session.view import Words
from kiosk.session.warm_sessions import PrewarmPlan
from kiosk.settings import LOCAL, Settings
from kiosk.settings_check import provider_settings
from kiosk.signals import EndSignals
from kiosk.ui.application import configure_qt, create_application
from kiosk.ui.pin_lock import PinLock
from kiosk.ui.single_instance import SingleInstance
from kiosk.waiting_face import Company, WaitingFace

if TYPE_CHECKING:
    from kiosk.local_persona import LocalPersona
    from kiosk.ui.stage import Stage

log = logging.getLogger("kiosk.app")

SWITCH_INTERVAL_S = 0.0005  # with the default of 5 ms two busy threads starve PortAudio's callback
LATE_CONNECTS_S = 3.0
# What the window is made of, in the order of its imports, in parts of some ten milliseconds.
WINDOW_PARTS = (
    "kiosk.ui.screens.screen",
    "kiosk.ui.screens.attract",
    "kiosk.ui.screens.connecting",
    "kiosk.ui.captions",
    "kiosk.ui.card",
    "kiosk.ui.screens.live",
    "kiosk.ui.screen_set",
    "kiosk.ui.operator_entry",
    "kiosk.ui.window",
    "kiosk.ui.stage",
)
EARLY_WORDS = 64  # captions, suggestions and cards that come before the window
NOTICE_S = 600.0
COMPANY_AFTER_S = 1.0  # the start has the machine for itself until then
PIN_AFTER_S = 3.0  # by then the first face is there and speaks


def has_screen(environ: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Qt ends the process where there is no screen, so this is asked first."""
    named = any(environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))
    return not platform.startswith("linux") or named


def run(settings: Settings, secrets: Mapping[str, str], options: RunOptions, find_pin: Callable[[], str]) -> int:
    """Opens the kiosk and returns its exit code when it was ended. Raises `Misconfigured`, `SettingsError`.

    `find_pin` may take seconds and raise `SecretError`; it is called later and elsewhere, where `secrets` holds no PIN.
    """
    began_s = time.perf_counter()
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    keep_picture_memory()
    if not has_screen(os.environ):
        raise Misconfigured("there is no screen: start the kiosk on a desktop, or set DISPLAY or WAYLAND_DISPLAY")
    alone = SingleInstance(places.data_dir())
    if not alone.acquire():
        raise Misconfigured("another kiosk runs here: end it first, or give this one a data folder of its own")
    configure_qt()
    application = create_application(sys.argv[:1])
    try:
        return asyncio.run(
            _run(settings, secrets, options, find_pin, began_s),
            loop_factory=lambda: QEventLoop(application),
        )
    finally:
        alone.release()


def show_notice(text: str) -> None:
    """Shows the operator a window with these lines. Returns when it was closed, after `NOTICE_S` seconds at the latest:
    a kiosk that is started again and again must not stand still for ever."""
    from kiosk.ui.notice_window import NoticeWindow
    from kiosk.ui.theme import load_theme

    application = QApplication.instance()
    if application is None:
        configure_qt()
        application = create_application(sys.argv[:1])
    window = NoticeWindow(text, load_theme(resources_dir() / "themes", "dark"))
    window.closed.connect(application.quit)
    QTimer.singleShot(round(NOTICE_S * 1000), window.close)
    window.show()
    application.exec()


class PersonaOnDemand:
    """The persona, made when it is first asked for, on whatever thread."""

    def __init__(self, make: Callable[[], LocalPersona]):
        self._make = make
        self._making = threading.Lock()
        self.made: LocalPersona | None = None

    def get(self) -> LocalPersona:
        with self._making:
            if self.made is None:
                self.made = self._make()
            return self.made


async def _run(
    settings: Settings,
    secrets: Mapping[str, str],
    options: RunOptions,
    find_pin: Callable[[], str],
    began_s: float,
) -> int:
    asyncio.get_running_loop().set_exception_handler(log_loop_exception)
    clock = SystemClock()
    pin = _pin_lock(secrets, clock)
    mailbox = FrameMailbox()
    http = HttpClient(secrets=secrets.values())
    context = ProviderContext(http, secrets, OwnRoom(settings.livekit, secrets, http, clock), clock)
    guard = MoneyGuard(
        settings.budget.budget(), UsageFile(places.usage_file()), clock, local_day, settings.session.max_visit_s
    )
    providers = _providers(settings, context, guard)
    media = MediaThread()
    abandoned = AbandonedConnects()
    audio = settings.audio
    echo = EchoCanceller(
        echo_cancellation=audio.echo_cancellation,
        noise_suppression=audio.noise_suppression,
        high_pass=audio.noise_suppression,
        gain_control=audio.gain_control,
    )
    devices = SoundDevices(echo, speaker=audio.speaker, microphone=audio.microphone, volume=audio.volume)
    session = settings.session
    persona = PersonaOnDemand(lambda: _persona(settings, context, devices.playout.latency_s))
    # Only the host is prepared ahead: as a fallback the persona costs nothing until it is needed.
    preparing = media.submit(persona.get().prepare()) if session.provider == LOCAL else None

    air = Air(mailbox, devices.playout, devices.capture)
    links = LinkChoice(
        air,
        lambda channel: LinkParts(
            media,
            channel.video,
            channel.voice,
            channel.microphone,
            abandoned,
            make_face=lambda video: persona.get().face(video),
            visit_persona=lambda emit: persona.get().visit(emit, channel),
            make_stage_persona=lambda *plan: persona.get().on_stage(*plan),
        ),
    )

    ledger = FileLedger(places.ledger_file(), clock)
    controller = Controller(
        providers=providers,
        main=session.provider,
        fallback=session.fallback if session.fallback in providers.names else None,
        new_link=links.make,
        devices=devices,
        ledger=ledger,
        clock=clock,
        limits=Limits(
            idle_s=session.idle_s,
            max_visit_s=session.max_visit_s,
            welcome=session.welcome and not options.auto_start,
            language=session.language,
        ),
        prewarm=PrewarmPlan(session.prewarm, session.prewarm_s, lambda: _spare_refusal(guard)),
    )
    devices.on_change = controller.devices_changed
    stage: Stage | None = None
    sampler = FigureSampler(
        Sources(
            video=lambda: pictures(mailbox, stage),
            audio=lambda: _voice(devices, links),
            microphone=devices.capture.statistics,
            network=links.network,
        ),
        clock,
    )
    news = OperatorNews(controller, guard, ledger, clock, sampler.look)

    def make_stage() -> Stage:
        from kiosk.ui.colour import Colour, Matrix, Range
        from kiosk.ui.geometry import Fit
        from kiosk.ui.operator_entry import OperatorTools
        from kiosk.ui.renderer_choice import RendererSetting
        from kiosk.ui.stage import Look, Stage

        view = settings.view
        look = Look(
            RendererSetting(view.renderer),
            Colour(Matrix(view.matrix), Range(view.range)),
            Fit(view.fit),
            view.theme,
            session.languages,
            view.badge,
            view.text_scale,
            view.animate,
        )
        operator = OperatorTools(controller, news.now, pin, session.language)
        return Stage(mailbox, controller, clock, resources_dir(), look, devices.capture.level_dbfs, operator)

    waiting = _waiting_face(session.waiting, media, air, controller, persona)
    ended = asyncio.Event()
    signals = EndSignals(ended.set)
    signals.install()
    needs_http = asks_http(settings, load_providers()[session.provider])
    warming = asyncio.create_task(http.warm_up() if needs_http else asyncio.sleep(0), name="http warm-up")
    learning: asyncio.Task[None] | None = None
    company: asyncio.Task[None] | None = None
    garbage = GarbageRounds(give_back_picture_memory)
    try:
        await guard.open()
        await controller.start()
        early_words: deque[Words] = deque(maxlen=EARLY_WORDS)
        forget = controller.subscribe_words(early_words.append)
        opened_s = time.perf_counter()
        if options.auto_start:
            controller.touch()
        # A visit that begins by itself is on its way while the window is being built.
        for part in WINDOW_PARTS:
            importlib.import_module(part)
            await asyncio.sleep(0)
        stage = make_stage()
        stage.window.operator_quit.connect(ended.set)
        stage.open(options.windowed, kiosk=options.kiosk)
        forget()
        controller.subscribe(stage.show_situation)
        for words in early_words:
            stage.window.show_words(words)
        controller.subscribe_words(stage.window.show_words)
        controller.subscribe(sampler.show_situation)
        sampler.start()
        learning = asyncio.create_task(_learn_pin(pin, find_pin, stage), name="operator's PIN")
        if preparing is not None:
            await asyncio.wrap_future(preparing)
        controller.subscribe(garbage.show_situation)
        garbage.start()
        log.info("kiosk ready")
        if waiting is not None:
            company = asyncio.create_task(_find_company(waiting, controller, stage), name="waiting face")
        await _until(ended, None if options.for_s is None else opened_s + options.for_s - time.perf_counter())
    finally:
        await garbage.stop()
        await sampler.stop()
        await controller.shutdown()
        if learning is not None:
            learning.cancel()
        await asyncio.gather(warming, *([learning] if learning is not None else []), return_exceptions=True)
        if waiting is not None and company is not None:
            company.cancel()
            await asyncio.gather(company, return_exceptions=True)
            await waiting.aclose()
        await providers.aclose()
        if not await asyncio.wrap_future(media.submit(abandoned.settle(LATE_CONNECTS_S))):
            log.warning("a late connect is still under way at the end")
        if (used := persona.made) is not None:
            await asyncio.wrap_future(media.submit(used.aclose()))
        await asyncio.to_thread(media.stop)
        await http.aclose()
        if stage is not None:
            stage.shut()
        signals.remove()
    from kiosk.report import write_report
    from kiosk.run_report import RunSources, run_report

    sources = RunSources(began_s, session.provider, stage, mailbox, devices, controller, links.lip_sync, sampler.visit)
    report = run_report(sources, expects_picture=options.auto_start)
    if options.report is not None:
        write_report(options.report, report, secrets.values())
    return report.exit


def _voice(devices: SoundDevices, links: LinkChoice) -> AudioStatistics:
    """With what the link alone can tell: how voice and picture stand to each other."""
    statistics, sync = devices.playout.statistics(), links.lip_sync
    if sync is None or not devices.playout.is_open:
        return statistics
    return replace(statistics, av_offset_ms=round(sync.av_offset_s * 1000, 1))


def _spare_refusal(guard: MoneyGuard) -> str:
    standing = guard.standing()
    return spare_refusal(standing.budget, standing.spent)


async def _until(ended: asyncio.Event, for_s: float | None) -> None:
    try:
        await asyncio.wait_for(ended.wait(), for_s)
    except TimeoutError:
        log.info("the time of this run is over")


def _pin_lock(secrets: Mapping[str, str], clock: SystemClock) -> PinLock:
    """Raises `Misconfigured`."""
    try:
        return PinLock(secrets.get(OPERATOR_PIN), clock)
    except ValueError as error:
        raise Misconfigured(f"{OPERATOR_PIN}: {error}; set it anew: kiosk secret set {OPERATOR_PIN}") from None


async def _learn_pin(lock: PinLock, find: Callable[[], str], stage: Stage) -> None:
    """Until then the operator's screen stays shut: the keyring takes its time, and nobody at the desk waits for it."""
    if lock.known:
        return
    await asyncio.sleep(PIN_AFTER_S)
    try:
        lock.learn(await asyncio.to_thread(find))
    except (SecretError, ValueError) as error:
        log.error("the operator's screen stays shut: %s: %s", OPERATOR_PIN, error)
        return
    if (operator := stage.window.operator) is not None:
        operator.refresh()


def _waiting_face(
    who: Literal["persona", "last-picture", "plain"],
    media: MediaThread,
    air: Air,
    controller: Controller,
    persona: PersonaOnDemand,
) -> WaitingFace | None:
    """Follows the controller from now on."""
    if who == "plain":
        return None
    pictures = LastPictures(air, lambda: controller.provider)

    async def prepare() -> None:
        await (await asyncio.to_thread(persona.get)).prepare_face()

    async def company(video: VideoSink) -> Company:
        if pictures.wanted is not None:
            return BreathingPicture(video, pictures.wanted)
        return await persona.get().waiting_face(video)

    waiting = WaitingFace(media, air, prepare, company)
    if who == "last-picture":
        controller.subscribe(pictures.show_situation)
    controller.subscribe(waiting.show_situation)
    return waiting


async def _find_company(waiting: WaitingFace, controller: Controller, stage: Stage) -> None:
    """Nobody is to wait for this, or to be disturbed by it: neither the start, nor a visit that began at once."""
    await asyncio.sleep(COMPANY_AFTER_S)
    quiet = asyncio.Event()
    unsubscribe = controller.subscribe(lambda situation: None if situation.phase in CONVERSING else quiet.set())
    await quiet.wait()
    unsubscribe()
    if await waiting.prepare():
        stage.window.expect_company()
        log.info("company ready")


def _persona(settings: Settings, context: ProviderContext, latency_s: Callable[[], float]) -> LocalPersona:
    """Raises `Misconfigured`."""
    from kiosk.local_persona import build_persona  # a vendor's visitor does not wait for it

    table = provider_settings(settings, load_providers()[LOCAL])
    if not isinstance(table, LocalSettings):
        raise TypeError("the persona's settings are of another kind")
    return build_persona(table, context, settings.call, settings.speech, latency_s)


def _providers(settings: Settings, context: ProviderContext, guard: MoneyGuard) -> ProviderChoice:
    """Raises `Misconfigured` where the provider of the settings, or its fallback, cannot be made."""

    def guarded(provider: Provider) -> Provider:
        return provider if provider.name == LOCAL else GuardedProvider(provider, guard)

    choice = ProviderChoice(settings, load_providers(), context, guarded)
    for name in {settings.session.provider, settings.session.fallback} & {*choice.names}:
        choice.get(name)
    return choice
