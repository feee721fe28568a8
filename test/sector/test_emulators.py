"""The sector on other emulators: Bochs with its own BIOS, which checks segment limits, and v86 with SeaBIOS."""

import pytest

import bochs
import v86
from sector import image, screen_lines, story, told

SECONDS = 180  # of machines that do not wait for a processor; a story takes half a minute


@pytest.mark.parametrize("build, drive", [("sector", "hard disk"), ("floppy", "floppy"), ("record", "hard disk")])
def test_bochs(tmp_path, build, drive):
    expected = screen_lines(story(build, "default"))
    with bochs.Bochs(tmp_path, image(build, "default"), drive) as machine:
        limit = machine.clock() + SECONDS
        while not told(lines := machine.run(3), expected):
            assert machine.clock() < limit, "\n".join(lines)


@pytest.mark.parametrize("build, drive", [("sector", "hda"), ("floppy", "fda")])
def test_v86(build, drive):
    expected = screen_lines(story(build, "default"))
    v86.wait_for_screen(lambda lines: told(lines, expected), SECONDS, image(build, "default"), drive)
