"""The table of AudioSet's classes."""

import pytest

from sk_audioevents.datasets import audioset_classes


def test_there_are_527_different_classes_in_the_order_of_audioset():
    classes = audioset_classes()
    assert list(classes.columns) == ["index", "id", "name"]
    assert classes["index"].tolist() == list(range(527))
    assert classes["id"].is_unique
    assert classes["name"].is_unique
    # Rows of AudioSet's table that are often cited.
    by_index = classes.set_index("index")
    assert by_index.loc[0].tolist() == ["/m/09x0r", "Speech"]
    assert by_index.loc[137].tolist() == ["/m/04rlf", "Music"]
    assert by_index.loc[112].tolist() == ["/m/020bb7", "Bird vocalization, bird call, bird song"]
    assert by_index.loc[433].tolist() == ["/g/122z_qxw", "Firecracker"]
    assert by_index.loc[526].tolist() == ["/m/07hvw1", "Field recording"]


def test_ids_are_those_of_freebase_and_of_its_own_topics():
    assert audioset_classes()["id"].str.fullmatch(r"/[mgt]/[0-9a-z_]{3,}").all()


def test_the_order_of_kumar_et_al_holds_the_same_rows_from_rare_to_frequent():
    official, other = audioset_classes(), audioset_classes(order="kumar2018")
    names = other["name"].tolist()
    assert names[:3] == ["Toothbrush", "Gargling", "Creak"]
    assert names[-3:] == ["Vehicle", "Speech", "Music"]
    assert other.sort_values("index", ignore_index=True).equals(official)


def test_there_is_no_other_order():
    with pytest.raises(ValueError, match="'order' parameter of audioset_classes must be a str"):
        audioset_classes(order="alphabet")
