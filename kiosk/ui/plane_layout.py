"""Where the three planes of an I420 picture lie in its bytes. Pure numbers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class PlaneLayout:
    """Size of one plane in samples, and where it starts in the frame's bytes."""

    width: int
    height: int
    offset: int


def i420_planes(width: int, height: int) -> tuple[PlaneLayout, PlaneLayout, PlaneLayout]:
    """Y, U and V of a tightly packed I420 picture of `width` x `height` pixels."""
    chroma_width, chroma_height = (width + 1) // 2, (height + 1) // 2
    luma, chroma = width * height, chroma_width * chroma_height
    return (
        PlaneLayout(width, height, 0),
        PlaneLayout(chroma_width, chroma_height, luma),
        PlaneLayout(chroma_width, chroma_height, luma + chroma),
    )
