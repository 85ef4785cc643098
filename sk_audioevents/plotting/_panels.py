"""Where displays draw: on axes that were given, or on a new figure, in one panel or several."""

from numbers import Integral

INSTALL = 'pip install "sk_audioevents[examples]"'
GAP = 0.05  # between panels, as a share of the height of all


def import_pyplot(caller):
    """Return matplotlib.pyplot, or tell how to install it.

    Parameters
    ----------
    caller : str
        What needs it.

    Returns
    -------
    pyplot : module
        The module.

    Raises
    ------
    ImportError
        If matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(f"{caller} needs matplotlib: {INSTALL}") from error
    return plt


def check_axes(ax, caller, figsize):
    """Return the axes to draw on, those of a new figure if none were given.

    Parameters
    ----------
    ax : Axes or None
        The axes that the user gave.
    caller : str
        What draws, for errors.
    figsize : tuple of two floats or None
        Width and height of a new figure, in inches. None where axes were given.

    Returns
    -------
    ax : Axes
        The axes.
    """
    plt = import_pyplot(caller)
    if ax is None:
        _, ax = plt.subplots(figsize=figsize, layout="constrained")
    elif not isinstance(ax, plt.Axes):
        raise TypeError(
            f"The 'ax' parameter of {caller} must be matplotlib Axes. Got {type(ax).__name__} "
            "instead: is it a figure, or an array of axes?"
        )
    return ax


def stack_panels(ax, heights):
    """Divide axes into panels, one above the other, that share the x axis.

    Parameters
    ----------
    ax : Axes
        The axes, which are blank from then on.
    heights : sequence of floats
        The relative heights of the panels, from the top.

    Returns
    -------
    panels : list of Axes
        The panels, from the top. Only the lowest has labels on its x axis.
    """
    ax.set_axis_off()
    unit = (1 - GAP * (len(heights) - 1)) / sum(heights)
    panels, top = [], 1.0
    for height in heights:
        place = [0, top - unit * height, 1, unit * height]
        panels.append(ax.inset_axes(place, sharex=panels[0] if panels else None))
        top -= unit * height + GAP
    for panel in panels[:-1]:
        panel.tick_params(labelbottom=False)
    return panels


def colorbar_beside(ax, mappable, label, **style):
    """Draw a colour bar to the right of a panel, so that panels keep a common width.

    Parameters
    ----------
    ax : Axes
        The panel.
    mappable : ScalarMappable
        What is drawn in it.
    label : str
        What the colours mean, with the unit.
    **style : dict
        Parameters of ``Figure.colorbar``.

    Returns
    -------
    colorbar : Colorbar
        The colour bar.
    """
    place = ax.inset_axes([1.015, 0, 0.02, 1])
    return ax.figure.colorbar(mappable, cax=place, label=label, **style)


def check_one_of(value, name, allowed, caller):
    """Raise unless a parameter is one of some strings."""
    if value not in allowed:
        raise ValueError(
            f"The {name!r} parameter of {caller} must be one of {', '.join(map(repr, allowed))}. "
            f"Got {value!r} instead."
        )


def check_count(value, name, least, caller):
    """Raise unless a parameter is an int from some least one on."""
    if not isinstance(value, Integral) or isinstance(value, bool) or value < least:
        raise ValueError(
            f"The {name!r} parameter of {caller} must be an int from {least} on. "
            f"Got {value!r} instead."
        )
