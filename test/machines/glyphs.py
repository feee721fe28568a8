"""Reads a screen of pixels: its letters are learnt from a machine whose serial port says what its screen shows."""
from collections import namedtuple

CELL_WIDTH, CELL_HEIGHTS = 8, (16, 19)  # VGA's and U-Boot's font; that of EDK II
MODES = [(100, 31), (80, 25)]  # columns and rows that EDK II puts into the middle of a larger screen
BLANK, LINE_END = " ", b"\n"

Letters = namedtuple("Letters", "height of_cell")  # pixels; cell -> character


class Unreadable(Exception):
    """The screen does not show these lines in any font that is known here."""


class Picture:
    """A screen dump, binary PPM: magic, size, greatest value, then a byte each of red, green and blue."""

    def __init__(self, path):
        _, size, _, pixels = path.read_bytes().split(b"\n", 3)
        self.width, self.height = (int(word) for word in size.split())
        lit = bytes(map(max, pixels[::3], pixels[1::3], pixels[2::3])).translate(bytes([0]) + b"\1" * 255)
        self.lines = [lit[at:at + self.width] for at in range(0, len(lit), self.width)]

    def places(self, height):
        """Where the first cell may be: a text mode of the whole screen, or a smaller one in its middle."""
        yield 0, 0
        for columns, rows in [(self.width // CELL_WIDTH, self.height // height), *MODES]:
            left, top = (self.width - columns * CELL_WIDTH) // 2, (self.height - rows * height) // 2
            if left >= 0 and top >= 0:
                yield left, top

    def rows(self, height, left, top):
        """Each row of cells: what each cell has of lit pixels, as bytes."""
        for y in range(top, self.height - height + 1, height):
            yield [b"".join(line[x:x + CELL_WIDTH] for line in self.lines[y:y + height])
                   for x in range(left, self.width - CELL_WIDTH + 1, CELL_WIDTH)]

    def text(self, letters):
        """Its lines from where most letters are read; ? for what was not learnt."""
        read = ([letters.of_cell.get(cell, "?")
                 for row in self.rows(letters.height, *place) for cell in [*row, LINE_END]]
                for place in self.places(letters.height))
        best = max(read, key=lambda characters: sum(character not in "? \n" for character in characters))
        return [line.rstrip() for line in "".join(best).split("\n")]


def _match(rows, lines):
    """Cell -> character where these rows show these lines, None where a cell would be two characters."""
    of_cell = {}
    for cells, line in zip(rows, lines):
        for cell, character in zip(cells, line.ljust(len(cells))):
            if of_cell.setdefault(cell, character) != character:
                return None
    blanks = [cell for cell, character in of_cell.items() if character == BLANK]
    return of_cell if len(blanks) == 1 and not any(blanks[0]) else None


def learn(picture, lines):
    """The letters of a picture that shows these lines, one below the other, somewhere."""
    for height in CELL_HEIGHTS:
        for place in picture.places(height):
            rows = list(picture.rows(height, *place))
            for first in range(len(rows) - len(lines) + 1):
                of_cell = _match(rows[first:], lines)
                if of_cell:
                    return Letters(height, of_cell | {LINE_END: "\n"})
    raise Unreadable("\n".join(lines))
