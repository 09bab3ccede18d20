"""Settings from their layers: what wins, what is refused, and in which words."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import example, given, settings, strategies
from pydantic import BaseModel, ConfigDict

from kiosk.providers.contract import Misconfigured, Provider
from kiosk.providers.registry import ProviderContext, ProviderEntry
from kiosk.redact import redact
from kiosk.settings import Settings
from kiosk.settings_check import provider_settings
from kiosk.settings_error import SettingsError, settings_error_text
from kiosk.settings_layers import LARGEST_FILE
from kiosk.settings_load import ConfigFiles, LoadedSettings, load_settings
from kiosk.toml_text import KeyPath, key_lines, write_toml

PLANTED = "pl4nted-s3cret-value-0123456789"


class Persona(BaseModel):
    model_config = ConfigDict(extra="forbid")
    language: str = "en"


class AcmeSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    avatar: str
    base_url: str = "https://api.acme.example"
    limit: int = 5
    mode: Literal["slow", "fast"] = "slow"
    persona: Persona | None = None


class PlainSettings(BaseModel):
    model_config = ConfigDict(extra="forbid")
    room: str = ""
    tags: list[str] = []


def _none(settings: Any, context: ProviderContext) -> Provider:
    raise Misconfigured("not for use")


ENTRIES = {
    "acme-faces": ProviderEntry("acme-faces", AcmeSettings, ("KIOSK_ACME_API_KEY", "KIOSK_ACME_SECRET"), _none),
    "plain": ProviderEntry("plain", PlainSettings, (), _none),
}


class Place:
    """A machine with a system file and a user file of its own."""

    def __init__(self, folder: Path):
        self.system = folder / "etc.toml"
        self.user = folder / "user.toml"

    def load(
        self,
        user: str | bytes = "",
        *,
        system: str = "",
        environ: Mapping[str, str] | None = None,
        line: Mapping[KeyPath, object] | None = None,
        every: bool = False,
    ) -> LoadedSettings:
        self.user.write_bytes(user if isinstance(user, bytes) else user.encode())
        self.system.write_text(system, encoding="utf-8")
        files = ConfigFiles(self.system, self.user)
        return load_settings(files, ENTRIES, environ or {}, line, every_provider=every)

    def problems(self, user: str | bytes = "", **more: Any) -> list[str]:
        with pytest.raises(SettingsError) as caught:
            self.load(user, **more)
        return [str(problem).replace(f"{self.user.parent}{os.sep}", "") for problem in caught.value.problems]


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


class TestLayers:
    def test_without_any_file_the_defaults_hold(self, tmp_path: Path) -> None:
        loaded = load_settings(ConfigFiles(tmp_path / "no.toml", tmp_path / "nor.toml"), ENTRIES, {})
        assert loaded.settings == Settings()
        assert (loaded.settings.session.provider, loaded.settings.session.max_visit_s) == ("local", 600)
        assert loaded.settings.session.languages == ("en", "de")

    def test_each_layer_wins_over_the_one_below(self, place: Place) -> None:
        loaded = place.load(
            "[session]\nidle_s = 20\nmax_visit_s = 200\nlanguage = 'de'",
            system="[session]\nidle_s = 10\nmax_visit_s = 100\nlanguage = 'en'\nwelcome = false",
            environ={"KIOSK_SESSION__MAX_VISIT_S": "300", "KIOSK_SESSION__LANGUAGE": "en"},
            line={("session", "language"): "de"},
        )
        session = loaded.settings.session
        assert (session.welcome, session.idle_s, session.max_visit_s, session.language) == (False, 20, 300, "de")
        assert str(loaded.origins["session", "welcome"]).endswith("etc.toml:5")
        assert str(loaded.origins["session", "max_visit_s"]) == "KIOSK_SESSION__MAX_VISIT_S"
        assert str(loaded.origins["session", "language"]) == "command line"

    def test_tables_of_a_provider_are_merged_key_by_key(self, place: Place) -> None:
        loaded = place.load(
            "[session]\nprovider = 'acme-faces'\n[providers.acme-faces]\nlimit = 7",
            system="[providers.acme-faces]\navatar = 'anna'\nlimit = 6",
        )
        assert provider_settings(loaded.settings, ENTRIES["acme-faces"]) == AcmeSettings(avatar="anna", limit=7)

    @pytest.mark.parametrize(
        ("name", "value", "path", "expected"),
        [
            ("KIOSK_AUDIO__VOLUME", "0.5", ("audio", "volume"), 0.5),
            ("KIOSK_SESSION__WELCOME", "false", ("session", "welcome"), False),
            ("KIOSK_SESSION__LANGUAGES", '["en", "fr"]', ("session", "languages"), ("en", "fr")),
            ("KIOSK_AUDIO__SPEAKER", "12", ("audio", "speaker"), "12"),
            ("KIOSK_LOG__JSON", "true", ("log", "as_json"), True),
        ],
    )
    def test_the_environment_gives_every_type(
        self, place: Place, name: str, value: str, path: tuple[str, str], expected: object
    ) -> None:
        settings = place.load(environ={name: value}).settings
        assert getattr(getattr(settings, path[0]), path[1]) == expected

    def test_the_environment_reaches_into_provider_tables(self, place: Place) -> None:
        environ = {
            "KIOSK_SESSION__PROVIDER": "acme-faces",
            "KIOSK_PROVIDERS__ACME_FACES__AVATAR": "7",
            "KIOSK_PROVIDERS__ACME_FACES__LIMIT": "8",
            "KIOSK_PROVIDERS__ACME_FACES__PERSONA__LANGUAGE": "de",
            "KIOSK_PROVIDERS__PLAIN__TAGS": '["a"]',
            "KIOSK_SESSION__FALLBACK": "plain",
        }
        settings = place.load(environ=environ).settings
        acme = provider_settings(settings, ENTRIES["acme-faces"])
        assert acme == AcmeSettings(avatar="7", limit=8, persona=Persona(language="de"))
        assert provider_settings(settings, ENTRIES["plain"]) == PlainSettings(tags=["a"])

    def test_other_variables_are_no_settings(self, place: Place) -> None:
        environ = {"KIOSK_ACME_API_KEY": PLANTED, "KIOSK_SECRETS_DIR": "/x", "KIOSK_VIEW__THEME": "", "HOME": "/"}
        assert place.load(environ=environ).settings == Settings()

    def test_a_byte_order_mark_does_no_harm(self, place: Place) -> None:
        assert place.load("\ufeff[view]\ntheme = 'light'").settings.view.theme == "light"

    def test_settings_cannot_be_changed(self, place: Place) -> None:
        with pytest.raises(ValueError, match="frozen"):
            place.load().settings.view.theme = "light"  # type: ignore[misc]


class TestRefusals:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[session]\nidel_s = 3", 'user.toml:2: session.idel_s: unknown key; did you mean "idle_s"?'),
            ("[view]\n\nidle_s = 3", 'user.toml:3: view.idle_s: unknown key; did you mean "idle_s" in [session]?'),
            ("[sesion]\nidle_s = 3", 'user.toml:1: sesion: unknown key; did you mean "session"?'),
            ("session = 5", "user.toml:1: session: "),
            (
                "[view]\nrenderer = 'vulkan'",
                "user.toml:2: view.renderer: \"vulkan\" must be 'auto', 'opengl' or 'raster'",
            ),
            ("[session]\nidle_s = -1", "user.toml:2: session.idle_s: -1 must be greater than or equal to 5"),
            ("[session]\nidle_s = 'soon'", 'user.toml:2: session.idle_s: "soon" must be a valid number'),
            ("[session]\nidle_s = nan", "user.toml:2: session.idle_s: nan must be a finite number"),
            ("[session]\nlanguage = 'fr'", 'user.toml:1: session: language "fr" must be one of languages: en, de'),
            ("[session]\nlanguages = [\n'en',\n7]", "user.toml:2: session.languages: must be a valid string"),
            ("[session]\nprovider = 'acme-face'", 'user.toml:2: session.provider: "acme-face" is not built into this'),
            ("session.provider = 'other'", '"other" is not built into this version; available: acme-faces, plain'),
            ("session.fallback = 'plan'", 'user.toml:1: session.fallback: "plan" is not built'),
            ("[session]\nprovider = 'acme-faces'", "user.toml:2: providers.acme-faces.avatar: is required; add it"),
            (
                "session.provider = 'acme-faces'\n[providers.acme-faces]\navatar = 'a'\nlimt = 2",
                'user.toml:4: providers.acme-faces.limt: unknown key; did you mean "limit"?',
            ),
            (
                "session.provider = 'acme-faces'\n[providers.acme-faces]\navatar='a'\npersona = {languge = 'de'}",
                'user.toml:4: providers.acme-faces.persona.languge: unknown key; did you mean "language"?',
            ),
            ("[session\nidle_s = 3", "user.toml:1: is not valid TOML: expected ']'"),
            ("[session]\nidle_s = ", "user.toml:2: is not valid TOML: invalid value"),
            ("a = 1\na = 2", "user.toml:2: is not valid TOML: cannot overwrite a value"),
            ("a = " + "[" * 3000, "user.toml: is nested too deeply"),
            (".".join("a" * 60) + " = 1", "user.toml: is nested too deeply"),
            ("a = " + "9" * 5000, "user.toml: is not valid TOML: exceeds the limit"),
            ("[view]\ntheme = 'dark'".encode("utf-16"), "user.toml: is saved as UTF-16; save it as UTF-8"),
            (b"[view]\nbadge = '\xe4'", "user.toml:2: holds bytes that are not UTF-8; save it as UTF-8"),
            (b"#" * (LARGEST_FILE + 1), "user.toml: is larger than 1 MB"),
        ],
    )
    def test_the_line_says_where_what_and_what_is_allowed(self, place: Place, text: str | bytes, expected: str) -> None:
        problems = place.problems(text)
        assert len(problems) == 1, problems
        assert expected in problems[0]

    def test_all_problems_are_told_at_once_in_the_order_of_the_file(self, place: Place) -> None:
        problems = place.problems(
            "[view]\nrendrer = 'auto'\ntheme = 'blue'\n[audio]\nvolume = 11",
            environ={"KIOSK_SESSION__IDLE_S": "x", "KIOSK_NOWHERE__KEY": "1", "KIOSK___X": "1"},
        )
        files = [f"user.toml:{line}" for line in (2, 3, 5)]
        starts = [problem.split(": ")[0] for problem in problems]
        assert starts == [*files, "KIOSK_NOWHERE__KEY", "KIOSK_SESSION__IDLE_S", "KIOSK___X"]

    def test_a_named_file_must_exist_and_be_a_file(self, tmp_path: Path) -> None:
        loop = tmp_path / "loop.toml"
        loop.symlink_to(loop)
        for path, expected in (
            (tmp_path / "no.toml", "does not exist"),
            (tmp_path, "is not a file"),
            (loop, "cannot be read"),
        ):
            with pytest.raises(SettingsError, match=expected):
                load_settings(ConfigFiles(tmp_path / "no", path, user_required=True), ENTRIES, {})

    def test_a_pipe_does_not_hang_the_start(self, tmp_path: Path) -> None:
        pipe = tmp_path / "pipe.toml"
        os.mkfifo(pipe)
        with pytest.raises(SettingsError, match="is not a file"):
            load_settings(ConfigFiles(pipe, tmp_path / "no"), ENTRIES, {})

    def test_tables_of_providers_that_are_not_used_wait_for_the_full_check(self, place: Place) -> None:
        text = "[providers.acme-faces]\nlimit = 'x'\n[providers.planet]\nx = 1"
        assert place.load(text).settings.session.provider == "local"
        problems = place.problems(text, every=True)
        assert any("providers.acme-faces.avatar: is required" in problem for problem in problems)
        assert any("providers.acme-faces.limit" in problem for problem in problems)
        assert any('providers.planet: no such provider in this version; did you mean "plain"?' in p for p in problems)

    def test_the_text_for_a_window_is_short_and_whole(self, place: Place) -> None:
        many = "[view]\n" + "\n".join(f"wrong_{n} = {n}" for n in range(12))
        with pytest.raises(SettingsError) as caught:
            place.load(many)
        text = settings_error_text(caught.value)
        assert "12 settings are wrong" in text
        assert "… and 4 more" in text
        assert caught.value.operator_line.endswith("(and 11 more: run `kiosk config check`)")


class TestSecrets:
    @pytest.mark.parametrize(
        ("text", "remedy"),
        [
            ("[providers.acme-faces]\navatar='a'\napi_key = '{}'", "kiosk secret set KIOSK_ACME_API_KEY"),
            ("[providers.acme-faces]\navatar='a'\nApi-Key = '{}'", "kiosk secret set KIOSK_ACME_API_KEY or"),
            ("[providers.acme-faces.persona]\ntoken = '{}'", "kiosk secret set KIOSK_ACME_API_KEY or"),
            ("[livekit]\napi_secret = '{}'", "kiosk secret set KIOSK_LIVEKIT_API_SECRET"),
            ("KIOSK_ACME_SECRET = '{}'", "kiosk secret set NAME"),
            ("password = '{}'", "kiosk secret set NAME"),
            ("[providers.unheard]\nuser_key = '{}'", "kiosk secret set NAME"),
        ],
    )
    def test_a_secret_in_a_file_is_refused_with_the_remedy_and_never_shown(
        self, place: Place, text: str, remedy: str
    ) -> None:
        problems = place.problems(text.format(PLANTED))
        assert remedy in " ".join(problems)
        assert "secrets never stand in settings" in " ".join(problems)
        assert PLANTED not in " ".join(problems)

    @pytest.mark.parametrize("key", ["api-key", "Authorization", "x.token", "KIOSK_ACME_SECRET", "password"])
    def test_the_remedy_survives_every_later_redaction(self, place: Place, key: str) -> None:
        (problem,) = place.problems(f"[providers.acme-faces]\n{key} = '{PLANTED}'")
        assert redact(redact(problem)) == problem
        assert "then: kiosk secret set" in problem

    @pytest.mark.parametrize(
        "text",
        [
            "[view]\ntheme = '{}'",
            "[session]\nprovider = '{}'",
            "session = '{}'",
            "[view]\n'{}' = 1",
            "[audio]\nvolume = '{}'",
            "[view]\nbadge = '{}",
            "x = {}",
            "[session]\nlanguages = ['{}']",
            "[session]\nlanguage = '{}'",
            "[livekit]\nurl = 5\nroom_prefix = ['{}']",
        ],
    )
    def test_a_secret_at_the_wrong_place_is_not_quoted(self, place: Place, text: str) -> None:
        value = "eyJhbGciOiJIUzI1NiJ9.pl4nted-s3cret.sig"
        for problem in place.problems(text.format(value)):
            assert value not in problem


json_like = strategies.recursive(
    strategies.booleans()
    | strategies.integers()
    | strategies.floats()
    | strategies.text(max_size=8)
    | strategies.datetimes(),
    lambda inner: (
        strategies.lists(inner, max_size=3) | strategies.dictionaries(strategies.text(max_size=8), inner, max_size=3)
    ),
    max_leaves=8,
)
known_tables = strategies.dictionaries(
    strategies.sampled_from(["session", "view", "audio", "livekit", "log", "providers", "other"]),
    strategies.dictionaries(
        strategies.sampled_from(
            [
                "provider",
                "fallback",
                "idle_s",
                "max_visit_s",
                "languages",
                "theme",
                "volume",
                "json",
                "plain",
                "token",
                "url",
            ]
        ),
        json_like,
        max_size=4,
    )
    | json_like,
    max_size=4,
)
fragments = strategies.sampled_from(
    [
        "[session]",
        "[",
        "]",
        "\n",
        "=",
        "'",
        '"""',
        "'''",
        "#",
        "{",
        "}",
        ",",
        "idle_s",
        "view.theme",
        " ",
        "1",
        "nan",
        "\\",
        "é",
        "\r",
    ]
)


def _settings_or_error(folder: Path, data: bytes) -> Settings | SettingsError:
    file = folder / "fuzz.toml"
    file.write_bytes(data)
    try:
        return load_settings(ConfigFiles(folder / "no.toml", file), ENTRIES, {}, every_provider=True).settings
    except SettingsError as error:
        return error


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


class TestWhateverTheFileHolds:
    """Invariant: settings or a SettingsError whose lines are single lines; nothing else ever comes out."""

    @settings(derandomize=True, deadline=None, max_examples=80)
    @given(
        data=strategies.binary(max_size=60)
        | strategies.lists(fragments, max_size=25).map(lambda f: "".join(f).encode())
    )
    @example(data=b"[session]\nidle_s = 1e400")
    @example(data=b"providers = [1]")
    @example(data=b"[[session]]\nidle_s = 1")
    @example(data=b"[providers]\nplain = 1")
    @example(data=b"[providers.plain]\n[providers.plain.x]")
    def test_text(self, folder: Path, data: bytes) -> None:
        self.judge(_settings_or_error(folder, data))

    @settings(derandomize=True, deadline=None, max_examples=80)
    @given(tables=known_tables)
    @example(tables={"session": {"idle_s": 10**400}})
    @example(tables={"audio": {"volume": 10**30}})
    def test_tables(self, folder: Path, tables: dict[str, Any]) -> None:
        self.judge(_settings_or_error(folder, write_toml(tables).encode("utf-8", "replace")))

    @settings(derandomize=True, deadline=None, max_examples=50)
    @given(
        environ=strategies.dictionaries(
            strategies.sampled_from(["SESSION", "VIEW", "PROVIDERS", "X", ""]).flatmap(
                lambda t: strategies.sampled_from(["IDLE_S", "THEME", "PLAIN__TAGS", "PLAIN", "LANGUAGES", ""]).map(
                    lambda k: f"KIOSK_{t}__{k}"
                )
            ),
            strategies.text(max_size=12) | strategies.sampled_from(["[1]", "{a=1}", "'", "\udce4", "[[[["]),
        )
    )
    def test_environment(self, folder: Path, environ: dict[str, str]) -> None:
        try:
            found: Settings | SettingsError = load_settings(
                ConfigFiles(folder / "no.toml", folder / "no.toml"), ENTRIES, environ, every_provider=True
            ).settings
        except SettingsError as error:
            found = error
        self.judge(found)

    def judge(self, found: Settings | SettingsError) -> None:
        if isinstance(found, SettingsError):
            assert found.problems
            assert all(len(str(problem).splitlines()) == 1 for problem in found.problems)
            assert settings_error_text(found)


class TestTomlText:
    def test_lines_of_keys_survive_long_values(self) -> None:
        text = (
            '# idle_s = 1\n[session] # [view]\nlanguages = [ # one\n  "en",\n]\nidle_s = 5\n\n'
            'badge = """\n[view]\ntheme = 1\n"""\n[view]\ntheme = \'a#b\'\n"odd key" = {in = 1}\n'
            "[[rows]]\nx = 1\n[[rows]]\nx = 2\n"
        )
        lines = key_lines(text)
        assert lines["session",] == 2
        assert lines["session", "languages"] == 3
        assert lines["session", "idle_s"] == 6
        assert lines["session", "badge"] == 8
        assert lines["view",] == 12
        assert lines["view", "theme"] == 13
        assert lines["view", "odd key", "in"] == 14
        assert lines["rows", "x"] == 18

    @settings(derandomize=True, deadline=None, max_examples=30)
    @given(
        theme=strategies.sampled_from(["dark", "light"]),
        badge=strategies.text(strategies.characters(exclude_categories=["Cs"]), max_size=30),
        volume=strategies.floats(0, 1),
        idle=strategies.integers(5, 3600),
        welcome=strategies.booleans(),
        languages=strategies.lists(strategies.sampled_from(["en", "de", "pt-BR", "gsw"]), min_size=1, max_size=3),
    )
    def test_what_is_written_is_read_back(
        self, folder: Path, theme: str, badge: str, volume: float, idle: int, welcome: bool, languages: list[str]
    ) -> None:
        tables = {
            "session": {"idle_s": idle, "welcome": welcome, "languages": languages, "language": languages[0]},
            "view": {"theme": theme, "badge": badge},
            "audio": {"volume": volume},
            "providers": {"acme-faces": {"avatar": badge, "persona": {"language": "en"}}},
        }
        first = _settings_or_error(folder, write_toml(tables).encode())
        assert isinstance(first, Settings), first
        assert first.view.badge == badge
        again = _settings_or_error(folder, write_toml(first.model_dump(by_alias=True)).encode())
        assert again == first
