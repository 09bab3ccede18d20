"""The listening process and its kiosk's end, with the real recogniser where it matters."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from kiosk.dialogue.knowledge_finder import Finder, Found
from kiosk.dialogue.knowledge_load import example_folder, load_knowledge
from kiosk.dialogue.local import SURE
from kiosk.persona.ears import EarsError, Final, Heard, SpeechStarted, Unclear
from kiosk.persona.ears_engine import EarsEngine, ears_command
from kiosk.persona.ears_moonshine import PACKAGE, moonshine_model
from kiosk.persona.ears_offline import OfflineEars, voice_detector
from kiosk.persona.ears_process import serve
from kiosk.persona.ears_sphinx import with_room_noise
from tests.benchmarks.ears_accuracy import frames, speak

SECOND = 32_000  # bytes of s16le mono at 16 kHz
KNOWN = load_knowledge(example_folder()).knowledge.for_language("en")
SENTENCES = [way for entry in KNOWN.entries for way in entry.ways]


@pytest.fixture
def engine() -> Iterator[EarsEngine]:
    engine = EarsEngine(ears_command())
    yield engine
    engine.close()


def without_dictation(folder: Path) -> list[str]:
    """As where the extra is not installed, or is of a version that carries no model."""
    (folder / PACKAGE).mkdir()
    (folder / PACKAGE / "__init__.py").touch()
    return ["env", f"PYTHONPATH={folder}", *ears_command()]


@pytest.fixture(params=[True, False], ids=["dictation", "questions alone"])
async def ears(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[OfflineEars]:
    ears = OfflineEars(engine=EarsEngine(ears_command() if request.param else without_dictation(tmp_path)))
    await ears.learn({"en": SENTENCES})
    yield ears
    await ears.aclose()


async def heard(ears: OfflineEars, *texts: str, voice: str = "en-us+f3") -> list[Heard]:
    sound = np.concatenate([speak(text, voice) for text in texts])
    return [event async for event in ears.listen(frames(sound), "en")]


async def test_a_spoken_question_finds_its_answer(ears: OfflineEars) -> None:
    events = await heard(ears, "where is the wheelchair ramp", "do you speak another language")
    assert [type(event) for event in events].count(SpeechStarted) == 2
    finals = [event for event in events if isinstance(event, Final)]
    assert finals
    finder = Finder(KNOWN)
    found = [result.entry.id for event in finals if isinstance(result := finder.find(event.text), Found)]
    assert set(found) & {"step-free", "languages"}
    assert all(0 <= event.confidence <= 1 for event in finals)


@pytest.mark.parametrize("voice", ["en-us", "en-us+f3", "en-gb", "en-gb-x-rp+f2"])
async def test_a_question_from_the_screen_is_taken_word_for_word(ears: OfflineEars, voice: str) -> None:
    (final,) = [event for event in await heard(ears, "How do I find my room?", voice=voice) if isinstance(event, Final)]
    assert final.text == "how do i find my room"
    assert final.confidence >= SURE, "so it is answered at once"


async def test_words_of_ones_own_are_taken_down() -> None:
    """None of them stands in the knowledge."""
    ears = OfflineEars()
    await ears.learn({"en": ["where is the lift"]})
    (final,) = [event for event in await heard(ears, "What is the weather like?") if isinstance(event, Final)]
    assert final.text.lower().strip("?. ") == "what is the weather like"
    assert SURE <= final.confidence < 1
    await ears.aclose()


def test_without_its_model_there_is_no_dictation(tmp_path: Path) -> None:
    model = moonshine_model()
    assert model is not None, "the package of this checkout carries it"
    engine = EarsEngine(without_dictation(tmp_path))
    engine.learn(["where is the lift"])
    sound = (speak("What is the weather like?", "en-us+f3")[::3] * 32_000).astype("<i2")
    assert "weather" not in engine.recognise(sound.tobytes()).text.lower()
    engine.close()


async def test_a_process_that_dies_costs_one_sentence(expected_log: Callable[[str], None]) -> None:
    expected_log("what was said was not understood: the listening process died")
    engine = EarsEngine(ears_command())
    ears = OfflineEars(engine=engine)
    await ears.learn({"en": SENTENCES})
    process = engine._process
    assert process is not None
    process.kill()
    process.wait(5)
    events = await heard(ears, "How do I find my room?", "How do I find my room?", voice="en-us")
    said = [event for event in events if not isinstance(event, SpeechStarted)]
    assert [type(event) for event in said] == [Unclear, Final]
    await ears.aclose()


async def test_a_process_that_always_dies_ends_the_hearing(expected_log: Callable[[str], None]) -> None:
    expected_log("what was said was not understood: the listening process died")
    program = "import sys; sys.stdin.readline(); print('{\"ready\": 1}', flush=True); sys.stdin.readline()"
    ears = OfflineEars(engine=EarsEngine([sys.executable, "-c", program]))
    await ears.learn({"en": SENTENCES})
    with pytest.raises(EarsError, match="died"):
        await heard(ears, "How do I find my room?", "How do I find my room?")
    await ears.aclose()


async def test_silence_and_noise_are_no_speech(ears: OfflineEars) -> None:
    rng = np.random.default_rng(1)
    sound = np.concatenate([np.zeros(48_000), rng.standard_normal(48_000) * 0.001]).astype(np.float32)
    assert [event async for event in ears.listen(frames(sound), "en")] == []


async def test_leaving_in_the_middle_leaves_nothing_behind(ears: OfflineEars) -> None:
    listening = ears.listen(frames(speak("where are the toilets", "en-us")), "en")
    assert isinstance(await anext(listening), SpeechStarted)
    await listening.aclose()  # type: ignore[attr-defined]
    assert await heard(ears, "where are the toilets"), "and the ears hear on"


async def test_english_alone_is_heard() -> None:
    ears = OfflineEars()
    assert ears.hears("en-GB")
    assert not ears.hears("de")
    await ears.aclose()
    with pytest.raises(EarsError, match="closed"):
        await ears.learn({"en": ["hello"]})


async def test_another_recogniser_takes_the_place_of_ours() -> None:
    program = """
import json, sys
json.loads(sys.stdin.buffer.readline())["sentences"]
print('{"ready": 1}', flush=True)
for line in sys.stdin.buffer:
    pcm = sys.stdin.buffer.read(json.loads(line)["bytes"])
    print(json.dumps({"text": f"{len(pcm) // 32000} s", "confidence": 0.9}), flush=True)
"""
    ears = OfflineEars("de", engine=EarsEngine([sys.executable, "-c", program]))
    assert ears.hears("de-AT")
    assert not ears.hears("en")
    await ears.learn({"de": ["wo ist der Aufzug"]})
    assert Final("2 s", 0.9) in await heard(ears, "where is the meeting room please")
    await ears.aclose()


def test_a_dead_process_is_an_error_once_and_then_comes_back(engine: EarsEngine) -> None:
    engine.learn(["where is the lift"])
    process = engine._process
    assert process is not None
    process.kill()
    process.wait(5)
    with pytest.raises(EarsError, match="died"):
        engine.recognise(bytes(SECOND))
    assert 0 <= engine.recognise(bytes(SECOND)).confidence <= 1


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("raise SystemExit(3)", "ended at its start"),
        ("print('hello', flush=True); input()", "ended at its start"),
        ("print('{\"ready\": 99}', flush=True); input()", "another version"),
        ('print(\'{"error": "no model"}\', flush=True)', "no model"),
    ],
)
def test_a_process_that_is_none_of_ours(program: str, words: str) -> None:
    engine = EarsEngine([sys.executable, "-c", program])
    with pytest.raises(EarsError, match=words):
        engine.learn(["hello"])
    engine.close()


def test_a_program_that_is_not_there() -> None:
    engine = EarsEngine(["/nonexistent/kiosk"])
    with pytest.raises(EarsError, match="does not start"):
        engine.learn(["hello"])
    engine.close()


def test_a_process_that_hangs_is_ended() -> None:
    program = "import sys; sys.stdin.readline(); print('{\"ready\": 1}', flush=True); sys.stdin.read()"
    engine = EarsEngine([sys.executable, "-c", program], answer_s=0.2)
    engine.learn(["hello"])
    with pytest.raises(EarsError, match="died"):
        engine.recognise(bytes(SECOND))
    engine.close()


@pytest.mark.parametrize("start", [b"", b"no json\n", b"{}\n", b"[]\n", b'{"sentences": 5}\n'])
def test_a_start_that_makes_no_sense_is_answered_with_an_error(start: bytes) -> None:
    answers = io.BytesIO()
    assert serve(io.BytesIO(start), answers) == 1
    assert "error" in json.loads(answers.getvalue())


def test_sounds_of_any_length_are_taken() -> None:
    answers = io.BytesIO()
    sounds = [b"", b"\x01\x00", bytes(SECOND), np.full(SECOND, 32_767, "<i2").tobytes()]
    asked = b"".join(json.dumps({"bytes": len(sound)}).encode() + b"\n" + sound for sound in sounds)
    assert serve(io.BytesIO(b'{"sentences": ["hello there", "where is the lift"]}\n' + asked), answers) == 0
    ready, *replies = (json.loads(line) for line in answers.getvalue().splitlines())
    assert ready["ready"] == 1
    assert [reply["text"] for reply in replies[:2]] == ["", ""]
    assert len(replies) == len(sounds)
    assert all(0 <= reply["confidence"] <= 1 for reply in replies)


def test_an_impossible_length_ends_the_process() -> None:
    answers = io.BytesIO()
    assert serve(io.BytesIO(b'{"sentences": ["hello"]}\n{"bytes": 99999999999}\n'), answers) == 1


def test_what_is_quiet_is_no_voice() -> None:
    is_voice = voice_detector()
    sound = speak("where are the toilets", "en-us")[24_000:72_000]

    def share(level: float) -> float:
        pcm = (sound * 32_000 * level).astype("<i2").tobytes()
        return sum(is_voice(pcm[at : at + 960]) for at in range(0, len(pcm) - 959, 960)) / 100

    assert share(1.0) > 0.5
    assert share(0.001) == 0


def test_room_noise_is_far_below_the_speech() -> None:
    assert with_room_noise(bytes(6)) == bytes(6)
    tone = np.round(np.sin(np.arange(16_000) / 8) * 10_000).astype("<i2")
    added = np.frombuffer(with_room_noise(tone.tobytes()), "<i2").astype(np.float32) - tone
    assert -29 < 20 * np.log10(np.std(added) / np.std(tone)) < -27
