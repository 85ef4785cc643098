"""Sharing by huggingface_hub: our calls fit its functions, and a folder stands for the hub."""

import inspect
import shutil
import sys
from types import SimpleNamespace

import huggingface_hub
import numpy as np
import pytest
from huggingface_hub import HfApi, hf_hub_download
from huggingface_hub.errors import EntryNotFoundError, LocalEntryNotFoundError

import sk_audioevents
from sk_audioevents.exceptions import ModelFormatError
from sk_audioevents.persistence import from_pretrained, push_to_hub, save_model


class FolderHub:
    """The functions of huggingface_hub that we call, on a folder.

    Arguments that do not fit the signatures of the installed library are errors.
    """

    def __init__(self, folder):
        self.folder = folder
        self.calls = {}

    def bind(self, function, *arguments, **options):
        """Return the arguments of a call by name."""
        bound = inspect.signature(function).bind(*arguments, **options).arguments
        self.calls[function.__name__] = bound
        return bound

    def api(self, **options):
        """Return what stands for HfApi(...)."""
        self.bind(HfApi, **options)
        return self

    def create_repo(self, *arguments, **options):
        """Make the folder."""
        bound = self.bind(HfApi.create_repo, None, *arguments, **options)
        repo_id = bound["repo_id"] if "/" in bound["repo_id"] else f"me/{bound['repo_id']}"
        (self.folder / repo_id).mkdir(parents=True, exist_ok=bound["exist_ok"])
        return SimpleNamespace(repo_id=repo_id)

    def create_branch(self, *arguments, **options):
        """Note that there is a branch."""
        self.bind(HfApi.create_branch, None, *arguments, **options)

    def upload_folder(self, **options):
        """Copy the files."""
        bound = self.bind(HfApi.upload_folder, None, **options)
        shutil.copytree(bound["folder_path"], self.folder / bound["repo_id"], dirs_exist_ok=True)
        return SimpleNamespace(commit_url=f"https://hub.example/{bound['repo_id']}/commit/1")

    def download(self, *arguments, **options):
        """Return the path of a file, by a link as the library's cache has it."""
        bound = self.bind(hf_hub_download, *arguments, **options)
        path = self.folder / bound["repo_id"] / bound["filename"]
        if not path.exists():
            raise EntryNotFoundError(f"404: {bound['filename']}")
        (self.folder / "snapshot").symlink_to(path)
        return str(self.folder / "snapshot")


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Return a hub that is a folder."""
    hub = FolderHub(tmp_path / "hub")
    monkeypatch.setattr(huggingface_hub, "HfApi", hub.api)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", hub.download)
    return hub


def test_a_model_that_was_pushed_is_loaded_again(pipeline, sounds, hub):
    url = push_to_hub(pipeline, "birds", card="From **Ghent**.", token="secret", private=True)
    assert url == "https://hub.example/me/birds/commit/1"
    loaded = from_pretrained("me/birds", revision="v1", token=False)
    np.testing.assert_array_equal(
        loaded.predict_proba(sounds.waveforms), pipeline.predict_proba(sounds.waveforms)
    )
    assert hub.calls["HfApi"]["token"] == "secret"
    assert hub.calls["HfApi"]["library_name"] == "sk_audioevents"
    assert hub.calls["create_repo"]["private"] is True
    assert "create_branch" not in hub.calls
    assert hub.calls["hf_hub_download"]["revision"] == "v1"
    assert hub.calls["hf_hub_download"]["library_version"] == sk_audioevents.__version__


def test_the_readme_has_the_metadata_that_the_hub_reads(pipeline, hub):
    push_to_hub(pipeline, "me/birds", card="From **Ghent**.")
    card = huggingface_hub.ModelCard.load(hub.folder / "me" / "birds" / "README.md")
    assert card.data.library_name == "sk_audioevents"
    assert card.data.pipeline_tag == "audio-classification"
    assert "sound-event-detection" in card.data.tags
    assert "From **Ghent**." in card.text


def test_a_branch_is_made_and_a_pull_request_opened_if_asked_for(pipeline, hub):
    push_to_hub(pipeline, "me/birds", revision="next", create_pr=True, commit_message="Better")
    assert hub.calls["create_branch"]["branch"] == "next"
    assert hub.calls["upload_folder"]["revision"] == "next"
    assert hub.calls["upload_folder"]["create_pr"] is True
    assert hub.calls["upload_folder"]["commit_message"] == "Better"


def test_a_model_that_cannot_be_saved_leaves_no_repository(tiny, hub):
    with pytest.raises(ValueError, match="not fitted"):
        push_to_hub(tiny(), "me/birds")
    assert not hub.calls.keys() - {"HfApi"}


def test_a_folder_or_file_needs_no_hub(pipeline, model_file, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    save_model(pipeline, tmp_path / "model")
    for path in (tmp_path / "model", str(model_file)):
        assert from_pretrained(path).classes_.tolist() == ["chirp", "click", "engine"]


def test_the_extra_is_named_where_it_is_missing(pipeline, monkeypatch):
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    for call in (lambda: push_to_hub(pipeline, "me/birds"), lambda: from_pretrained("me/birds")):
        with pytest.raises(ImportError, match=r"pip install sk_audioevents\[hub\]"):
            call()


def test_a_repository_of_something_else_is_refused(hub):
    with pytest.raises(ModelFormatError, match="'me/other': the repository holds no file 'weights"):
        from_pretrained("me/other")


def test_being_offline_is_no_fault_of_the_repository(monkeypatch):
    def fail(*_, **__):
        raise LocalEntryNotFoundError("cannot be reached")

    monkeypatch.setattr(huggingface_hub, "hf_hub_download", fail)
    with pytest.raises(LocalEntryNotFoundError, match="cannot be reached"):
        from_pretrained("me/birds", local_files_only=True)
