"""Stack Exchange dumps: a real one where it is at hand, and files of our own."""

import gzip
import tracemalloc
from pathlib import Path

import pytest

from gnomon.errors import SourceError
from gnomon.sources.driver import drive
from gnomon.sources.network import Network
from gnomon.sources.stackexchange import StackExchange, is_dump

RECORDED = Path(__file__).parent.parent.parent / "shared/data/wire/stackexchange_ai_Posts.xml.gz"
NOW = 1_772_900_000.0
HEAD = '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<posts>\n'
QUESTION = (
    '  <row Id="1" PostTypeId="1" AcceptedAnswerId="3" CreationDate="2016-08-02T15:39:14.947" '
    'Score="-5" ViewCount="154" Body="&lt;p&gt;Why &quot;ferry&quot;? See &lt;a '
    'href=&quot;https://n.example/a?b=1&amp;amp;c&quot;&gt;this&lt;/a&gt;&lt;/p&gt;&#xA;" '
    'OwnerUserId="8" LastEditDate="2016-08-18T13:20:02.773" Title="Ferries" '
    'Tags="&lt;ships&gt;&lt;towns&gt;" AnswerCount="3" ContentLicense="CC BY-SA 3.0" />\n'
)
ANSWER = (
    '  <row Id="{n}" PostTypeId="2" ParentId="1" CreationDate="2016-08-02T15:40:24.820" Score="1" '
    'Body="&lt;p&gt;Answer {n}&lt;/p&gt;" OwnerDisplayName="Ann" />\n'
)


def dump(path, rows, end="</posts>", name="Posts.xml"):
    folder = path / "ships.stackexchange.com"
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(HEAD + rows + end, encoding="utf-8")
    return folder / name


def read(path, cursor=None, **options):
    with Network() as net:
        return list(drive(StackExchange(path, now=lambda: NOW, **options), cursor, network=net))


def test_questions_and_answers(tmp_path):
    wiki = '<row Id="9" PostTypeId="4" Body="x" />'
    path = dump(tmp_path, QUESTION + ANSWER.format(n=3) + wiki)
    (batch,) = read(path)
    question, answer = batch.posts
    assert question.id == "stackexchange:ships.stackexchange.com/1"
    assert question.text == 'Why "ferry"? See this'
    assert (question.title, question.author) == ("Ferries", "user8")
    assert question.url == "https://ships.stackexchange.com/q/1"
    assert question.links == ("https://n.example/a?b=1&c",)
    assert question.counts == {"likes": -5, "replies": 3, "views": 154}
    assert question.extra["tags"] == ["ships", "towns"]
    assert question.extra["edited_at"] == "2016-08-18T13:20:02.773000Z"
    assert question.extra["license"] == "CC BY-SA 3.0"
    assert (answer.reply_to, answer.author) == (question.id, "Ann")
    assert is_dump(path.read_bytes()[:4096])


def test_it_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 7)
    path = dump(tmp_path, QUESTION + "".join(ANSWER.format(n=n) for n in range(2, 60)))
    whole = read(path)
    assert len(whole) > 5
    for cut in range(1, len(whole)):
        rest = read(path, whole[cut - 1].cursor)
        both = [post.id for batch in whole[:cut] + rest for post in batch.posts]
        assert both == [post.id for batch in whole for post in batch.posts]


def test_damage_keeps_what_came_before(tmp_path):
    path = dump(tmp_path, QUESTION + "<row Id='2' PostTypeId=", "")
    batches = []
    with Network() as net, pytest.raises(SourceError, match="is damaged"):
        batches.extend(drive(StackExchange(path), None, network=net))
    assert len(batches[0].posts) == 1


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE p [<!ENTITY a "x"><!ENTITY b "&a;&a;&a;&a;">]>',
        '<!DOCTYPE p [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE p SYSTEM "http://127.0.0.1:1/x.dtd">',
    ],
)
def test_entities_are_refused(tmp_path, doctype):
    path = tmp_path / "Posts.xml"
    path.write_text(f'<?xml version="1.0"?>{doctype}<posts>{QUESTION}</posts>', encoding="utf-8")
    with pytest.raises(SourceError, match="document type or entities"):
        read(path)


def test_an_encoding_that_nobody_knows(tmp_path):
    path = tmp_path / "Posts.xml"
    path.write_text(f'<?xml version="1.0" encoding="uDf-8"?><posts>{QUESTION}</posts>')
    with pytest.raises(SourceError, match="is damaged"):
        read(path)


def test_strange_rows(tmp_path):
    rows = '<row Id="x" PostTypeId="1" Body="y"/><row/><row Id="2" PostTypeId="1" Body=""/>'
    (batch,) = read(dump(tmp_path, rows + ANSWER.format(n=4)))
    assert len(batch.posts) == 1
    assert len(batch.set_aside) == 2


def test_memory_does_not_grow_with_the_file(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 20)
    body = "&lt;p&gt;" + "many words " * 400 + "&lt;/p&gt;"
    # Rows of tags' wikis: they are read and passed over, which is quick under tracemalloc.
    row = ANSWER.replace("Answer {n}", body).replace('PostTypeId="2"', 'PostTypeId="5"')
    path = dump(tmp_path, QUESTION + "".join(row.format(n=n) for n in range(700)))
    packed = tmp_path / "Posts.xml.gz"
    packed.write_bytes(gzip.compress(path.read_bytes(), 1))
    tracemalloc.start()
    with Network() as net:
        n = sum(len(batch.posts) for batch in drive(StackExchange(packed), None, network=net))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert n == 1
    assert path.stat().st_size > 3e6
    # A few pieces of the file, and a batch.
    assert peak < 2.4e6


def test_a_real_dump():
    if not RECORDED.exists():
        pytest.skip("the development data is not here")
    batches = read(RECORDED, site="ai.stackexchange.com")
    posts = [post for batch in batches for post in batch.posts]
    assert len(posts) > 1000
    held = {post.id for post in posts}
    answers = [post for post in posts if post.reply_to]
    assert sum(post.reply_to in held for post in answers) > 0.9 * len(answers)
    assert all(post.created_at and post.author for post in posts[:500])
