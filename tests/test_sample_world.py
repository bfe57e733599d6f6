"""The sample world is whole, marked as fiction, and what the case files say about it is there."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from case_files import claims, questions, says
from gnomon import sample
from gnomon.types import Post
from gnomon.wire import parse_time, post_from_json

DATA = Path(sample.__file__).parent
GOLD = json.loads((Path(__file__).parent / "sample_origins.json").read_text(encoding="utf-8"))
FIRST, LAST = parse_time("2026-03-02T00:00:00Z"), sample.NOW
LABELS = {"supported", "refuted", "disputed", "not_enough_evidence"}


def rows(name: str) -> list[dict]:
    lines = (DATA / f"{name}.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line) for line in lines if line]


BY_ID = {row["id"]: row for row in rows("posts") + rows("articles")}
EDITED = {row["id"]: row for row in rows("edits")}
DELETED = {row["post"] for row in rows("deletions")}
HELD = {key: row for key, row in {**BY_ID, **EDITED}.items() if key not in DELETED}


def test_every_row_is_a_post_and_comes_back_whole():
    for row in rows("posts") + rows("articles") + rows("edits"):
        post = post_from_json(row, source="sample", fetched_at=0.0)
        assert post.text.strip() == post.text != ""
        assert post.source.startswith("sample:")
        assert FIRST <= post.created_at < post.fetched_at < LAST, post.id
        assert post.author
        assert post.lang in {"en", "zh"}


def test_ids_are_unique_and_references_point_back_in_time():
    assert len(BY_ID) == len(rows("posts")) + len(rows("articles"))
    for row in rows("posts"):
        for name in ("reply_to", "repost_of", "quotes"):
            if name in row:
                assert BY_ID[row[name]]["created_at"] < row["created_at"], row["id"]
    urls = Counter(row["url"] for row in BY_ID.values())
    assert max(urls.values()) == 1


def test_everything_is_marked_as_fiction():
    for row in rows("posts") + rows("articles") + rows("edits"):
        assert row["fiction"] is True
        assert "fiction" in row["labels"]
    assert all(row["notice"].startswith("Fiction:") for row in rows("articles"))
    assert all("satire" in r["labels"] for r in BY_ID.values() if "gull" in r["author"].lower())
    assert "**This is fiction.**" in (DATA / "README.md").read_text(encoding="utf-8")


def test_no_address_is_real():
    for path in DATA.glob("*.jsonl"):
        for url in re.findall(r"https?://[^\s\"\\]+", path.read_text(encoding="utf-8")):
            assert urlsplit(url).hostname.rpartition(".")[2] in {"example", "invalid"}, url
        assert not re.search(r"\b[\w-]+\.(?:com|org|net|io|cn)\b", path.read_text(encoding="utf-8"))


def test_size_languages_and_noise():
    posts, articles = rows("posts"), rows("articles")
    chinese = sum(row["lang"] == "zh" for row in posts) / len(posts)
    assert 400 <= len(posts) <= 500
    assert len(articles) == 30
    assert sum(row["lang"] == "zh" for row in articles) == 8
    assert 0.25 <= chinese <= 0.35
    assert len(GOLD["noise"]) / len(posts) >= 0.4


def test_articles_have_the_length_of_articles():
    for row in rows("articles"):
        if row["lang"] == "en":
            assert 120 <= len(row["text"].split()) <= 350, row["id"]
        else:
            assert 200 <= len(re.findall("[\u4e00-\u9fff]", row["text"])) <= 500, row["id"]


def test_edits_and_deletions_refer_to_held_posts():
    for row in rows("edits"):
        old = BY_ID[row["id"]]
        assert old["text"] != row["text"]
        assert old["created_at"] < row["edited_at"] < row["fetched_at"]
    for row in rows("deletions"):
        assert BY_ID[row["post"]]["fetched_at"] < row["at"]
        assert parse_time(row["at"]) < LAST
    assert not DELETED & set(EDITED)


def test_the_biggest_story_is_many_posts_of_three_origins():
    families = [GOLD["origins"][root] for root in GOLD["stories"]["bridge"]]
    assert len(families) == 3
    assert [len(family) for family in families] == [29, 27, 14]
    members = {key for family in families for key in family}
    assert len(members) == 70
    about = re.compile(r"barge|crack|pier 2|second pier", re.IGNORECASE)
    linking = ("https://courier", "https://gazette", "https://pellpost", "https://wire")
    for key in members:
        text = BY_ID[key]["text"]
        assert about.search(text) or any(link in text for link in linking), key


def test_the_campaign_is_fifty_loud_accounts_within_minutes():
    english, chinese = (GOLD["origins"][root] for root in GOLD["stories"]["campaign"])
    assert (len(english), len(chinese)) == (38, 12)
    lies = [BY_ID[key] for key in english + chinese]
    times = [parse_time(row["created_at"]) for row in lies]
    assert len({row["author"] for row in lies}) == len(lies) == 50
    assert max(times) - min(times) < 30 * 60
    quiet = [r for r in BY_ID.values() if r["author"] in {"ondle_water", "county_health"}]
    assert len(quiet) == 3
    assert max(r["counts"]["likes"] for r in quiet) < min(r["counts"]["likes"] for r in lies)


def test_origins_share_no_post_and_begin_with_their_earliest():
    seen = Counter(key for family in GOLD["origins"].values() for key in family)
    assert max(seen.values()) == 1
    for root, family in GOLD["origins"].items():
        assert root in family
        assert all(BY_ID[root]["created_at"] <= BY_ID[key]["created_at"] for key in family), root
    assert not set(GOLD["noise"]) & set(seen)


def test_batches_are_the_whole_world_in_order_and_the_same_twice():
    batches = list(sample.batches())
    assert batches == list(sample.batches())
    days = [post for batch in batches[:-2] for post in batch.posts]
    assert [p.time for p in days] == sorted(p.time for p in days)
    assert {p.id for p in days} == set(BY_ID)
    assert [p.id for p in batches[-2].posts] == [row["id"] for row in rows("edits")]
    assert {d.post for d in batches[-1].deletions} == DELETED
    assert batches[-1].cursor == "complete"
    assert all(isinstance(post, Post) and post.extra["fiction"] is True for post in days)


def test_examples_are_in_both_languages():
    assert len(sample.EXAMPLES) >= 6
    assert {lang for _, lang in sample.EXAMPLES} == {"en", "zh"}


def test_reading_the_sample_loads_nothing_heavy():
    code = (
        "import sys; from gnomon import sample; list(sample.batches())\n"
        "print(sorted({'numpy', 'httpx', 'tantivy', 'apsw', 'faiss'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# ------------------------------------------------------------------------------- the case files


def test_cases_are_many_balanced_and_split_in_halves():
    asked, checked = questions(), claims()
    assert len(asked) >= 60
    assert len(checked) >= 40
    assert len({case["id"] for case in asked + checked}) == len(asked) + len(checked)
    chinese = sum(case["lang"] == "zh" for case in asked) / len(asked)
    nobody = sum(case["expect"]["abstained"] is not False for case in asked) / len(asked)
    assert 0.3 <= chinese <= 0.4
    assert 0.2 <= nobody <= 0.4
    for cases in (asked, checked):
        assert 0.45 <= sum(case["dev"] for case in cases) / len(cases) <= 0.55


@pytest.mark.parametrize("case", questions() + claims(), ids=lambda case: case["id"])
def test_a_case_follows_from_what_is_held(case):
    named = set(re.findall(r"\b[a-z]+/\d{2,4}\b", case["why"]))
    expect = case["expect"] if "question" in case else {**case, "label": case["expect"]}
    assert {expect["label"], *expect.get("also_fair", ())} <= LABELS | {None}
    assert parse_time(case["now"]) <= LAST
    wanted = set(expect.get("cites_any", ()))
    assert named | wanted | set(expect.get("cites_none", ())) <= set(BY_ID)
    assert wanted <= set(HELD), "a case wants a deleted post cited"
    if wanted and "arithmetic" not in case["tags"]:
        texts = [HELD[key].get("title", "") + "\n" + HELD[key]["text"] for key in wanted]
        words = expect.get("contains_any", ())
        assert not words or any(says(text, word) for text in texts for word in words)
        for word in expect.get("contains_all", ()):
            assert any(says(text, word) for text in texts), word
    for word in [*expect.get("contains_none", ()), *expect.get("never", ())]:
        assert isinstance(word, str)


@pytest.mark.parametrize(
    ("text", "pattern", "expected"),
    [
        ("12,000 people came", "12,000|12000", True),
        ("12,000 people came", "12", False),
        ("at 3.12 m", "12", False),
        ("12 trees.", "12", True),
        ("Only FOUR were hurt", "4|four", True),
        ("倒树12棵", "12", True),
        ("240 crowns", "4", False),
    ],
)
def test_words_are_found_but_not_inside_longer_numbers(text, pattern, expected):
    assert says(text, pattern) is expected
