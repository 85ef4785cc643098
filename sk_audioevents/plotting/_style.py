"""How things look: colours that stay apart for colour-blind readers and in print, short names."""

# From the palette of M. Okabe and K. Ito, "Color universal design", 2008.
BLUE, VERMILION, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.45"

# Estimates are filled, references are hatched outlines: they differ without colour, too.
ESTIMATE = {"facecolor": BLUE, "edgecolor": BLUE, "linewidth": 0.8}
REFERENCE = {"facecolor": "white", "edgecolor": VERMILION, "linewidth": 0.8, "hatch": "////"}

LEVELS = "cividis"  # from dark to light, whatever the eye
SHORTEST, LONGEST = 10, 28  # characters of a name
PER_INCH = 5.5  # characters of names beside axes, for each inch that these are wide
PER_INCH_OF_TITLE = 11
SMALL = 8.0  # points, of names and numbers where there is room
POINTS = 72  # in an inch


def short(name, longest=LONGEST):
    """Return a name as text that leaves room for the picture: the beginning, if it is long."""
    text = str(name)
    return text if len(text) <= longest else text[: longest - 1].rstrip(" ,") + "…"


def short_names(names, ax, per_inch=PER_INCH):
    """Return names, each as short as the axes beside them ask for."""
    longest = min(max(SHORTEST, int(per_inch * size_of(ax)[0] / POINTS)), LONGEST)
    return [short(name, longest) for name in names]


def size_of(ax):
    """Return the width and height of axes, before there are labels beside them, in points."""
    place = ax.get_position()
    width, height = ax.figure.get_size_inches()
    return POINTS * place.width * width, POINTS * place.height * height


def font_size(room):
    """Return the size of text, in points, on lines that have some points of room each."""
    return min(SMALL, 0.85 * room)
