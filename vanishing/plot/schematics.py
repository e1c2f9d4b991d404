"""Networks, drawn: units, the two journeys through them, paths, and what a step of time passes on.

Each function draws sizes that a run measured, as the widths of arrows or lines.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise, product
from textwrap import wrap
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike

from vanishing.plot.canvas import (
    ACROSS,
    UNIT,
    Floats,
    arrow,
    canvas,
    chosen,
    circles,
    norms,
    stroke,
    strokes,
    what_is_lost,
    written,
)
from vanishing.plot.style import LINE, colour

NAMES = ("difference between two inputs", "gradient")
PARTS = ("forward", "backward", "weights", "slopes")
Part = str | int
# Points from the middle of a unit to that of the one above it.
COLUMN = UNIT + 6
# Points outside the outer columns, for the arrows that start or end there.
MARGIN = 44.0
# At most so many points from column to column.
WIDEST = 90.0


def journeys(
    forward: ArrayLike,
    backward: ArrayLike,
    *,
    ax: Axes | None = None,
    units: int = 4,
    lit: Part | Iterable[Part] | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """A network, with arrows as wide as what travels through it forward and backward.

    Each layer is a column of circles. The arrow to its right has the width of `forward` at the
    layer, and the arrow to its left the width of `backward` there. Widths are on a log scale: full
    at the largest size of a journey, a hairline at 1e-6 of it and below. A size of 0 is drawn as
    dots and called lost; infinity and NaN are named, too. Numbers give the sizes at both ends.

    Args:
        forward: sizes of what tells two inputs apart, at layers 0 (the input) to L, shape (L + 1,),
            or at layers 1 to L, shape (L,).
        backward: norms of delta at layers 1 to L, shape (L,).
        ax: takes the drawing; new axes by default.
        units: circles in a column.
        lit: what is in question, the rest fades: 'forward', 'backward', 'weights', 'slopes', the
            number of a layer, or several of these.
        names: of the two journeys, in turn.

    Raises:
        ValueError: the sizes do not belong to the same layers, one is negative, or `lit` names
            what is not there.

    Examples:
        >>> ax = journeys([1.0, 0.2, 0.04], [0.003, 0.3], lit="backward")
        >>> [text.get_text() for text in ax.texts][-3:]
        ['0.003', '0.3', '← gradient']
    """
    ahead, back = norms("forward", forward), norms("backward", backward)
    depth = len(back)
    if len(ahead) not in (depth, depth + 1):
        wanted = f"for {depth} layers, {depth} or (with the input) {depth + 1} are expected"
        raise ValueError(f"forward has {len(ahead)} sizes; {wanted}")
    first = depth + 1 - len(ahead)
    parts = _parts(lit, first, depth)
    layers = [first + i for i in chosen(len(ahead))]
    labels = [wrap(name, 34) or [""] for name in names or NAMES]
    bottom = LINE * (len(labels[1]) + 1) + 10
    # The two arrows need the height of two units.
    top = bottom + COLUMN * max(units, 2)
    ax = canvas(ax, top + LINE * len(labels[0]) + 4)
    pitch, xs = _columns(len(layers))
    middle, up = (bottom + top) / 2, COLUMN / 2
    rows = middle + COLUMN * (np.arange(units, dtype=float) - (units - 1) / 2)
    _draw_weights(ax, xs, rows, "weights" in parts)
    for x, layer in zip(xs, layers, strict=True):
        slopes = "slopes" in parts
        circles(ax, x, rows, filled=slopes, lit=not parts or slopes or layer in parts)
        shade = colour("ink" if layer in parts else "faint")
        ax.text(x, bottom - LINE / 2 - 3, str(layer), ha="center", va="center", color=shade)
    ax.text(0, bottom - LINE / 2 - 3, "layer", va="center", color=colour("faint"))
    heights = (top + 4 + LINE * (len(labels[0]) - 0.5), bottom - 1.5 * LINE - 8)
    for role, sizes, label, y in zip(PARTS[:2], (ahead, back), labels, heights, strict=True):
        way, arrows = (1, ("", " →")) if role == "forward" else (-1, ("← ", ""))
        since = depth + 1 - len(sizes)
        shown = [layer for layer in layers if layer >= since]
        index = [layer - since for layer in shown]
        starts = xs[-len(shown) :]
        reach = min(pitch, MARGIN)
        stops = np.clip(starts + way * pitch, xs[0] - reach, xs[-1] + reach)
        bright = [not parts or role in parts or layer in parts for layer in shown]
        at = middle + way * up
        _travel(ax, starts, stops, sizes[index], stroke(sizes)[index], at, role, bright)
        lines = (arrows[0] + "\n".join(label) + arrows[1]).splitlines()
        _name(ax, y, lines, sizes, colour(role if not parts or role in parts else "faint"))
    return ax


def _columns(count: int) -> tuple[float, Floats]:
    """The distance of columns and where they stand, in the middle of a canvas."""
    pitch = min(WIDEST, (ACROSS - 2 * MARGIN) / max(1, count - 1))
    return pitch, ACROSS / 2 + pitch * (np.arange(count, dtype=float) - (count - 1) / 2)


def _parts(lit: Part | Iterable[Part] | None, first: int, last: int) -> set[Part]:
    """What is in question, as a set; empty if everything is."""
    if lit is None:
        return set()
    parts: set[Part] = {lit} if isinstance(lit, str | int | np.integer) else set(lit)
    unknown = {part for part in parts if part not in PARTS and part not in range(first, last + 1)}
    if unknown:
        known = f"{', '.join(map(repr, PARTS))} or a layer from {first} to {last}"
        raise ValueError(f"lit holds {sorted(map(repr, unknown))[0]}; {known} is expected")
    return parts


def _draw_weights(ax: Axes, xs: Floats, rows: Floats, lit: bool) -> None:
    """Draw a line from every unit to every unit of the next column."""
    lines = [
        ((x, a), (beyond, b)) for x, beyond in pairwise(xs) for a, b in product(rows, repeat=2)
    ]
    strokes(ax, lines, 1.0 if lit else 0.6, "ink" if lit else "grid")


def _travel(
    ax: Axes,
    starts: Floats,
    stops: Floats,
    sizes: Floats,
    widths: Floats,
    y: float,
    role: str,
    lit: Sequence[bool],
) -> None:
    """Draw an arrow for each size, and name a stretch of sizes that no width shows, once."""
    gone = [what_is_lost(size) for size in sizes]
    named = {i for i in range(len(gone)) if gone[i] and i == _middle_of_stretch(gone, i)}
    for i, (start, stop) in enumerate(zip(starts, stops, strict=True)):
        aside = (UNIT / 2 + 2) * np.sign(stop - start)
        ends = (start + aside, y), (stop - aside, y)
        arrow(ax, *ends, sizes[i], widths[i], role, lit=lit[i], name=i in named)


def _middle_of_stretch(names: Sequence[str], i: int) -> int:
    """The index in the middle of the neighbours of i that bear the same name."""
    start = stop = i
    while start and names[start - 1] == names[i]:
        start -= 1
    while stop + 1 < len(names) and names[stop + 1] == names[i]:
        stop += 1
    return (start + stop) // 2


def _name(ax: Axes, y: float, lines: Sequence[str], sizes: Floats, shade: str) -> None:
    """Write the sizes at both ends of a journey, and its name between them, from y downwards."""
    looks: dict[str, Any] = {"color": shade, "va": "center"}
    ax.text(0, y, written(sizes[0]), ha="left", **looks)
    ax.text(ACROSS, y, written(sizes[-1]), ha="right", **looks)
    for row, text in enumerate(lines):
        ax.text(ACROSS / 2, y - LINE * row, text, ha="center", **looks)


def paths(
    shares: ArrayLike,
    *,
    ax: Axes | None = None,
    role: str = "backward",
    block: str = "block",
) -> Axes:
    """Every path through a residual network, as wide as its share of the gradient.

    A path goes through each block's branch, a box, or past it, over the skip connection. Paths are
    grouped by their length, which counts the branches on them (Veit et al. 2016,
    section 3). A line's width is proportional to the share; numbers give the share of each length.

    Args:
        shares: of each path, with sum 1, shape (2,) * L; entry [0, 1, 1] belongs to the path past
            block 1, through block 2 and through block 3. L is 2, 3 or 4.
        ax: takes the drawing; new axes by default.
        role: of the colour.
        block: what a block is called above its boxes.

    Raises:
        ValueError: the shares have another shape, one is negative, or their sum is not 1.

    Examples:
        >>> import numpy as np
        >>> ax = paths(np.full((2, 2, 2), 1 / 8))
        >>> [text.get_text() for text in ax.texts][-2:]
        ['3 branches', '12 %']
    """
    part = np.asarray(shares, float)
    depth = part.ndim
    if depth not in (2, 3, 4) or part.shape != (2,) * depth:
        wanted = "(2, 2), (2, 2, 2) or (2, 2, 2, 2) is expected"
        raise ValueError(f"shares has shape {part.shape}; {wanted}, for each block past or through")
    if not (part >= 0).all() or abs(part.sum() - 1) > 1e-6:
        raise ValueError(f"shares are between 0 and 1 with sum 1; their sum is {part.sum():.6g}")
    step, between = (13.0, 7.0) if depth == 4 else (16.0, 8.0)
    height = step * part.size + between * depth + LINE + 8
    widest = float(part.max())
    ax = canvas(ax, height)
    left, right = 82.0, ACROSS - 44
    pitch = (right - left) / depth
    centres = left + pitch * (np.arange(depth) + 0.5)
    for number, x in enumerate(centres, start=1):
        name = f"{block} {number}"
        ax.text(x, height - LINE / 2, name, ha="center", va="center", color=colour("ink"))
    ax.text(ACROSS, height - LINE / 2, "share", ha="right", va="center", color=colour(role))
    looks: dict[str, Any] = {"facecolor": colour("paper"), "edgecolor": colour("ink")}
    y = height - LINE - 8 + step / 2
    for length in range(depth + 1):
        group = [path for path in product((0, 1), repeat=depth) if sum(path) == length]
        top = y
        for path in sorted(group, reverse=True):
            y -= step
            width = max(0.3, 6 * part[path] / widest)
            arrow(ax, (right, y), (left, y), float(part[path]), width, role)
            for x, through in zip(centres, path, strict=True):
                if through:
                    box = (x - 0.2 * pitch, y - 0.36 * step), 0.4 * pitch, 0.72 * step
                    ax.add_patch(Rectangle(*box, linewidth=1.0, zorder=3, **looks))
        here = (top - step + y) / 2
        said = "skips alone" if not length else f"{length} branch{'es' * (length > 1)}"
        total = sum(part[path] for path in group)
        ax.text(0, here, said, va="center", color=colour("ink"))
        ax.text(ACROSS, here, f"{100 * total:.0f} %", ha="right", va="center", color=colour(role))
        y -= between
    return ax


def unrolled(
    gradient: ArrayLike,
    *,
    belt: ArrayLike | None = None,
    ax: Axes | None = None,
    lit: str | None = None,
    names: Sequence[str] | None = None,
) -> Axes:
    """A recurrent network, unrolled in time, with arrows as wide as the gradient that goes back.

    Each step is a box with its input below. The arrow to its left has the width of the gradient at
    the step, on a log scale as in `journeys`. With `belt`, the cell state of an LSTM runs above the
    boxes, and the arrows on it have the widths of the gradient there (Hochreiter & Schmidhuber
    1997).

    Args:
        gradient: norms of dL/dh at steps 1 to T, shape (T,).
        belt: norms of dL/dc at the same steps, shape (T,).
        ax: takes the drawing; new axes by default.
        lit: 'belt' or 'state', what is in question; the rest fades.
        names: of the gradient at the state and on the belt, in turn.

    Raises:
        ValueError: one size is negative, or there are not as many for the belt as for the state.

    Examples:
        >>> ax = unrolled([1e-5, 1e-3, 0.1], belt=[0.8, 0.9, 1.0])
        >>> [text.get_text() for text in ax.texts][:4]
        ['step', '1', '2', '3']
    """
    state = norms("gradient", gradient)
    on_belt = None if belt is None else norms("belt", belt)
    if on_belt is not None and len(on_belt) != len(state):
        raise ValueError(
            f"belt has {len(on_belt)} sizes; as many as steps are expected, {len(state)}"
        )
    if lit not in (None, "state", "belt"):
        raise ValueError(f"lit is {lit!r}; 'state', 'belt' or None is expected")
    said = names or ("gradient at the state h", "gradient on the cell state c")
    steps = chosen(len(state))
    side = 22.0
    bottom = 3 * LINE + 18
    top = bottom + side
    height = top + (2 * LINE + 20 if on_belt is not None else 8)
    ax = canvas(ax, height)
    pitch, xs = _columns(len(steps))
    level = bottom - LINE - 10
    ax.text(0, level, "step", va="center", color=colour("faint"))
    for x, step in zip(xs, steps, strict=True):
        ax.text(x, level, str(step + 1), ha="center", va="center", color=colour("faint"))
    looks: dict[str, Any] = {"facecolor": colour("paper"), "edgecolor": colour("ink")}
    strokes(ax, [((x, level + LINE / 2 + 1), (x, bottom)) for x in xs], 0.8, "faint")
    rows = [("state", state, bottom + side / 2, level - LINE - 4)]
    if on_belt is not None:
        rows.append(("belt", on_belt, top + 16, height - LINE / 2))
        strokes(ax, [((x, top), (x, top + 16)) for x in xs], 0.8, "faint")
    for x in xs:
        corner = (x - side / 2, bottom)
        ax.add_patch(Rectangle(corner, side, side, linewidth=1.2, zorder=2.5, **looks))
    everything = np.concatenate([sizes for _, sizes, _, _ in rows])
    widths = np.split(stroke(everything), len(rows))
    for (kind, sizes, y, where), width, name in zip(rows, widths, said, strict=False):
        bright = lit in (None, kind)
        reach = side / 2 + 2 if kind == "state" else 2.0
        gone = [what_is_lost(sizes[i]) for i in steps]
        for n, i in enumerate(steps):
            stop = xs[n] - (pitch if n else MARGIN) + (reach if n else 4)
            named = bool(gone[n]) and n == _middle_of_stretch(gone, n)
            ends = (xs[n] - reach, y), (stop, y)
            arrow(ax, *ends, sizes[i], width[i], "backward", lit=bright, name=named)
        _name(ax, where, [f"← {name}"], sizes, colour("backward" if bright else "faint"))
    return ax


def open_paths(
    open_units: Sequence[ArrayLike],
    *,
    ax: Axes | None = None,
    inputs: int = 1,
    outputs: int = 1,
    role: str = "backward",
) -> Axes:
    """A small ReLU network for one input: which of its units are open, and the paths through them.

    An open unit is filled and a closed one empty. A coloured line is part of an open path, which
    leads through open units alone and so carries a gradient; the number of such paths stands below.

    Args:
        open_units: for each hidden layer, whether z > 0 at each unit, shape (width,).
        ax: takes the drawing; new axes by default.
        inputs: their number.
        outputs: their number.
        role: of the lines.

    Raises:
        ValueError: there is no hidden layer, or a layer's entries are not a row of true and false.

    Examples:
        >>> ax = open_paths([[True, False, True], [False, True, True]])
        >>> [text.get_text() for text in ax.texts][-1]
        '4 of 9 paths are open'
    """
    hidden = [np.asarray(layer) for layer in open_units]
    if not hidden or any(layer.ndim != 1 or layer.dtype != bool for layer in hidden):
        wanted = "a row of true and false for each hidden layer is expected, z > 0"
        raise ValueError(f"open_units holds {[layer.dtype.name for layer in hidden]}; {wanted}")
    columns = [np.ones(inputs, bool), *hidden, np.ones(outputs, bool)]
    through = int(np.prod([int(states.sum()) for states in columns]))
    whole = int(np.prod([len(states) for states in columns]))
    tallest = max(map(len, columns))
    bottom = 2 * LINE + 12
    ax = canvas(ax, bottom + COLUMN * tallest + 2)
    pitch, xs = _columns(len(columns))
    middle = bottom + COLUMN * tallest / 2
    rows = [middle + COLUMN * ((len(one) - 1) / 2 - np.arange(len(one))) for one in columns]
    lines: dict[bool, list[ArrayLike]] = {True: [], False: []}
    for n in range(len(columns) - 1):
        for a, b in product(range(len(columns[n])), range(len(columns[n + 1]))):
            both = bool(through and columns[n][a] and columns[n + 1][b])
            lines[both].append(((xs[n], rows[n][a]), (xs[n + 1], rows[n + 1][b])))
    strokes(ax, lines[False], 0.6, "grid")
    strokes(ax, lines[True], 1.2, role)
    names = ["input", *(str(n) for n in range(1, len(hidden) + 1)), "output"]
    for x, heights, states, name in zip(xs, rows, columns, names, strict=True):
        for state in (True, False):
            circles(ax, x, heights[states == state], role=role, filled=state, lit=state)
        y = bottom - LINE / 2 - 5
        ax.text(x, y, name, ha="center", va="center", color=colour("faint"))
    verb = "is" if through == 1 else "are"
    said = f"{through:,} of {whole:,} paths {verb} open"
    ax.text(ACROSS / 2, LINE / 2, said, ha="center", va="center", color=colour(role))
    return ax
