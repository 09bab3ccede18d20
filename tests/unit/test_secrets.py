"""Secrets: which place wins, which keyring is refused, and that no value ever shows."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend
from keyring.backends.chainer import ChainerBackend
from keyring.backends.fail import Keyring as FailKeyring
from keyring.backends.null import Keyring as NullKeyring
from keyring.errors import KeyringLocked

from kiosk.keyring_vault import SERVICE, KeyringVault, VaultError
from kiosk.secrets import Holding, SecretError, SecretStore, secret_folders

KEY, TOKEN = "KIOSK_ACME_API_KEY", "KIOSK_ACME_TOKEN"
VALUE = "pl4nted-s3cret"


class MemoryKeyring(KeyringBackend):
    """What a real keyring does, in memory."""

    priority = 5

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held: dict[tuple[str, str], str] = {}
        self.asked: list[str] = []

    def get_password(self, service: str, username: str) -> str | None:
        self.asked.append(username)
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.held[service, username]


class PlaintextKeyring(MemoryKeyring):
    """Called like the one of a well-known package."""


class BarelyKeyring(MemoryKeyring):
    priority = 0.5  # type: ignore[assignment]


class LockedKeyring(MemoryKeyring):
    def get_password(self, service: str, username: str) -> str | None:
        raise KeyringLocked(f"cannot unlock, token={VALUE}")


class HangingKeyring(MemoryKeyring):
    """As after an automatic log-in: it asks for a password that nobody types."""

    def __init__(self) -> None:
        super().__init__()
        self.typed = threading.Event()

    def get_password(self, service: str, username: str) -> str | None:
        self.typed.wait(30)
        return None


class Chain(ChainerBackend):
    backends: list[KeyringBackend] = []  # noqa: RUF012


class Desk:
    """A machine with an environment, one folder and a keyring."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.keyring: KeyringBackend = MemoryKeyring()
        self.environ: dict[str, str] = {}

    def store(self, environ: Mapping[str, str] | None = None) -> SecretStore:
        return SecretStore((KEY, TOKEN), environ or {}, [self.folder], KeyringVault(lambda: self.keyring, 5.0))


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


class TestPlaces:
    def test_environment_before_file_before_keyring(self, desk: Desk) -> None:
        store = desk.store({KEY: " from-environment\n"})
        store.set(KEY, "from-keyring")
        store.set(TOKEN, "from-keyring")
        (desk.folder / KEY).write_text("from-file\n")
        assert store.load([KEY, TOKEN]) == {KEY: "from-environment", TOKEN: "from-keyring"}
        assert desk.store().load([KEY]) == {KEY: "from-file"}

    def test_the_keyring_is_not_asked_for_what_was_found(self, desk: Desk) -> None:
        keyring = MemoryKeyring()
        desk.keyring = keyring
        assert desk.store({KEY: "a", TOKEN: "b"}).load([KEY, TOKEN]) == {KEY: "a", TOKEN: "b"}
        assert keyring.asked == []

    def test_what_is_not_set_is_left_out(self, desk: Desk) -> None:
        (desk.folder / KEY).write_text("\n")
        assert desk.store({TOKEN: ""}).load([KEY, TOKEN]) == {}

    def test_holdings_name_every_place_and_no_value(self, desk: Desk) -> None:
        store = desk.store({KEY: VALUE})
        store.set(KEY, VALUE)
        (desk.folder / KEY).write_text(VALUE)
        found = store.holdings()
        assert found == [Holding(KEY, "environment", (str(desk.folder / KEY), "keyring")), Holding(TOKEN, "")]
        assert VALUE not in repr(found)

    def test_the_folders_are_named_by_the_environment(self) -> None:
        environ = {"KIOSK_SECRETS_DIR": "/a", "CREDENTIALS_DIRECTORY": "/b"}
        assert secret_folders(environ) == (Path("/a"), Path("/b"))
        assert secret_folders({"KIOSK_SECRETS_DIR": ""}) == ()


class TestSetAndDelete:
    def test_a_secret_is_kept_under_the_kiosks_service(self, desk: Desk) -> None:
        desk.keyring = keyring = MemoryKeyring()
        assert desk.store().set(KEY, f" {VALUE}\n") == ""
        assert keyring.held == {(SERVICE, KEY): VALUE}
        desk.store().delete(KEY)
        assert keyring.held == {}

    def test_set_tells_what_hides_it(self, desk: Desk) -> None:
        assert desk.store({KEY: "x"}).set(KEY, VALUE) == "environment"
        (desk.folder / KEY).write_text("x")
        assert desk.store().set(KEY, VALUE) == str(desk.folder / KEY)

    @pytest.mark.parametrize("value", ["", " \n", f"{VALUE}\n{VALUE}", f"{VALUE}\x00", VALUE * 2_000])
    def test_a_value_that_is_none_is_refused(self, desk: Desk, value: str) -> None:
        with pytest.raises(SecretError) as caught:
            desk.store().set(KEY, value)
        assert VALUE not in str(caught.value)

    def test_an_unknown_name_is_refused_with_the_nearest(self, desk: Desk) -> None:
        with pytest.raises(SecretError, match=f"did you mean {KEY}"):
            desk.store().set("KIOSK_ACME_APIKEY", VALUE)
        with pytest.raises(SecretError) as caught:
            desk.store().set(VALUE, "")  # the value typed in place of the name
        assert VALUE not in str(caught.value)

    def test_deleting_what_is_not_there_says_so(self, desk: Desk) -> None:
        with pytest.raises(SecretError, match="is not in the keyring"):
            desk.store().delete(KEY)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("prepare", "expected"),
        [
            (lambda path: path.mkdir(), "is no file with one secret"),
            (lambda path: path.write_bytes(b"x" * 20_000), "is no file with one secret"),
            (lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no text in UTF-8"),
        ],
    )
    def test_the_line_names_the_file(self, desk: Desk, prepare: Callable[[Path], object], expected: str) -> None:
        prepare(desk.folder / KEY)
        for use in (lambda: desk.store().load([KEY]), lambda: desk.store().holdings()):
            with pytest.raises(SecretError, match=expected):
                use()


@pytest.fixture
def hanging() -> Iterator[HangingKeyring]:
    keyring = HangingKeyring()
    yield keyring
    keyring.typed.set()
    for thread in threading.enumerate():
        if thread.name == "keyring":
            thread.join(5)


class TestKeyrings:
    @pytest.mark.parametrize("kind", [NullKeyring, FailKeyring, PlaintextKeyring, BarelyKeyring])
    def test_a_keyring_that_keeps_nothing_secret_is_refused(self, desk: Desk, kind: type[KeyringBackend]) -> None:
        desk.keyring = kind()
        with pytest.raises(SecretError, match="no safe keyring on this machine"):
            desk.store().set(KEY, VALUE)

    def test_of_a_chain_the_first_safe_one_is_used(self, desk: Desk) -> None:
        safe = MemoryKeyring()
        chain = Chain()  # type: ignore[no-untyped-call]
        chain.backends = [NullKeyring(), safe]  # type: ignore[no-untyped-call]
        desk.keyring = chain
        desk.store().set(KEY, VALUE)
        assert safe.held

    def test_without_a_keyring_the_other_places_still_serve(self, desk: Desk) -> None:
        desk.keyring = FailKeyring()  # type: ignore[no-untyped-call]
        assert desk.store({KEY: "x"}).load([KEY, TOKEN]) == {KEY: "x"}
        assert desk.store({KEY: "x"}).holdings()[0].place == "environment"

    def test_a_locked_keyring_is_told_without_its_words_leaking(
        self, desk: Desk, expected_log: Callable[[str], None]
    ) -> None:
        desk.keyring = LockedKeyring()
        expected_log("the keyring failed")
        assert desk.store({KEY: "x"}).load([KEY, TOKEN]) == {KEY: "x"}
        with pytest.raises(VaultError) as caught:
            KeyringVault(lambda: desk.keyring).get([KEY])
        assert "KeyringLocked" in str(caught.value)
        assert VALUE not in str(caught.value)

    def test_a_keyring_that_asks_on_the_screen_does_not_stop_the_start(self, hanging: HangingKeyring) -> None:
        with pytest.raises(VaultError, match=r"did not answer within 0.05 s; unlock it"):
            KeyringVault(lambda: hanging, 0.05).get([KEY])
