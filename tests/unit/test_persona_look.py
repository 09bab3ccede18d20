"""Personas as files: the ones that come along, and what is said about a broken one."""

from __future__ import annotations

from pathlib import Path

import pytest

from kiosk.persona.look import Look, LookError, list_looks, load_look
from kiosk.resources import resources_dir

FOLDER = resources_dir() / "personas"


def refused(path: Path, text: str | bytes) -> LookError:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    with pytest.raises(LookError) as caught:
        load_look(path)
    assert str(path) in str(caught.value)
    assert "\n" not in caught.value.operator_line
    return caught.value


def test_three_people_and_a_robot_come_along() -> None:
    looks = [load_look(path) for path in list_looks(FOLDER).values()]
    kinds = [look.kind for look in looks]
    assert kinds.count("person") >= 3
    assert kinds.count("robot") >= 1
    assert len({look.name for look in looks}) == len(looks)
    assert len({look.colours.skin for look in looks}) == len(looks)
    assert all({"en", "de"} <= set(look.voice.names) for look in looks)


def test_a_folder_lists_its_personas_by_name(tmp_path: Path) -> None:
    for name in ("zoe.toml", "abe.toml", "notes.txt"):
        (tmp_path / name).write_text("")
    assert list(list_looks(tmp_path)) == ["abe", "zoe"]
    assert list_looks(tmp_path / "none") == {}


def test_what_is_left_out_has_a_default(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text('\ufeffname = "X"\n', encoding="utf-8")
    assert load_look(path) == Look(name="X")


@pytest.mark.parametrize(
    ("text", "line", "key", "said"),
    [
        ('name = "A"\n\n[hair]\nstyel = "bob"\n', 4, "hair.styel", 'did you mean "style"?'),
        ('[hair]\nstyle = "mohawk"\n', 2, "hair.style", "'long'"),
        ('[colours]\nskin = "beige"\n', 2, "colours.skin", "#e9b896"),
        ("[face]\nwidth = 3\n", 2, "face.width", "1.2"),
        ("[face]\nlashes = nan\n", 2, "face.lashes", "finite"),
        ('[manner]\n\nsmile = "broad"\n', 3, "manner.smile", "number"),
        ("[voice]\nspeed = 5\n", 2, "voice.speed", "80"),
        ("[voice.names]\nen = 7\n", 2, "voice.names.en", "string"),
        ("hair = 3\n", 1, "hair", "valid"),
        ('nmae = "A"\n', 1, "nmae", 'did you mean "name"?'),
        ('name = ""\n', 1, "name", "at least 1"),
    ],
)
def test_an_error_names_file_line_and_key(tmp_path: Path, text: str, line: int, key: str, said: str) -> None:
    path = tmp_path / "x.toml"
    first = refused(path, text).operator_line
    assert first.startswith(f"{path}:{line}: {key}: ")
    assert said in first


def test_every_problem_is_told(tmp_path: Path) -> None:
    error = refused(tmp_path / "x.toml", '[colours]\nskin = "a"\nhair = "b"\n')
    assert [problem.key for problem in error.problems] == ["colours.skin", "colours.hair"]
    assert "1 more" in error.operator_line


def test_what_is_no_persona_file_is_refused(tmp_path: Path) -> None:
    assert "line 1" in str(refused(tmp_path / "a.toml", "name = \n"))
    assert ":2: is not UTF-8" in str(refused(tmp_path / "b.toml", b'name = "A"\n# \xff\n'))
    assert "larger" in str(refused(tmp_path / "c.toml", "#" * 70_000))
    assert "TOML" in str(refused(tmp_path / "d.toml", "a = " + "[" * 3000))
    with pytest.raises(LookError, match="cannot be read"):
        load_look(tmp_path / "none.toml")
    with pytest.raises(LookError, match="cannot be read"):
        load_look(tmp_path)
