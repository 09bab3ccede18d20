"""Matrices, placement, plane layout and the choice of the renderer: numbers and decisions without a window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from kiosk.ui.colour import Colour, Matrix, Range, coefficients
from kiosk.ui.frame_source import RendererKind
from kiosk.ui.geometry import Fit, Placement, place
from kiosk.ui.i420_convert import I420Converter
from kiosk.ui.metrics import SMALLEST_TARGET, metrics_for
from kiosk.ui.plane_layout import i420_planes
from kiosk.ui.renderer_choice import GlFindings, RendererSetting, choose_renderer, has_graphics_device

PUBLISHED = {
    (Matrix.BT601, Range.LIMITED): (1.164384, 1.596027, -0.391762, -0.812968, 2.017232),
    (Matrix.BT709, Range.LIMITED): (1.164384, 1.792741, -0.213249, -0.532909, 2.112402),
    (Matrix.BT601, Range.FULL): (1.0, 1.402, -0.344136, -0.714136, 1.772),
    (Matrix.BT709, Range.FULL): (1.0, 1.5748, -0.187324, -0.468124, 1.8556),
}


@pytest.mark.parametrize(("matrix", "range_"), list(PUBLISHED))
def test_coefficients_are_the_published_ones(matrix: Matrix, range_: Range) -> None:
    found = coefficients(Colour(matrix, range_))
    assert (found.y, found.r_v, found.g_u, found.g_v, found.b_u) == pytest.approx(PUBLISHED[matrix, range_], abs=1e-6)
    assert found.y_offset == (16.0 if range_ is Range.LIMITED else 0.0)


@pytest.mark.parametrize("colour", [Colour(matrix, range_) for matrix, range_ in PUBLISHED])
def test_conversion_is_within_one_step_of_the_formula(colour: Colour) -> None:
    levels = np.arange(0, 256, 5)
    grid = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1).reshape(-1, 3)
    width, height = 2 * len(grid), 2
    luma = np.repeat(grid[:, 0], 2).astype(np.uint8)
    data = np.concatenate([luma, luma, grid[:, 1].astype(np.uint8), grid[:, 2].astype(np.uint8)]).tobytes()
    pixels = np.frombuffer(I420Converter(colour).convert(data, width, height), np.uint8).reshape(height, width, 4)
    rows = np.array(coefficients(colour).rows()).reshape(3, 3)
    exact = (grid - np.array(coefficients(colour).offsets()) * 255.0) @ rows.T
    wanted = np.clip(exact, 0, 255)
    seen = pixels[0, ::2, 2::-1].astype(np.float64)
    assert np.abs(seen - wanted).max() <= 1.0
    assert (pixels[..., 3] == 255).all()


def test_conversion_refuses_short_data() -> None:
    with pytest.raises(ValueError, match="4x4"):
        I420Converter(Colour()).convert(bytes(23), 4, 4)


@given(st.integers(1, 4000), st.integers(1, 4000))
def test_planes_follow_each_other_without_gaps(width: int, height: int) -> None:
    luma, blue, red = i420_planes(width, height)
    assert luma.offset == 0
    assert blue.offset == width * height
    assert red.offset == blue.offset + blue.width * blue.height
    assert 0 <= 2 * blue.width - width <= 1
    assert 0 <= 2 * blue.height - height <= 1


SIDES = st.integers(1, 5000)


@given(SIDES, SIDES, st.sampled_from([0, 90, 180, 270]), SIDES, SIDES)
def test_contain_stays_inside_and_cover_leaves_nothing_open(
    width: int, height: int, rotation: int, view_width: int, view_height: int
) -> None:
    inside = place((width, height), rotation, (view_width, view_height), Fit.CONTAIN)
    assert inside.width <= view_width
    assert inside.height <= view_height
    assert inside.width == view_width or inside.height == view_height
    over = place((width, height), rotation, (view_width, view_height), Fit.COVER)
    assert over.x <= 0
    assert over.y <= 0
    assert over.x + over.width >= view_width
    assert over.y + over.height >= view_height


def test_placement_of_known_pictures() -> None:
    assert place((1280, 720), 0, (1920, 1080), Fit.CONTAIN) == Placement(0, 0, 1920, 1080)
    assert place((1280, 720), 90, (1080, 1920), Fit.CONTAIN) == Placement(0, 0, 1080, 1920)
    assert place((1280, 720), 0, (1080, 1920), Fit.COVER) == Placement(-1167, 0, 3413, 1920)
    assert place((1280, 720), 0, (1080, 1920), Fit.CONTAIN) == Placement(0, 656, 1080, 608)
    assert place((0, 0), 0, (1080, 1920), Fit.CONTAIN) == Placement(0, 0, 0, 0)
    assert place((640, 360), 0, (1280, 720), Fit.COVER, zoom=1.1) == Placement(-64, -36, 1408, 792), "about the middle"


@pytest.mark.parametrize(
    ("setting", "renderer", "usable", "kind"),
    [
        ("auto", "NVIDIA H200/PCIe/SSE2", True, "opengl"),
        ("auto", "Mesa Intel(R) UHD Graphics 620 (KBL GT2)", True, "opengl"),
        ("auto", "Apple M2", True, "opengl"),
        ("auto", "llvmpipe (LLVM 15.0.6, 256 bits)", True, "raster"),
        ("auto", "softpipe", True, "raster"),
        ("auto", "Google SwiftShader", True, "raster"),
        ("auto", "Microsoft Basic Render Driver", True, "raster"),
        ("auto", "", True, "raster"),
        ("auto", "", False, "raster"),
        ("opengl", "llvmpipe (LLVM 15.0.6, 256 bits)", True, "opengl"),
        ("opengl", "", False, "raster"),
        ("raster", "Apple M2", True, "raster"),
    ],
)
def test_renderer_choice(setting: str, renderer: str, usable: bool, kind: str) -> None:
    choice = choose_renderer(RendererSetting(setting), GlFindings(usable, renderer))
    assert choice.kind is RendererKind(kind)
    assert choice.reason


def test_a_machine_without_a_gpu_is_known_by_its_devices(tmp_path: Path) -> None:
    assert not has_graphics_device(tmp_path, "linux")
    assert has_graphics_device(tmp_path, "win32")
    (tmp_path / "dri").mkdir()
    assert has_graphics_device(tmp_path, "linux")


@pytest.mark.parametrize("size", [(800, 600), (1280, 720), (1920, 1080), (1080, 1920), (2160, 3840), (3840, 2160)])
def test_text_and_targets_grow_with_the_screen(size: tuple[int, int]) -> None:
    metrics = metrics_for(*size)
    assert metrics.text >= 18
    assert metrics.target >= SMALLEST_TARGET
    assert metrics_for(*size, text_scale=1.3).text == pytest.approx(1.3 * metrics.text, rel=0.05)
    assert metrics.portrait is (size[1] > size[0])
