"""What the tables in a picture of events may be: those of one recording."""

from sk_audioevents._event_table import check_events, path_column


def check_one_recording(events, name, labels, duration, caller):
    """Return a table of events in order, after a look whether it is of one recording."""
    title = f"The {name!r} parameter of {caller}"
    events = check_events(events, name=title, labels=labels, duration=float(duration))
    paths = events["path"].unique()
    if len(paths) > 1:
        raise ValueError(
            f"{title} must hold the events of one recording. Got those of {len(paths)}: take those "
            f"of one, such as {name}[{name}['path'] == {paths[0]!r}]."
        )
    return events


def check_timeline(timeline, caller):
    """Raise unless a timeline is that of one recording."""
    n_paths = timeline.index.get_level_values("path").nunique()
    if n_paths != 1:
        raise ValueError(
            f"The 'timeline' parameter of {caller} must hold the scores of one recording. "
            f"Got those of {n_paths}: timeline.loc[[path]] takes one."
        )


def events_of(reference, path, caller):
    """Return the events of one recording."""
    title = f"The 'reference' parameter of {caller}"
    reference = check_events(reference, name=title)
    own = reference[path_column(reference["path"], title) == path]
    if len(reference) and not len(own):
        raise ValueError(
            f"{title} must hold events of {path!r}. It has none, and others of "
            f"{reference['path'][0]!r}: are the paths spelt alike? For a recording without events, "
            "pass a table without rows."
        )
    return own
