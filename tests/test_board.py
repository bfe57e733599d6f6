"""What is going on, in a real Chromium: the board, a story, digests, sources; over the sample world
and over a small store with an event, a campaign, two thousand copies and hostile words."""

from __future__ import annotations

import gzip
import json
import re
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, Page, expect

from board_worlds import COPIES, END, RISING, busy_world, empty_world
from browser import launched, watched
from gnomon.assemble import Gnomon
from gnomon.ingest import take
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.keys import Keys
from gnomon.types import Batch
from serving import running, sample_world
from test_page_sound import faults, sideways, strangers
from trend_streams import event

PAGE = Path(__file__).parent.parent / "src" / "gnomon" / "serve" / "page"
STORY = "/#story=fire%2F0"
PHONE = {"width": 360, "height": 760}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched() as browser:
        yield browser


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gnomon]:
    with busy_world(tmp_path_factory.mktemp("busy")) as engine:
        engine.rising.trends(86_400.0)
        engine.rising.stories()
        yield engine


@pytest.fixture(scope="module")
def busy(engine: Gnomon) -> Iterator[str]:
    with running(engine) as url:
        yield url


@pytest.fixture(scope="module")
def sample_engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with sample_world(tmp_path_factory.mktemp("sample")) as engine:
        yield engine


@pytest.fixture(scope="module")
def sample(sample_engine: Engine) -> Iterator[str]:
    with running(sample_engine) as url:
        yield url


def board(page: Page, url: str, what: str = "&window=24h") -> None:
    page.goto("about:blank")
    page.goto(f"{url}/#board{what}")
    expect(page.locator(".lists:not([aria-busy])")).to_be_visible(timeout=20_000)


def tell(page: Page, url: str) -> None:
    page.goto("about:blank")
    page.goto(url + STORY)
    expect(page.locator(".lane .dot").first).to_be_visible()


def digest(page: Page, url: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}/#digests")
    expect(page.locator("#digest-go")).to_be_visible()
    if not page.locator(".past a").count():
        page.click("#digest-go")
    expect(page.locator(".digest .one-story").first).to_be_visible(timeout=30_000)


def supply(page: Page, url: str) -> None:
    page.goto("about:blank")
    page.goto(f"{url}/#sources")
    expect(page.locator(".spec").first).to_be_visible()


def opened(page: Page, url: str) -> None:
    board(page, url, "&window=1h")
    page.locator(".rise .head").first.click()
    expect(page.locator(".why .discounted")).to_be_visible()


VIEWS = {"board": board, "opened": opened, "story": tell, "digest": digest, "sources": supply}


# ---------------------------------------------------------------- the board


def test_the_empty_page_begins_with_what_is_told(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(busy)
        told = page.locator("#examples .lately a")
        expect(told.first).to_be_visible()
        title = told.first.locator("span").inner_text()
        told.first.click()
        expect(page.locator("#view h1.title")).to_have_text(title)
        page.go_back()
        expect(told.first).to_be_visible()


def test_what_rises_is_seen_loud_and_supported_apart(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(busy)
        page.get_by_role("link", name="What is going on").click()
        first = page.locator(".rise").first
        expect(first.locator(".label")).to_have_text(RISING)
        expect(first.locator("svg.spark .bar.lit")).not_to_have_count(0)
        expect(first.locator("svg.loud")).to_have_count(1)
        expect(first.locator("svg.supports .style")).to_have_count(8)  # and "+17"
        expect(first.locator(".two")).to_contain_text(
            re.compile("25 posts by 25 people.*25 independent")
        )
        head = first.locator(".head")
        head.click()
        expect(head).to_have_attribute("aria-expanded", "true")
        why = first.locator(".why")
        expect(why).to_contain_text("25 independent voices in the past day")
        expect(why).to_contain_text("All 25 say it in words of their own")
        expect(why.locator(".posts .card")).to_have_count(5)
        head.click()
        expect(why).to_be_hidden()
        expect(page.locator(".asof")).to_contain_text("Everything held is counted.")
        expect(page.locator(".asof")).to_contain_text("by about")
        expect(page.locator("#nav a[aria-current]")).to_have_text("Now")


def test_a_campaign_is_loud_and_counts_for_little(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        board(page, busy, "&window=1h")
        page.get_by_role("button", name=re.compile("^Show .* more")).first.click()
        nearly_all = page.locator(".less", has_text=re.compile(r"^[89]\d% look like one voice$"))
        pushed = page.locator(".rise", has=nearly_all).first
        pushed.locator(".head").click()
        expect(pushed.locator(".cutting")).to_contain_text("in nearly the words of another")
        expect(pushed.locator(".discounted .struck")).to_have_count(1)


def test_window_and_language_narrow_and_stand_in_the_address(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        board(page, busy)
        page.get_by_role("radio", name="week").check()
        expect(page).to_have_url(re.compile("window=7d"))
        expect(page.locator("input[name=window]:checked")).to_be_focused()
        expect(page.locator(".lists:not([aria-busy])")).to_be_visible(timeout=20_000)
        page.get_by_label("Language of the posts").select_option("zh")
        expect(page).to_have_url(re.compile("lang=zh"))
        expect(page.locator(".abstained")).to_contain_text("Try a longer time, or all languages.")
        page.goto("about:blank")
        page.goto(f"{busy}/#board&window=6h&kind=hashtag")
        expect(page.get_by_role("radio", name="6 hours")).to_be_checked()
        expect(page.locator("#board-kind")).to_have_value("hashtag")
        expect(page.locator(".rising")).to_contain_text("Nothing is said more than its own past")


def test_stories_stand_beside_with_what_is_disputed(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        board(page, busy)
        fire = page.locator(".story", has_text="Harbour Street").first
        expect(fire).to_contain_text("2,005 posts by 2,005 people")
        expect(fire).to_contain_text("5 independent origins")
        expect(fire.locator(".badge.disputed")).to_have_text("1 figure disputed")
        page.get_by_role("radio", name="the best supported").check()
        expect(page).to_have_url(re.compile("by=support"))
        fire.locator("a").click()
        expect(page).to_have_url(re.compile("#story="))
        expect(page.locator("h1.title")).to_be_focused()


def test_the_sample_world_says_that_it_is_fiction(browser: Browser, sample: str) -> None:
    with watched(browser, locale="zh-CN", viewport=PHONE) as context:
        page = context.new_page()
        board(page, sample, "")
        expect(page).to_have_url(re.compile("window=7d"))  # nothing rises within its last day
        expect(page.locator("#sample")).to_be_visible()
        expect(page.locator("#sample")).to_contain_text("虚构")
        expect(page.locator(".rise")).not_to_have_count(0)
        expect(page.locator(".story")).not_to_have_count(0)
        page.get_by_role("button", name="Switch to English").click()
        expect(page.locator("h1.title")).to_have_text("What is going on")


def test_nothing_held_and_a_server_that_is_gone(browser: Browser, tmp_path: Path) -> None:
    with (
        empty_world(tmp_path) as engine,
        running(engine) as url,
        watched(browser, allowed="ERR_FAILED") as context,
    ):
        page = context.new_page()
        page.goto(f"{url}/#board")
        expect(page.locator(".abstained")).to_contain_text("Nothing is going on")
        expect(page.locator(".abstained").get_by_role("link", name="Sources")).to_be_visible()
        page.route("**/v1/trends*", lambda route: route.abort())
        page.get_by_role("radio", name="hour", exact=True).check()
        expect(page.get_by_role("alert")).to_contain_text("Is it still running?")
        page.unroute("**/v1/trends*")
        page.get_by_role("button", name="Try again").click()
        expect(page.locator(".abstained")).to_be_visible()


def test_it_updates_itself_and_moves_nothing_under_who_reads(
    browser: Browser, tmp_path: Path
) -> None:
    with (
        busy_world(tmp_path, copies=20) as engine,
        running(engine) as url,
        watched(browser) as context,
    ):
        page = context.new_page()
        page.clock.install()
        board(page, url)
        take(Batch("test", tuple(event("quokka", 30, END + 60))), engine.store)
        page.locator("h1.title").focus()
        page.clock.fast_forward(61_000)
        expect(page.locator(".rise .label", has_text="quokka")).to_be_visible()
        page.locator(".rise .head").first.click()
        take(Batch("test", tuple(event("numbat", 40, END + 3600))), engine.store)
        page.clock.fast_forward(61_000)
        expect(page.locator("#newer")).to_be_visible()
        expect(page.locator(".rise .label", has_text="numbat")).to_have_count(0)
        expect(page.locator(".rise .why").first).to_be_visible()
        page.click("#newer")
        expect(page.locator(".rise .label", has_text="numbat")).to_be_visible()
        page.get_by_label("Updates itself").uncheck()
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url) if "/v1/trends" in one.url else None)
        page.clock.fast_forward(200_000)
        assert not asked


# ---------------------------------------------------------------- a story


def test_a_story_shows_who_copied_whom_and_what_conflicts(
    browser: Browser, busy: str, record_property: Any
) -> None:
    with watched(browser) as context:
        page = context.new_page()
        tell(page, busy)
        expect(page.locator(".lane")).to_have_count(5)
        expect(page.locator(".lane.coordinated")).to_have_count(1)
        expect(page.locator(".lane .count").first).to_have_text(f"× {COPIES // 2 + 1}")
        dots = page.locator(".lane .dot").count()
        assert 20 < dots < 200, "many posts at once are one dot"
        assert page.locator(".unfolded *").count() < 800
        expect(page.locator(".unfolded .hole")).to_have_count(1)  # the other gap is of another time
        expect(page.locator(".missing")).to_contain_text("the stream was cut")
        expect(page.locator(".warn")).to_contain_text("Looks coordinated")
        values = page.locator(".conflict .value")
        assert values.all_inner_texts() == ["three", "five"]
        expect(page.locator(".version").first).to_contain_text(
            re.compile("2 origins · since 7 Mar")
        )
        page.get_by_text("The same as a table").click()
        expect(page.locator(".picture tbody tr")).to_have_count(5)
        expect(page.locator(".picture tbody tr").first).to_contain_text("repost: 1,000")
        page.locator(".lane .touch").nth(1).click()
        expect(page.locator("#panel .held-post")).to_contain_text("smoke over the whole bay")
        page.keyboard.press("Escape")
        page.locator(".quoted").first.click()
        expect(page.locator("#panel .held-post")).to_contain_text("three people were killed")
        page.locator("#panel .close").click()
        expect(page.locator(".quoted").first).to_be_focused()


def test_a_story_of_two_thousand_posts_is_drawn_at_once(
    browser: Browser, busy: str, record_property: Any
) -> None:
    with watched(browser) as context:
        page = context.new_page()
        board(page, busy)
        tell(page, busy)
        began = page.evaluate(
            """async () => {
                location.hash = '#board&window=24h';
                await new Promise(done => setTimeout(done, 800));
                const began = performance.now();
                location.hash = '#story=fire%2F0';
                for (;;) {
                    await new Promise(requestAnimationFrame);
                    if (document.querySelectorAll('.lane .dot').length > 20) break;
                }
                return performance.now() - began;
            }"""
        )
        paint = page.evaluate(
            """async () => {
                const { unfolded } = await import('/page/pictures.js');
                const told = await (await fetch('/v1/stories/fire%2F0')).json();
                const spread = await (await fetch('/v1/spread?post=fire%2F0')).json();
                const time = Date.parse(told.first_seen);
                const members = spread.repeats.flatMap(one => [one, one]).map(one =>
                    ({ time: Date.parse(one.said_at), kind: one.kind }));
                const lane = { id: 'a', author: 'b', time, posts: members.length, members };
                const began = performance.now();
                document.body.append(unfolded(told, [lane], [], 900, () => {}));
                return [members.length, performance.now() - began];
            }"""
        )
    record_property("story_ms", began)
    record_property("paint_ms", paint[1])
    print(
        f"a story of 2,005 posts: {began:.0f} ms to its picture, "
        f"{paint[0]} posts drawn in {paint[1]:.1f} ms"
    )
    assert paint[0] == COPIES


def test_a_story_is_asked_about(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        tell(page, busy)
        page.click("#ask-this")
        expect(page.locator("#question")).to_be_focused()
        expect(page.locator("#question")).to_have_value(
            "Is it true: “Harbour Street warehouse fire, Dunmore: five people were killed.”?"
        )
        page.keyboard.press("Enter")
        expect(page.locator(".turn .answer .facts")).to_be_visible()


def test_a_story_that_is_gone_says_so(browser: Browser, busy: str) -> None:
    with watched(browser, allowed="404") as context:
        page = context.new_page()
        page.goto(f"{busy}/#story=none-such")
        expect(page.get_by_role("alert")).to_contain_text("none-such")


def test_the_spread_of_an_origin_over_http(busy: str) -> None:
    told = json.load(urllib.request.urlopen(f"{busy}/v1/spread?post=fire%2Fr1"))
    assert (told["origin"], told["posts"], len(told["repeats"])) == ("fire/0", 1001, 1000)
    assert {one["kind"] for one in told["repeats"]} == {"repost"}
    times = [one["said_at"] for one in told["repeats"]]
    assert times == sorted(times)
    for query, status in (("", 400), ("?post=none", 404)):
        with pytest.raises(HTTPError) as refused:
            urllib.request.urlopen(f"{busy}/v1/spread{query}")
        assert refused.value.code == status


# ---------------------------------------------------------------- digests and sources


def test_a_digest_is_made_read_and_found_again(browser: Browser, sample: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(f"{sample}/#digests")
        expect(page.locator(".hint")).to_have_text("No digest has been made yet.")
        page.get_by_label("Time", exact=True).select_option("30d")
        page.get_by_label("About (leave empty for everything)").fill("fire at the kiln works")
        page.get_by_role("button", name="Make a digest").click()
        expect(page.locator(".digest h2")).to_be_focused(timeout=30_000)
        expect(page.locator(".digest h2")).to_have_text("Digest: fire at the kiln works")
        story = page.locator(".one-story", has_text="fire").first
        expect(story.locator("svg.loud, svg.supports")).to_have_count(2)
        story.locator(".cite").first.click()
        expect(page.locator("#panel mark")).to_be_visible()
        page.keyboard.press("Escape")
        printable = page.get_by_role("link", name="Page to print or pass on").get_attribute("href")
        assert page.request.get(f"{sample}{printable}").ok
        feed = page.get_by_role("link", name="Atom feed").get_attribute("href")
        assert "<feed" in page.request.get(f"{sample}{feed}").text()
        expect(page).to_have_url(re.compile("#digest="))
        page.reload()
        expect(page.locator(".digest h2")).to_have_text("Digest: fire at the kiln works")
        expect(page.locator(".past a[aria-current]")).to_have_count(1)
        story.locator("h3 a").click()
        expect(page.locator(".unfolded")).to_be_visible()


def test_a_digest_is_stopped(browser: Browser, sample: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.route(
            "**/v1/digests",
            lambda route: route.continue_() if route.request.method == "GET" else None,
        )  # never answered
        page.goto(f"{sample}/#digests")
        page.get_by_role("button", name="Make a digest").click()
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_role("button", name="Make a digest")).to_be_visible()
        expect(page.locator("#said")).to_have_text(re.compile("^Stopped"))


def test_sources_are_watched_paused_added_and_removed(browser: Browser, busy: str) -> None:
    with watched(browser, allowed="status of 400") as context:
        page = context.new_page()
        supply(page, busy)
        held = page.locator(".source", has_text="last item")
        expect(held.locator(".gapaxis .hole")).to_have_count(2)
        expect(held).to_contain_text("Known gaps (2)")
        box = page.get_by_label("A source: its short name or address")
        box.fill("no such thing")
        page.get_by_role("button", name="Follow it").click()
        expect(page.get_by_role("alert")).to_contain_text("no such thing")
        box.fill("hn")
        page.get_by_role("button", name="Follow it").click()
        mine = page.locator(".spec[data-spec=hn]")
        expect(mine).to_be_visible()
        expect(box).to_have_value("")
        mine.get_by_role("button", name="Pause: hn").click()
        expect(mine.locator(".badge")).to_have_text("paused")
        mine.get_by_role("button", name="Go on: hn").click()
        expect(mine.locator(".badge")).not_to_have_text("paused")
        mine.get_by_role("button", name="Remove: hn").click()
        mine.get_by_role("button", name="Cancel").click()
        mine.get_by_role("button", name="Remove: hn").click()
        mine.get_by_role("button", name=re.compile("^Yes, remove")).click()
        expect(mine).to_have_count(0)
        box.fill("http://127.0.0.1:9/feed")
        page.get_by_role("button", name="Try it").click()
        expect(page.locator(".tried .trouble")).to_contain_text("is refused")


def test_who_may_only_ask_changes_no_source(
    browser: Browser, engine: Gnomon, tmp_path: Path
) -> None:
    database = Database(tmp_path / "server.db")
    whole, _ = Keys(database).create(scopes=("ask",))
    with running(engine, database=database) as url, watched(browser, allowed="401") as context:
        page = context.new_page()
        page.goto(f"{url}/#sources")
        page.locator("#sheet").get_by_label("Key").fill(whole)
        page.keyboard.press("Enter")
        expect(page.locator(".spec").first).to_be_visible()
        expect(page.locator("#view")).to_contain_text("Only the owner")
        expect(page.locator("#source-add, .does button")).to_have_count(0)


# ---------------------------------------------------------------- for everybody


def test_no_pointer_is_needed(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(busy)
        # The page puts the cursor into its box when it is ready; before that, keys are not its own.
        expect(page.get_by_role("textbox", name="Your question")).to_be_focused()
        page.evaluate("document.activeElement.blur()")
        page.keyboard.press("g")
        page.keyboard.press("b")
        expect(page.locator(".rise").first).to_be_visible()

        def tab_to(locator: str, most: int = 40) -> None:
            for _ in range(most):
                page.keyboard.press("Tab")
                if page.evaluate("s => document.activeElement.matches(s)", locator):
                    return
            raise AssertionError(f"{locator} is not reached with Tab")

        tab_to(".rise .head")
        page.keyboard.press("Enter")
        tab_to(".why .card")
        page.keyboard.press("Enter")
        expect(page.locator("#panel .held-post")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.locator(".why .card").first).to_be_focused()
        tab_to(".story a", 80)
        page.keyboard.press("Enter")
        expect(page.locator(".lane").first).to_be_visible()
        tab_to(".picture summary")
        page.keyboard.press("Enter")
        tab_to(".picture tbody button")
        page.keyboard.press("Enter")
        expect(page.locator("#panel .held-post")).to_be_visible()
        page.keyboard.press("Escape")
        tab_to(".quoted")


@pytest.mark.parametrize(("locale", "width"), [("en-GB", 1280), ("zh-CN", 360)])
def test_every_view_is_accessible_fits_and_keeps_strangers_words_words(
    browser: Browser, busy: str, locale: str, width: int
) -> None:
    axe = Axe()
    found: list[str] = []
    shown = ""
    size = {"width": width, "height": 800}
    with watched(browser, locale=locale, viewport=size, reduced_motion="reduce") as context:
        page = context.new_page()
        for name, view in VIEWS.items():
            view(page, busy)
            shown += page.locator("body").inner_text()
            told = [strangers(page), sideways(page, width)]
            for theme in ("light", "dark"):
                page.evaluate("t => document.documentElement.dataset.theme = t", theme)
                told += [f"{theme}: {fault}" for fault in faults(axe, page)]
            found += [f"{name}: {fault}" for fault in told if fault]
    assert not found, "\n".join(found)
    assert shown.count("<script>") >= 3, "the attack was shown, as words"


def test_both_languages_say_the_same_things(browser: Browser, busy: str) -> None:
    with watched(browser) as context:
        page = context.new_page()
        page.goto(busy)
        shapes = page.evaluate(
            """async () => {
                const shape = (value) => value && typeof value === 'object' && !Array.isArray(value)
                    ? Object.fromEntries(Object.keys(value).sort().map(k => [k, shape(value[k])]))
                    : typeof value === 'function' ? 'f' : 's';
                const of = async (name) => {
                    const words = (await import(`/page/words.${name}.js`)).default;
                    return ['now', 'tale', 'brief', 'supply', 'titles'].map(k => shape(words[k]));
                };
                return [await of('en'), await of('zh')];
            }"""
        )
    assert shapes[0] == shapes[1]
    text = "".join((PAGE / f"{n}.js").read_text() for n in ("board", "story", "digest", "sources"))
    for place, words in zip(("now", "tale", "brief", "supply"), shapes[0], strict=False):
        unused = [key for key in words if not re.search(rf"\bt\.{place}\.{key}\b", text)]
        assert not unused, f"nothing shows {place}.{unused}"


def test_the_files_come_compressed_where_that_is_taken(busy: str) -> None:
    held = (PAGE / "board.js").read_bytes()
    for accepted, coded in (
        ("gzip, br", True),
        ("gzip;q=0", False),
        ("identity", False),
        ("x-gzip", False),
    ):
        request = urllib.request.Request(
            f"{busy}/page/board.js", headers={"accept-encoding": accepted}
        )
        with urllib.request.urlopen(request) as answer:
            body = answer.read()
            assert (answer.headers["content-encoding"] == "gzip") == coded
            assert "accept-encoding" in answer.headers["vary"]
        assert (gzip.decompress(body) if coded else body) == held
