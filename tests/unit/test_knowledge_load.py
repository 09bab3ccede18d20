"""Knowledge files: the example is whole, and a mistake names its line and leaves the rest in use."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kiosk.dialogue.knowledge import Does, Knowledge
from kiosk.dialogue.knowledge_load import Loaded, example_folder, load_knowledge
from kiosk.dialogue.knowledge_watch import KnowledgeWatcher

GOOD = '[[entry]]\nid = "hours"\nquestions = ["When are you open?"]\nanswer = "From eight to six."\n'
OTHER = '[[entry]]\nid = "lift"\nquestions = ["Where is the lift?"]\nanswer = "Behind me."\n'
PICTURE = example_folder() / "pictures" / "floor-plan.png"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "en").mkdir()
    return tmp_path


def load(folder: Path, text: str | bytes) -> Loaded:
    data = text.encode() if isinstance(text, str) else text
    (folder / "en" / "desk.toml").write_bytes(data)
    return load_knowledge(folder)


def ids(loaded: Loaded) -> list[str]:
    return [entry.id for entry in loaded.knowledge.for_language("en").entries]


def only_problem(loaded: Loaded) -> str:
    assert len(loaded.problems) == 1, [str(problem) for problem in loaded.problems]
    return str(loaded.problems[0])


def test_the_example_is_whole_in_both_languages() -> None:
    loaded = load_knowledge(example_folder())
    assert loaded.problems == ()
    english, german = (loaded.knowledge.for_language(code) for code in ("en", "de"))
    assert {entry.id for entry in english.entries} == {entry.id for entry in german.entries}
    assert len(english.entries) >= 25
    for known in (english, german):
        assert 4 <= sum(entry.suggest for entry in known.entries) <= 10
        assert sum(entry.does is Does.CALL_PERSON for entry in known.entries) >= 3
        assert any(entry.card and entry.card.picture == PICTURE for entry in known.entries)
        assert any(entry.card and entry.card.qr for entry in known.entries)
        assert all(len(entry.ways) >= 5 for entry in known.entries)


def test_a_language_is_found_by_its_parent_and_else_in_english() -> None:
    knowledge = load_knowledge(example_folder()).knowledge
    assert knowledge.for_language("de-AT").language == "de"
    assert knowledge.for_language("fr").language == "en"
    with pytest.raises(KeyError):
        Knowledge().for_language("en")


def test_one_answer_or_several_and_a_card(folder: Path) -> None:
    loaded = load(
        folder, GOOD + 'card = { title = "Hours", text = "8-18", link = "https://example.org/x", qr = "q" }\n'
    )
    (entry,) = loaded.knowledge.for_language("en").entries
    assert entry.answer == ("From eight to six.",)
    assert entry.card is not None
    assert entry.card.link == "https://example.org/x"


@pytest.mark.parametrize(
    ("bad", "line", "words"),
    [
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = "b\n', 8, "is no TOML"),
        ('[[entry]]\nid = "x"\nquestions = []\nanswer = "b"\n', 7, "questions: is empty"),
        ('[[entry]]\nid = "x"\nquestions = ["ok?", " "]\nanswer = "b"\n', 7, "questions[2]: is empty"),
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = ""\n', 8, "answer[1]: is empty"),
        ('[[entry]]\nid = "x"\nanswer = "b"\n', 5, "questions: is missing"),
        ('[[entry]]\nid = ""\nquestions = ["A?"]\nanswer = "b"\n', 6, "entry ?: id:"),
        ("[[entry]]\n", 5, "is missing"),
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswers = "b"\nanswer = "b"\n', 8, "did you mean answer?"),
        ('[[entry]]\nid = "x"\nquestions = "A?"\nanswer = "b"\n', 7, "questions: input should be a valid tuple"),
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = 5\n', 8, "answer"),
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = "b"\ntone = "angry"\n', 9, "tone: "),
        ('[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = "b"\ncard = { titel = "t" }\n', 9, "did you mean title?"),
        (
            '[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = "b"\ncard = { title = "t", link = "javascript:x" }\n',
            9,
            "card.link",
        ),
        (f'[[entry]]\nid = "x"\nquestions = ["{"a" * 201}"]\nanswer = "b"\n', 7, "at most 200"),
        (f'[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = "{"a" * 1501}"\n', 8, "at most 1500"),
        (f'[[entry]]\nid = "x"\nquestions = ["A?"]\nanswer = {"[" * 5000}\n', 5, "TOML|nested"),
        (GOOD, 5, "stands already at desk.toml:1"),
        (GOOD.replace('"hours"', '"x"'), 5, "stands already in entry hours"),
        ('[[entry]]\nid = "x"\nquestions = ["?!", "…"]\nanswer = "b"\n', 5, "has no word in it"),
    ],
)
def test_a_mistake_names_its_line_and_leaves_the_others_in_use(folder: Path, bad: str, line: int, words: str) -> None:
    loaded = load(folder, GOOD + bad + OTHER)
    assert ids(loaded) == ["hours", "lift"]
    said = [str(problem) for problem in loaded.problems]
    assert said
    assert f"desk.toml:{line}: " in said[0]
    assert any(word in " ".join(said) for word in words.split("|")), said


def test_what_stands_before_the_first_entry_is_no_knowledge(folder: Path) -> None:
    loaded = load(folder, "# a comment is welcome\nname = 1\n" + GOOD)
    assert "desk.toml:2: name: does not belong here" in only_problem(loaded)
    assert ids(loaded) == ["hours"]


def test_a_file_without_entries_says_so(folder: Path) -> None:
    assert "has no [[entry]]" in str(load(folder, "# nothing yet\n").problems[0])


def test_a_file_in_another_encoding_names_the_line(folder: Path) -> None:
    (folder / "en" / "other.toml").write_text(OTHER)
    loaded = load(folder, (GOOD + "# gr\u00fc\u00dfe\n").encode("latin-1"))
    assert "desk.toml:5: is no text in UTF-8 here" in only_problem(loaded)
    assert ids(loaded) == ["lift"]
    assert ids(load(folder, b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())) == ["hours", "lift"]


def test_a_file_of_ten_megabytes_is_refused_unread(folder: Path) -> None:
    (folder / "en" / "other.toml").write_text(OTHER)
    loaded = load(folder, GOOD + "#" * 10_000_000)
    assert "has 10.0 MB, at most 1 MB; split the file" in only_problem(loaded)
    assert ids(loaded) == ["lift"]


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("nowhere.png", "is not there"),
        ("/etc/hostname", "lies outside"),
        ("../../../x.png", "lies outside"),
        ("desk.toml", "is none of"),
        ("a\\u0000b.png", ""),
        ("../pictures/huge.png", "is larger than"),
        ("../pictures", "is none of"),
        ("folder.png", "is not there"),
    ],
)
def test_a_picture_that_cannot_be_shown_leaves_the_answer(folder: Path, picture: str, words: str) -> None:
    (folder / "pictures").mkdir()
    (folder / "en" / "folder.png").mkdir()
    with (folder / "pictures" / "huge.png").open("wb") as huge:
        huge.truncate(11 << 20)
    loaded = load(folder, GOOD + f'card = {{ title = "t", picture = "{picture}" }}\n')
    said = only_problem(loaded)
    assert "desk.toml:5: entry hours: card.picture" in said
    assert words in said
    (entry,) = loaded.knowledge.for_language("en").entries
    assert entry.card is not None
    assert entry.card.picture is None


def test_a_duplicate_in_another_file_is_found(folder: Path) -> None:
    (folder / "en" / "a.toml").write_text(GOOD)
    assert "stands already at a.toml:1" in str(load(folder, GOOD + OTHER).problems[0])


def test_phrases_come_from_the_example_where_the_operator_has_none(folder: Path) -> None:
    (folder / "en" / "phrases.toml").write_text('not_sure = ["Hm."]\nidle = [""]\nnosuch = ["x"]\n')
    loaded = load(folder, GOOD)
    phrases = loaded.knowledge.for_language("en").phrases
    assert phrases.not_sure == ("Hm.",)
    assert phrases.goodbye
    said = [str(problem) for problem in loaded.problems]
    assert any("phrases.toml:2: idle[1]: is empty" in text for text in said)
    assert any("phrases.toml:3: nosuch: is an unknown key" in text for text in said)


def test_a_folder_that_is_not_there_is_a_problem_and_no_exception(tmp_path: Path) -> None:
    loaded = load_knowledge(tmp_path / "nowhere")
    assert "cannot be read" in only_problem(loaded)
    assert "has no folder of a language" in only_problem(load_knowledge(tmp_path))


@settings(max_examples=60)
@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(str.encode)))
def test_no_bytes_raise(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    folder = tmp_path_factory.mktemp("knowledge")
    (folder / "en").mkdir()
    load(folder, GOOD.encode() + data)
    load(folder, b"[[entry]]\n" + data)


async def test_a_saved_file_is_taken_over_and_a_broken_one_is_not(
    folder: Path, expected_log: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    expected_log("^WARNING kiosk.knowledge: the knowledge was saved with a mistake")
    taken: list[Knowledge] = []
    loaded = load(folder, GOOD)
    watcher = KnowledgeWatcher(folder, loaded, taken.append, poll_s=0.01)
    task = asyncio.create_task(watcher.run())

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(10):
            while not condition():  # noqa: ASYNC110  (a file has no event)
                await asyncio.sleep(0.005)

    async def save(text: str) -> None:
        await asyncio.sleep(0.05)  # the watcher has seen what was there
        (folder / "en" / "desk.toml").write_text(text)

    await save(GOOD + OTHER)
    await until(lambda: len(taken) == 1)
    assert [entry.id for entry in taken[0].for_language("en").entries] == ["hours", "lift"]
    await save(GOOD + OTHER + "[[entry]]\nid = oops\n")
    await until(lambda: "saved with a mistake" in caplog.text)
    await save(GOOD + OTHER + OTHER.replace("lift", "stairs"))
    await until(lambda: len(taken) == 2)
    (folder / "en" / "desk.toml").unlink()
    await until(lambda: caplog.text.count("saved with a mistake") == 2)
    assert len(taken) == 2
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task
