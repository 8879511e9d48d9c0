"""Clips that are read at once give what each of them gives alone."""

import numpy as np

from myoprosthesis.core import motion_clip
from myoprosthesis.core.clip_stack import ClipStack, layout


def test_values_and_slopes_are_those_of_each_clip():
    clips = [motion_clip.read(motion_clip.find(name)) for name in ("walk_0.8", "walk_1.3", "person_opensim")]
    assert len({layout(clip) for clip in clips}) == 1
    rng = np.random.default_rng(0)
    which = rng.integers(len(clips), size=50)
    times = rng.random(50) * [clips[k].duration_s for k in which]
    times[:3] = [clips[k].time_s[j] for k, j in zip(which[:3], (0, 7, -1), strict=True)]  # on samples, too
    stack = ClipStack(clips[0])
    assert [stack.number(clip) for clip in (*clips, *clips)] == [0, 1, 2, 0, 1, 2]
    np.testing.assert_array_equal(stack.duration_s(which), [clips[k].duration_s for k in which])
    values, slopes = stack.sampled(which, times)
    for k, t, value, slope in zip(which, times, values, slopes, strict=True):
        alone = clips[k].sampled(np.array([t]))
        np.testing.assert_array_equal(value, alone[0][0])
        np.testing.assert_array_equal(slope, alone[1][0])
