import math

import numpy as np
import scipy.fft


def test_mfcc_equal_the_formula(tone, extractors):
    signal = tone(0.4)

    # 512 samples around every 160th, of which a Hann window of 400 sees the middle ones; the ends are reflected.
    padded = np.pad(signal.astype(float), 256, mode="reflect")
    window = np.pad(np.hanning(401)[:-1], 56)
    starts = range(0, padded.size - 512 + 1, 160)
    power = np.array([np.abs(np.fft.rfft(padded[start : start + 512] * window)) ** 2 for start in starts])
    edges_mel = np.linspace(*(2595 * math.log10(1 + hz / 700) for hz in (20, 8000)), 42)
    edges_hz = 700 * (10 ** (edges_mel / 2595) - 1)
    triangles = [np.interp(np.linspace(0, 8000, 257), edges_hz[i : i + 3], [0, 1, 0], 0, 0) for i in range(40)]
    decibels = 10 * np.log10(np.maximum(power @ np.transpose(triangles), 1e-10))
    decibels = np.maximum(decibels, decibels.max() - 80)
    cepstra = scipy.fft.dct(decibels, norm="ortho")[:, :20]

    def slope(values):  # of the regression line over nine frames, the ends repeated
        long = np.pad(values, ((4, 4), (0, 0)), mode="edge")
        return sum(k * long[4 + k : 4 + k + len(values)] for k in range(-4, 5)) / sum(k * k for k in range(-4, 5))

    orders = np.concatenate([cepstra, slope(cepstra), slope(slope(cepstra))], axis=1)
    expected = np.concatenate([orders.mean(axis=0), orders.std(axis=0)])
    np.testing.assert_allclose(extractors["mfcc"].vector(signal), expected, atol=2e-3)
