"""A persona as data: what it looks like and how it carries itself, read from a TOML file that an operator may copy."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from kiosk.settings_error import Problem
from kiosk.toml_text import KeyPath, key_lines

_LARGEST_FILE = 64 * 1024  # bytes; a persona is a page of text

Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9a-fA-F]{6}$")]
Amount = Annotated[float, Field(ge=0.0, le=1.0)]
Proportion = Annotated[float, Field(ge=0.8, le=1.2)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Colours(_Table):
    skin: Colour = "#e9b896"
    hair: Colour = "#4a2f26"
    eyes: Colour = "#5f7d5a"
    lips: Colour = "#c2675f"
    clothes: Colour = "#2f5560"
    shirt: Colour = "#f6f0e6"
    accent: Colour = "#e0a458"  # badge, tie, ear-rings; the glow of a robot
    background: Colour = "#d8c3a5"
    background_dark: Colour = "#5c6b73"


class Hair(_Table):
    style: Literal["long", "bob", "bun", "short", "cropped", "curls", "none"] = "long"
    highlight: Amount = 0.5


class Face(_Table):
    """Proportions: 1.0 is the drawing's own."""

    width: Proportion = 1.0
    jaw: Proportion = 1.0
    eyes: Proportion = 1.0
    nose: Proportion = 1.0
    lips: Proportion = 1.0
    brows: Annotated[float, Field(ge=0.5, le=1.6)] = 1.0
    lashes: Amount = 0.7
    blush: Amount = 0.5
    age: Amount = 0.0
    beard: Literal["none", "stubble", "short", "full"] = "none"
    glasses: Literal["none", "round", "square"] = "none"
    earrings: bool = False


class Clothes(_Table):
    style: Literal["blazer", "suit", "cardigan"] = "blazer"
    badge: bool = True
    shoulders: Proportion = 1.0


class Manner(_Table):
    smile: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.25
    energy: Amount = 0.6


class VoiceHints(_Table):
    """`names`: language (e.g. "en") to the engine's voice. Pitch 0 to 99 and words a minute as espeak-ng takes them."""

    names: dict[str, str] = Field(default_factory=dict)
    pitch: Annotated[int, Field(ge=0, le=99)] = 50
    speed: Annotated[int, Field(ge=80, le=450)] = 165


class Look(_Table):
    name: Annotated[str, StringConstraints(min_length=1, max_length=40, strip_whitespace=True)] = "Persona"
    kind: Literal["person", "robot"] = "person"
    colours: Colours = Colours()
    hair: Hair = Hair()
    face: Face = Face()
    clothes: Clothes = Clothes()
    manner: Manner = Manner()
    voice: VoiceHints = VoiceHints()


class LookError(Exception):
    """The file is no persona. One line for each problem: file, line, key, and what is allowed."""

    def __init__(self, problems: tuple[Problem, ...]):
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))

    @property
    def operator_line(self) -> str:
        first, others = str(self.problems[0]), len(self.problems) - 1
        return f"{first} (and {others} more in this file)" if others else first


def list_looks(folder: Path) -> dict[str, Path]:
    """Every persona file in `folder` by its name without ending, in order; empty where there is no such folder."""
    return {path.stem: path for path in sorted(folder.glob("*.toml"))} if folder.is_dir() else {}


def load_look(path: Path) -> Look:
    """Raises `LookError`, which names the file, the line and the key of everything that is wrong."""
    text = _text(path)
    try:
        tables = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, ValueError) else "nested too deeply"
        raise LookError((Problem(str(path), None, "", f"is not TOML: {said}"),)) from None
    try:
        return Look.model_validate(tables)
    except ValidationError as error:
        lines = key_lines(text)
        problems = [_problem(path, lines, tables, detail) for detail in error.errors(include_url=False)]
    raise LookError(tuple(sorted(problems, key=lambda problem: (problem.line or 0, problem.key))))


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise LookError((Problem(str(path), None, "", f"cannot be read: {error.strerror or error}"),)) from None
    if len(data) > _LARGEST_FILE:
        raise LookError((Problem(str(path), None, "", f"is larger than {_LARGEST_FILE // 1024} KiB; no persona is"),))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise LookError((Problem(str(path), line, "", "is not UTF-8; save it as UTF-8"),)) from None


def _problem(path: Path, lines: Mapping[KeyPath, int], tables: Mapping[str, Any], detail: Any) -> Problem:
    keys = tuple(str(part) for part in detail["loc"])
    written = keys
    while written and written not in lines:
        written = written[:-1]
    if detail["type"] == "extra_forbidden":
        text = f"unknown key; {_meant(keys)}"
    elif detail["type"] == "string_pattern_mismatch":
        text = 'must be a colour such as "#e9b896"'
    else:
        text = str(detail["msg"]).removeprefix("Value error, ").replace("Input should be", "must be")
    return Problem(str(path), lines.get(written), ".".join(keys), text)


def _meant(keys: KeyPath) -> str:
    model: type[BaseModel] = Look
    for key in keys[:-1]:
        inner = model.model_fields[key].annotation
        if not (isinstance(inner, type) and issubclass(inner, BaseModel)):
            return "take it out"
        model = inner
    near = difflib.get_close_matches(keys[-1].lower(), model.model_fields, n=1)
    return f'did you mean "{near[0]}"?' if near else f"known here: {', '.join(model.model_fields)}"
