"""The documentation in a real browser: no errors, found, heard, readable by all, on a phone too."""

import json
from html.parser import HTMLParser
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

PAGES = [
    "index.html",
    "tutorial.html",
    "comparison.html",
    "user_guide/index.html",
    "user_guide/pitfalls.html",
    "user_guide/classification.html",
    "user_guide/metrics.html",
    "benchmarks/frontend.html",
    "api.html",
    "generated/sk_audioevents.VGGEventClassifier.html",
    "auto_examples/index.html",
    "auto_examples/plot_augmentation.html",
]
EXAMPLE_WITH_PLAYERS = "auto_examples/plot_augmentation.html"


@pytest.mark.parametrize("page", PAGES)
def test_page_reports_no_error(open_page, page):
    assert open_page(page).problems == []


@pytest.mark.parametrize("page", PAGES)
def test_phone_needs_no_sideways_scrolling(open_page, page):
    opened = open_page(page, size="phone")
    too_wide = opened.evaluate(
        """() => {
            const limit = document.documentElement.clientWidth;
            const scrolls = (e) => e && e.tagName !== "BODY" && (
                ["auto", "scroll"].includes(getComputedStyle(e).overflowX)
                || scrolls(e.parentElement));
            const wide = [...document.querySelectorAll("article *")]
                .filter((e) => e.getBoundingClientRect().right > limit + 1)
                .filter((e) => !scrolls(e));
            if (document.documentElement.scrollWidth > limit) wide.push(document.body);
            return wide.map((e) => e.outerHTML.slice(0, 120));
        }"""
    )
    assert too_wide == []


def test_search_finds_explain_lrp(open_page):
    page = open_page("search.html?q=explain_lrp")
    page.wait_for_selector("#search-results li a")
    links = page.eval_on_selector_all("#search-results li a", "links => links.map(a => a.href)")
    assert any("sk_audioevents.explain.explain_lrp.html" in link for link in links)


def test_players_play(open_page, html):
    if "<audio" not in (html / EXAMPLE_WITH_PLAYERS).read_text(encoding="utf-8"):
        pytest.skip("The pages were built without running the examples.")
    page = open_page(EXAMPLE_WITH_PLAYERS)
    times = page.evaluate(
        """async () => {
            const played = [];
            for (const player of document.querySelectorAll("audio")) {
                player.muted = true;
                await player.play();
                await new Promise((done) => player.addEventListener("timeupdate", done));
                await new Promise((done) => setTimeout(done, 300));
                played.push([player.duration, player.currentTime]);
                player.pause();
            }
            return played;
        }"""
    )
    assert len(times) >= 6
    assert all(duration > 1 and now > 0 for duration, now in times)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("page", PAGES)
def test_page_is_accessible(open_page, page, scheme):
    opened = open_page(page, scheme=scheme)
    opened.evaluate("scheme => { document.documentElement.dataset.theme = scheme; }", scheme)
    opened.add_script_tag(content=axe())
    result = opened.evaluate(
        "() => axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa']})"
    )
    found = [
        f"{problem['id']}: {node['html'][:120]} {node['any'][0]['message'] if node['any'] else ''}"
        for problem in result["violations"]
        for node in problem["nodes"]
    ]
    assert not found, "\n".join(found[:10])


def axe():
    """Return the source of axe-core, which comes with axe-playwright-python."""
    package = find_spec("axe_playwright_python")
    if package is None:
        pytest.skip("axe-playwright-python is not installed.")
    return (Path(package.origin).parent / "axe.min.js").read_text(encoding="utf-8")


def test_dark_and_light_differ(open_page):
    colour = "() => getComputedStyle(document.body).backgroundColor"
    assert len({open_page("index.html", scheme=s).evaluate(colour) for s in ("light", "dark")}) == 2


class Links(HTMLParser):
    """The addresses that a page links to and loads, and the places in it that can be linked to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.places = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        """Note what a tag links to, and its name."""
        attributes = dict(attributes)
        self.places.add(attributes.get("id"))
        self.targets += [attributes[name] for name in ("href", "src") if attributes.get(name)]


def test_links_within_the_site_lead_somewhere(html):
    pages = {path: Links(path) for path in html.rglob("*.html") if "_static" not in path.parts}
    broken = []
    for path, links in pages.items():
        for target in links.targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            to = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not to.exists():
                broken.append(f"{path.relative_to(html)}: {target}")
            elif parts.fragment and to in pages and parts.fragment not in pages[to].places:
                broken.append(f"{path.relative_to(html)}: no place {target}")
    assert not broken, json.dumps(broken[:20], indent=1)
