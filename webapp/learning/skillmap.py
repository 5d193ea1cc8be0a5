"""The skill map as a drawing: where every lesson stands and how the lines run, wide and tall. Pure functions.

A unit is a sixteenth of a rem, so that both drawings grow with the letters; only the wide one is stretched sideways
to the page. The lessons themselves are HTML: home.css puts them where these coordinates say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

from webapp.learning.progress_selectors import LEVELS, LessonState

COLUMNS, ROWS = 12, 5  # the style sheet has places for so many; a larger map is drawn tall on every screen
UNIT = 16.0
CELL_W, CELL_H, TOP = 132.0, 136.0, 48.0  # wide: a column, a row, and the levels' names above them
DOT_Y = 28.0  # wide: the middle of a dot below the upper end of its row
LANE, STEP, HEAD = 32.0, 72.0, 56.0  # tall: between lanes, between lessons, a level's heading
FIRST = 24.0  # tall: the middle of the first lane
CORNER = 16.0

Point = tuple[float, float]
Route = Callable[[Point, Point], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class MapNode:
    """`place` are classes: column, row (half ones, from 1), lane and how far the text stands aside."""

    state: LessonState
    place: str
    builds_on: tuple[str, ...]  # titles


@dataclass(frozen=True, slots=True, kw_only=True)
class MapLevel:
    name: str
    label: str
    place: str  # classes: its first column, how far its name stands aside
    nodes: tuple[MapNode, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    path: str
    state: str  # walked: the lesson before it is passed; open; or planned


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """The ground of a level, when wide."""

    level: str
    x: float
    width: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    view_box: str
    width: str  # with unit
    height: str
    lines: tuple[Line, ...]
    bands: tuple[Band, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SkillMap:
    """`others` are lessons that no path leads to or from: they are listed below the map."""

    levels: tuple[MapLevel, ...]
    wide: Drawing | None  # None: too large for a page's width
    tall: Drawing
    others: tuple[LessonState, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Spot:
    """Of one lesson: column and row (a half one too) when wide; step and lane when tall."""

    state: LessonState
    column: int
    row: float
    lane: int
    y: float


Spots = dict[str, Spot]
Edges = Sequence[tuple[str, str]]


def skill_map(states: Sequence[LessonState]) -> SkillMap:
    known = {state.card.slug for state in states}
    edges = [(before, s.card.slug) for s in states for before in s.card.requires if before in known]
    linked = {slug for edge in edges for slug in edge}
    on_map = [state for state in states if state.card.slug in linked]
    columns = columns_of(on_map, edges)
    rows = max((sum(c == column for c in columns.values()) for column in columns.values()), default=1)
    spots = spots_of(by_level(on_map), columns, rows)
    width = max(columns.values(), default=0) + 1
    levels = tuple(levels_of(spots, edges))
    return SkillMap(
        levels=levels,
        wide=wide_drawing(spots, edges, width, rows) if width <= COLUMNS and rows <= ROWS else None,
        tall=tall_drawing(spots, edges),
        others=tuple(state for state in states if state.card.slug not in linked),
    )


def columns_of(states: Sequence[LessonState], edges: Iterable[tuple[str, str]]) -> dict[str, int]:
    """Each lesson as far right as the longest way to it. A circle of requirements ends after as many rounds."""
    columns = {state.card.slug: 0 for state in states}
    listed = list(edges)
    for _round in states:
        for before, after in listed:
            columns[after] = min(max(columns[after], columns[before] + 1), len(states) - 1)
    return columns


def by_level(states: Sequence[LessonState]) -> list[LessonState]:
    order = list(LEVELS)
    return sorted(states, key=lambda state: order.index(state.card.level))


def spots_of(states: Sequence[LessonState], columns: dict[str, int], rows: int) -> Spots:
    spots: Spots = {}
    y, level = 0.0, ""
    for state in states:
        slug = state.card.slug
        y += HEAD if state.card.level != level else 0
        level = state.card.level
        same = [other.card.slug for other in states if columns[other.card.slug] == columns[slug]]
        lane = same.index(slug)
        row = lane + (rows - len(same)) / 2
        spots[slug] = Spot(state=state, column=columns[slug], row=row, lane=lane, y=y + STEP / 2)
        y += STEP
    return spots


def levels_of(spots: Spots, edges: Edges) -> Iterable[MapLevel]:
    for name, group in groupby(spots.values(), key=lambda spot: spot.state.card.level):
        members = list(group)
        first = min(spot.column for spot in members)
        aside = lanes_beside(members[0].y - STEP / 2 - HEAD / 2, spots, edges)
        nodes = tuple(node_of(spot, spots, edges) for spot in members)
        yield MapLevel(name=name, label=str(LEVELS[name]), place=f"c{first + 1} aside-{aside}", nodes=nodes)


def node_of(spot: Spot, spots: Spots, edges: Edges) -> MapNode:
    before = [spots[slug].state.card.title for slug in spot.state.card.requires if slug in spots]
    aside = max(spot.lane + 1, lanes_beside(spot.y, spots, edges))
    place = f"c{spot.column + 1} r{round(2 * spot.row) + 1} lane-{min(spot.lane, ROWS - 1)} aside-{min(aside, ROWS)}"
    return MapNode(state=spot.state, place=place, builds_on=tuple(before))


def lanes_beside(y: float, spots: Spots, edges: Edges) -> int:
    """How many lanes are taken at a height of the tall drawing: words there stand to their right."""
    ends = [(spots[before], spots[after]) for before, after in edges]
    passing = [max(a.lane, b.lane) for a, b in ends if min(a.y, b.y) < y < max(a.y, b.y)]
    return min(max(passing, default=0) + 1, ROWS)


def wide_drawing(spots: Spots, edges: Edges, columns: int, rows: int) -> Drawing:
    width, height = columns * CELL_W, TOP + rows * CELL_H
    return Drawing(
        view_box=f"0 0 {width:g} {height:g}",
        width="100%",
        height=rem(height),
        lines=lines_of(spots, edges, wide_point, wide_route),
        bands=bands_of(spots, width),
    )


def tall_drawing(spots: Spots, edges: Edges) -> Drawing:
    lanes = max((spot.lane for spot in spots.values()), default=0) + 1
    width = 2 * FIRST + (lanes - 1) * LANE
    height = max((spot.y for spot in spots.values()), default=0) + STEP / 2
    lines = lines_of(spots, edges, tall_point, tall_route)
    return Drawing(view_box=f"0 0 {width:g} {height:g}", width=rem(width), height=rem(height), lines=lines)


def rem(units: float) -> str:
    return f"{units / UNIT:g}rem"


def bands_of(spots: Spots, width: float) -> tuple[Band, ...]:
    firsts: dict[str, float] = {}
    for spot in spots.values():
        level = spot.state.card.level
        firsts[level] = min(firsts.get(level, width), spot.column * CELL_W)
    starts = [*firsts.values(), width]
    return tuple(
        Band(level=level, x=x, width=end - x) for (level, x), end in zip(firsts.items(), starts[1:], strict=True)
    )


def lines_of(spots: Spots, edges: Edges, point: Callable[[Spot], Point], route: Route) -> tuple[Line, ...]:
    return tuple(
        Line(path=route(point(spots[before]), point(spots[after])), state=line_state(spots[before], spots[after]))
        for before, after in edges
    )


def line_state(before: Spot, after: Spot) -> str:
    if after.state.progress.planned:
        return "planned"
    return "walked" if before.state.progress.state == "passed" else "open"


def wide_point(spot: Spot) -> Point:
    return (spot.column + 0.5) * CELL_W, TOP + spot.row * CELL_H + DOT_Y


def wide_route(start: Point, end: Point) -> str:
    """Level, and where the row changes, upright between two columns: so a line crosses no lesson's words."""
    (x1, y1), (x2, y2) = start, end
    if y1 == y2:
        return f"M{x1:g} {y1:g}H{x2:g}"
    turn = x2 - CELL_W / 2
    bend = CORNER if y2 > y1 else -CORNER
    return (
        f"M{x1:g} {y1:g}H{turn - CORNER:g}Q{turn:g} {y1:g} {turn:g} {y1 + bend:g}"
        f"V{y2 - bend:g}Q{turn:g} {y2:g} {turn + CORNER:g} {y2:g}H{x2:g}"
    )


def tall_point(spot: Spot) -> Point:
    return FIRST + spot.lane * LANE, spot.y


def tall_route(start: Point, end: Point) -> str:
    """Down; into another lane at once where lanes part, and at the last moment where they meet."""
    (x1, y1), (x2, y2) = start, end
    if x1 == x2:
        return f"M{x1:g} {y1:g}V{y2:g}"
    if x2 > x1:
        turn = y1 + STEP / 2 + CORNER
        return f"M{x1:g} {y1:g}C{x1:g} {turn:g} {x2:g} {y1 + STEP / 2 - CORNER:g} {x2:g} {y1 + STEP:g}V{y2:g}"
    turn = y2 - STEP
    return (
        f"M{x1:g} {y1:g}V{turn:g}C{x1:g} {turn + STEP / 2 + CORNER:g} {x2:g} {y2 - STEP / 2 - CORNER:g} {x2:g} {y2:g}"
    )
