"""The built site behind a server on this machine, and a browser that looks at it."""

import functools
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

SIZES = {"wide": {"width": 1400, "height": 900}, "phone": {"width": 375, "height": 740}}


class QuietHandler(SimpleHTTPRequestHandler):
    """A handler that does not print each request."""

    def log_message(self, *args):
        """Print nothing."""


@pytest.fixture(scope="session")
def html():
    """Folder of the built pages, which ``SK_AUDIOEVENTS_DOCS_HTML`` names."""
    folder = os.environ.get("SK_AUDIOEVENTS_DOCS_HTML")
    if folder is None:
        pytest.skip("SK_AUDIOEVENTS_DOCS_HTML does not name built pages: run tox -e docs,browser.")
    assert Path(folder, "index.html").exists(), f"There are no pages in {folder}."
    return Path(folder)


@pytest.fixture(scope="session")
def site(html):
    """Address of the pages on this machine."""
    handler = functools.partial(QuietHandler, directory=str(html))
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="session")
def browser():
    """Chromium: playwright's own, or the system's."""
    playwright = pytest.importorskip("playwright.sync_api")
    with playwright.sync_playwright() as started:
        own = Path(started.chromium.executable_path)
        executable = own if own.exists() else shutil.which("chromium")
        if executable is None:
            pytest.skip("There is no Chromium: playwright install chromium, or apt install it.")
        browser = started.chromium.launch(executable_path=executable, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(site, browser):
    """Return a function that opens a page of the site, offline but for the site itself."""
    contexts = []

    def visit(path, *, size="wide", scheme="light"):
        context = browser.new_context(viewport=SIZES[size], color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.problems = []
        page.on("console", lambda message: note_message(page, message))
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        context.route("**/*", lambda route: only_the_site(route, site))
        page.goto(f"{site}/{path}", wait_until="load")
        return page

    yield visit
    for context in contexts:
        context.close()


def note_message(page, message):
    """Keep the errors that a page reports, but for what it cannot load without a network."""
    if message.type == "error" and "ERR_FAILED" not in message.text:
        page.problems.append(message.text)


def only_the_site(route, site):
    """Let requests to the site and to data in the page pass, and no other."""
    if route.request.url.startswith((site, "data:", "blob:")):
        route.continue_()
    else:
        route.abort()
