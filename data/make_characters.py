"""Makes characters.npz: the skeletons of the characters of many scripts, as strokes of a pen.

    python data/make_characters.py FOLDER        a folder of Noto fonts, such as /usr/share/fonts/truetype/noto

The fonts are those of Debian's package fonts-noto-core, 20201225-1 (SIL Open Font License 1.1). Of each script that Unicode
knows (Script property, from fontTools), letters are set in its sans or serif face, thinned to lines of one pixel, followed from
end to end, and kept as points.
"""

import sys
import unicodedata
from collections import defaultdict
from pathlib import Path

import numpy as np
from fontTools import unicodedata as scripts
from fontTools.ttLib import TTFont
from PIL import Image, ImageDraw, ImageFont
from skimage.morphology import skeletonize

OUT = Path(__file__).with_name("characters.npz")
SIZE = 96  # pixels of the longer side of a character
SPACING = 5.0  # pixels between two points of a stroke
PER_SCRIPT = 32  # characters at most, spread over the script's letters
LONGEST = 70  # points of a character at most: what is longer is more than a hand would write
SPUR = 7  # pixels: a shorter dead end at a crossing is an artefact of thinning
ALIKE = 0.035  # two characters of a script whose drawings differ by less are one: mean distance, in sides of the square
NOT_LETTERS = {"Zyyy", "Zinh", "Zzzz", "Sgnw", "Dupl"}


def letters(font: Path) -> dict[str, list[str]]:
    """script → the letters that a font has of it, those without a decomposition."""
    found = defaultdict(list)
    for code in sorted(TTFont(font, lazy=True).getBestCmap()):
        letter = chr(code)
        plain = unicodedata.normalize("NFKD", letter) == letter
        if plain and unicodedata.category(letter) in ("Lu", "Ll", "Lo") and scripts.script(letter) not in NOT_LETTERS:
            found[scripts.script(letter)].append(letter)
    return found


def picture(letter: str, font: ImageFont.FreeTypeFont) -> np.ndarray | None:
    """A letter's black pixels (h, w), its longer side SIZE; None where the font draws nothing."""
    left, top, right, bottom = font.getbbox(letter)
    if right - left < 4 or bottom - top < 4:
        return None
    page = Image.new("L", (right - left + 8, bottom - top + 8))
    ImageDraw.Draw(page).text((4 - left, 4 - top), letter, fill=255, font=font)
    box = page.getbbox()
    page = page.crop(box)
    scale = SIZE / max(page.size)
    page = page.resize([max(3, round(side * scale)) for side in page.size], Image.Resampling.LANCZOS)
    return np.pad(np.asarray(page) > 127, 3)


def strokes(skeleton: np.ndarray) -> list[np.ndarray]:
    """A skeleton's lines, each (n, 2) of x and y in pixels; at a crossing a line goes on as straight as it can."""
    lines = _joined(_pruned(_between_crossings(skeleton)))
    return [_resampled(line) for line in lines]


def _neighbours(pixels: set, at: tuple[int, int]) -> list[tuple[int, int]]:
    """Neighbours on the skeleton; a diagonal one only where no straight one leads there."""
    y, x = at
    straight = [(y + dy, x + dx) for dy, dx in ((0, 1), (1, 0), (0, -1), (-1, 0)) if (y + dy, x + dx) in pixels]
    diagonal = [
        (y + dy, x + dx)
        for dy, dx in ((1, 1), (1, -1), (-1, 1), (-1, -1))
        if (y + dy, x + dx) in pixels and (y + dy, x) not in pixels and (y, x + dx) not in pixels
    ]
    return straight + diagonal


def _between_crossings(skeleton: np.ndarray) -> list[list[tuple[int, int]]]:
    """Lines from crossing or end to crossing or end, and closed curves, as lists of pixels."""
    pixels = {(int(y), int(x)) for y, x in np.argwhere(skeleton)}
    near = {at: _neighbours(pixels, at) for at in pixels}
    knots = {at for at in pixels if len(near[at]) != 2}
    walked, lines = set(), []

    def walk(start: tuple[int, int], step: tuple[int, int]) -> None:
        line = [start, step]
        walked.add((start, step))
        while line[-1] not in knots and line[-1] != line[0]:
            line.append(next(at for at in near[line[-1]] if at != line[-2]))
        walked.add((line[-1], line[-2]))
        lines.append(line)

    for knot in sorted(knots):
        for step in near[knot]:
            if (knot, step) not in walked:
                walk(knot, step)
    on_lines = {at for line in lines for at in line} | knots
    for at in sorted(pixels):  # what is left are closed curves
        if at not in on_lines:
            walk(at, near[at][0])
            on_lines.update(lines[-1])
    dots = [[knot] for knot in knots if not near[knot]]
    return lines + dots


def _pruned(lines: list) -> list:
    """Without the short dead ends that thinning leaves at corners."""
    ends = defaultdict(int)
    for line in lines:
        for at in (line[0], line[-1]):
            ends[at] += 1
    return [
        line for line in lines
        if len(line) >= SPUR or (ends[line[0]] > 1) == (ends[line[-1]] > 1)
    ]  # fmt: skip


def _joined(lines: list) -> list[np.ndarray]:
    """Lines that meet and go on in nearly the same direction become one."""
    lines = [np.array(line, float)[:, ::-1] for line in lines]
    while True:
        best = None
        for i, one in enumerate(lines):
            for j in range(i + 1, len(lines)):
                for a in (one, one[::-1]):
                    for b in (lines[j], lines[j][::-1]):
                        if len(a) > 1 and len(b) > 1 and np.abs(a[-1] - b[0]).max() <= 2:
                            u, v = a[-1] - a[max(0, len(a) - 8)], b[min(7, len(b) - 1)] - b[0]
                            straight = u @ v / (np.linalg.norm(u) * np.linalg.norm(v) + 1e-9)
                            if straight > 0.6 and (best is None or straight > best[0]):
                                best = straight, i, j, np.concatenate([a, b[1:]])
        if best is None:
            return lines
        _, i, j, line = best
        lines = [one for k, one in enumerate(lines) if k not in (i, j)] + [line]


def _resampled(line: np.ndarray) -> np.ndarray:
    """Points at equal distances along a line that was smoothed first: pixels go in stairs."""
    if len(line) < 3:
        return line[:1]
    smooth = line.copy()
    for _ in range(6):
        smooth[1:-1] = (smooth[:-2] + 2 * smooth[1:-1] + smooth[2:]) / 4
    way = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(smooth, axis=0), axis=1))])
    at = np.linspace(0, way[-1], max(2, round(way[-1] / SPACING) + 1))
    return np.stack([np.interp(at, way, smooth[:, k]) for k in (0, 1)], axis=1)


def in_a_square(lines: list[np.ndarray]) -> list[np.ndarray]:
    """Coordinates from 0 to 255: the longer side fills the square, the shorter is centred."""
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    scale = 255 / max((high - low).max(), 1)
    middle = (low + high) / 2
    return [np.clip(np.round((line - middle) * scale + 127.5), 0, 255).astype(np.uint8) for line in lines]


def distance(one: np.ndarray, other: np.ndarray) -> float:
    """Mean distance from each point to the nearest of the other character, both ways, in sides of the square."""
    d = np.linalg.norm(one[:, None].astype(float) - other[None].astype(float), axis=-1) / 255
    return (d.min(0).mean() + d.min(1).mean()) / 2


def characters(folder: Path) -> dict[str, list[tuple[str, list[np.ndarray]]]]:
    """script → its characters: (letter, strokes)."""
    faces = {}
    for font in sorted(folder.glob("NotoSans*-Regular.ttf")) + sorted(folder.glob("NotoSerif*-Regular.ttf")):
        for script, found in letters(font).items():
            if len(found) > len(faces.get(script, (None, []))[1]):
                faces[script] = font, found
    drawn = {}
    for script, (font, found) in sorted(faces.items()):
        face, kept = ImageFont.truetype(str(font), 200), []
        for letter in found[:: max(1, len(found) // (2 * PER_SCRIPT))]:
            black = picture(letter, face)
            if black is None or len(kept) == PER_SCRIPT:
                continue
            lines = in_a_square(strokes(skeletonize(black)))
            points = np.concatenate(lines)
            if 4 <= len(points) <= LONGEST and all(distance(points, np.concatenate(other)) > ALIKE for _, other in kept):
                kept.append((letter, lines))
        if len(kept) >= 5:
            drawn[script] = kept
        print(script, font.name, len(found), len(kept), flush=True)
    return drawn


def main(folder: Path) -> None:
    drawn = characters(folder)
    everyone = [(script, letter, lines) for script, kept in drawn.items() for letter, lines in kept]
    lines = [line for _, _, each in everyone for line in each]
    names = list(drawn)
    np.savez_compressed(
        OUT,
        points=np.concatenate(lines),
        points_of_stroke=np.array([len(line) for line in lines], np.uint8),
        strokes_of_character=np.array([len(each) for _, _, each in everyone], np.uint8),
        letter=np.array([ord(letter) for _, letter, _ in everyone], np.int32),
        script_of_character=np.array([names.index(script) for script, _, _ in everyone], np.uint8),
        script=np.array([scripts.script_name(name) for name in names]),
    )
    print(f"{len(everyone)} characters of {len(names)} scripts, {sum(map(len, lines))} points, {OUT.stat().st_size} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
