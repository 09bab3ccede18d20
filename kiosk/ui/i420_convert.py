"""I420 to BGRA for the raster view, for the colour settings that LiveKit's own conversion does not know.

Whole planes at a time with numpy; no loop over pixels.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from kiosk.ui.colour import Colour, coefficients
from kiosk.ui.plane_layout import i420_planes

FRACTION_BITS = 5  # int16 holds 2 * 255 * 2.2 * 32 only just; the rounding error stays below 1/255


class I420Converter:
    def __init__(self, colour: Colour) -> None:
        factors = coefficients(colour)
        one = 1 << FRACTION_BITS
        levels = np.arange(256, dtype=np.float64)
        chroma = levels - 128.0

        def table(values: npt.NDArray[np.float64]) -> npt.NDArray[np.int16]:
            return np.round(values * one).astype(np.int16)

        # Half a step is added once, to the luma, so that the shift below rounds.
        self._luma = table(factors.y * (levels - factors.y_offset) + 0.5)
        self._red_v = table(factors.r_v * chroma)
        self._green_u = table(factors.g_u * chroma)
        self._green_v = table(factors.g_v * chroma)
        self._blue_u = table(factors.b_u * chroma)

    def convert(self, data: memoryview | bytes | bytearray, width: int, height: int) -> bytearray:
        """Returns width * height * 4 bytes B, G, R, 255. Raises `ValueError` when `data` is too short."""
        planes = i420_planes(width, height)
        raw = np.frombuffer(data, np.uint8)
        if raw.size < planes[2].offset + planes[2].width * planes[2].height:
            raise ValueError(f"a frame of {width}x{height} came with only {raw.size} bytes")
        y, u, v = (
            raw[plane.offset : plane.offset + plane.width * plane.height].reshape(plane.height, plane.width)
            for plane in planes
        )
        luma = self._luma[y]
        out = bytearray(width * height * 4)
        pixels = np.frombuffer(out, np.uint8).reshape(height, width, 4)
        shares = (self._blue_u[u], self._green_u[u] + self._green_v[v], self._red_v[v])
        for channel, share in enumerate(shares):
            spread = share.repeat(2, axis=0)[:height].repeat(2, axis=1)[:, :width]
            spread += luma
            spread >>= FRACTION_BITS
            np.clip(spread, 0, 255, out=spread)
            pixels[:, :, channel] = spread
        pixels[:, :, 3] = 255
        return out
