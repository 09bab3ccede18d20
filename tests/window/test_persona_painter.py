"""The drawn face: what a visitor can see in its pixels. Needs no display."""

from __future__ import annotations

import threading

import numpy as np
import numpy.typing as npt
import pytest

from kiosk.persona.face import FaceState
from kiosk.persona.look import Look, list_looks, load_look
from kiosk.persona.mouth import SHAPES
from kiosk.persona.painter import FacePainter
from kiosk.persona.visemes import MouthShape, Viseme
from kiosk.resources import resources_dir

LOOKS = list_looks(resources_dir() / "personas")
SIDE = 240

Pixels = npt.NDArray[np.int64]


def look(name: str = "mara") -> Look:
    return load_look(LOOKS[name])


def pixels(painter: FacePainter, state: FaceState) -> Pixels:
    data = painter.paint(state)
    image: Pixels = np.frombuffer(data, np.uint8).reshape(painter.height, painter.width, 4)[..., :3].astype(np.int64)
    return image


def differing(a: Pixels, b: Pixels) -> npt.NDArray[np.bool_]:
    """Where two pictures differ visibly."""
    return np.abs(a - b).max(axis=2) > 24


@pytest.mark.parametrize("name", list(LOOKS))
@pytest.mark.parametrize(("width", "height"), [(320, 180), (240, 180), (200, 200), (180, 320), (33, 17), (16, 64)])
def test_every_persona_fits_every_picture(name: str, width: int, height: int) -> None:
    data = FacePainter(look(name), width, height).paint(FaceState())
    assert isinstance(data, bytes)
    assert len(data) == width * height * 4


@pytest.mark.parametrize(("width", "height"), [(15, 100), (100, 0), (9000, 100), (100, -5)])
def test_a_size_that_no_picture_has_is_refused(width: int, height: int) -> None:
    with pytest.raises(ValueError, match="pixels"):
        FacePainter(look(), width, height)


def test_a_frame_never_changes_after_it_was_given() -> None:
    painter = FacePainter(look(), SIDE, SIDE)
    first = painter.paint(FaceState())
    kept = bytes(bytearray(first))
    second = painter.paint(FaceState(mouth=SHAPES[Viseme.AA], head_tilt=5))
    assert first == kept
    assert first != second


@pytest.mark.parametrize("name", list(LOOKS))
def test_a_frame_tells_nothing_of_the_frames_before(name: str) -> None:
    painter = FacePainter(look(name), SIDE, 180)
    rest = painter.paint(FaceState())
    for state in (
        FaceState(gesture=1.0),
        FaceState(head_x=0.1, head_tilt=10, head_turn=15, head_nod=12, breath=1.0, mouth=SHAPES[Viseme.AA]),
        FaceState(head_x=-0.1, head_y=0.1, head_tilt=-10, head_turn=-15, head_nod=-12),
    ):
        painter.paint(state)
    assert painter.paint(FaceState()) == rest


@pytest.mark.parametrize("name", list(LOOKS))
def test_the_background_stands_still(name: str) -> None:
    painter = FacePainter(look(name), 320, 180)
    moved = differing(pixels(painter, FaceState()), pixels(painter, FaceState(head_tilt=4, head_x=0.02, breath=1)))
    assert moved.any()
    assert not moved[:, :50].any()
    assert not moved[:, -50:].any()


@pytest.mark.parametrize("name", list(LOOKS))
def test_lids_close_and_eyes_move_in_the_upper_face_and_nowhere_else(name: str) -> None:
    painter = FacePainter(look(name), SIDE, SIDE)
    rest = pixels(painter, FaceState())
    for state in (FaceState(left_lid=1, right_lid=1), FaceState(gaze_x=1), FaceState(gaze_y=1)):
        rows = np.flatnonzero(differing(rest, pixels(painter, state)).any(axis=1))
        assert len(rows) > 2
        assert rows.min() > 0.30 * SIDE
        assert rows.max() < 0.53 * SIDE


@pytest.mark.parametrize("name", [name for name in LOOKS if name != "orbit"])
def test_visemes_can_be_told_apart(name: str) -> None:
    painter = FacePainter(look(name), SIDE, SIDE)
    seen = {viseme: pixels(painter, FaceState(mouth=SHAPES[viseme])) for viseme in Viseme}
    pairs = [(Viseme.PP, Viseme.FF), (Viseme.AA, Viseme.O), (Viseme.O, Viseme.U), (Viseme.I, Viseme.U)]
    pairs += [(Viseme.SIL, viseme) for viseme in Viseme if viseme not in {Viseme.SIL, Viseme.PP}]
    for a, b in pairs:
        assert differing(seen[a], seen[b]).sum() > 30, (a, b)


def test_an_open_mouth_is_dark_inside_and_teeth_are_light() -> None:
    painter = FacePainter(look(), 480, 480)
    mouth = slice(245, 320), slice(205, 275)
    shut = pixels(painter, FaceState())[mouth]
    wide = pixels(painter, FaceState(mouth=MouthShape(open=1.0)))[mouth]
    teeth = pixels(painter, FaceState(mouth=SHAPES[Viseme.SS]))[mouth]
    assert (wide.max(axis=2) < 100).sum() > 200 > (shut.max(axis=2) < 100).sum()
    assert (teeth.min(axis=2) > 215).sum() > 40 > (shut.min(axis=2) > 215).sum()


def test_a_large_picture_is_drawn_and_not_blown_up() -> None:
    small = FacePainter(look(), 320, 180)
    large = FacePainter(look(), 1280, 720)
    fine = pixels(large, FaceState())
    edges = np.abs(np.diff(fine[200:420, 500:780].sum(axis=2), axis=1)).max()
    blown = np.repeat(np.repeat(pixels(small, FaceState()), 4, axis=0), 4, axis=1)
    assert edges > 150
    assert fine.shape == blown.shape
    assert differing(fine, blown).mean() > 0.005


def test_it_paints_on_a_thread_of_its_own() -> None:
    frames: list[bytes] = []

    def work() -> None:
        painter = FacePainter(look("orbit"), 160, 90)
        frames.extend(painter.paint(FaceState(breath=k / 5)) for k in range(5))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join(20)
    assert len(frames) == 5
