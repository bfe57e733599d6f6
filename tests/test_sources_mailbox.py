"""Mailing lists: mbox files and maildirs that the standard library writes."""

import mailbox
from email.message import EmailMessage

import pytest

from gnomon.errors import SourceError
from gnomon.sources.driver import drive
from gnomon.sources.mailbox import Mailbox, is_maildir, is_mbox
from gnomon.sources.network import Network

NOW = 1_772_900_000.0


def letter(n, text=None, **headers):
    made = EmailMessage()
    fields = {
        "From": f"Ann Lee <ann{n}@home.example>",
        "To": "list@lists.example",
        "Subject": f"Ferry {n}",
        "Date": "Sat, 07 Mar 2026 10:30:00 +0100",
        "Message-ID": f"<m{n}@home.example>",
        "List-Id": "Ships <ships.lists.example>",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    for name, value in fields.items():
        if value:
            made[name] = value
    made.set_content(text or f"Ferry number {n} runs again.\n")
    return made


def mbox(path, *letters):
    box = mailbox.mbox(path)
    for one in letters:
        box.add(one)
    box.close()
    return path


def read(path, cursor=None):
    with Network() as net:
        return list(drive(Mailbox(path, now=lambda: NOW), cursor, network=net))


def posts(batches):
    return [post for batch in batches for post in batch.posts]


def test_a_letter_with_everything(tmp_path):
    text = (
        "On Friday Bob <bob@else.example> wrote:\n> The bridge is shut.\n> For good.\n\n"
        "Not so, see https://n.example/a. Write to ann@home.example or ann at home.example.\n"
        "From here on it is open.\n-- \nAnn, +44 1234\n"
    )
    first = letter(1)
    answer = letter(2, text, In_Reply_To="<m1@home.example>", Archived_At="<https://l.example/2>")
    parent, post = posts(read(mbox(tmp_path / "ships.mbox", first, answer)))
    assert post.source == "mail:ships.mbox"
    assert (post.author, post.title) == ("Ann Lee", "Ferry 2")
    assert post.reply_to == parent.id
    assert post.created_at == 1772875800.0
    assert post.url == "https://l.example/2"
    assert post.links == ("https://n.example/a",)
    assert "The bridge is shut" not in post.text
    assert "+44" not in post.text
    assert "From here on it is open." in post.text
    assert "home.example" not in repr(post)
    assert "else.example" not in repr(post)
    assert post.extra == {"list": "ships.lists.example"}


def test_html_encodings_and_attachments(tmp_path):
    only = EmailMessage()
    only["From"] = "=?utf-8?b?546L?= <w@x.example>"
    only["Subject"] = "=?utf-8?q?=E6=B8=A1=E8=BD=AE?="
    only.set_content("<p>渡轮九点开。</p><script>x()</script>", subtype="html", charset="gb18030")
    both = letter(2, "Plain words.")
    both.add_alternative("<p>HTML words.</p>", subtype="html")
    both.add_attachment(b"secret", maintype="text", subtype="plain", filename="a.txt")
    first, second = posts(read(mbox(tmp_path / "x.mbox", only, both)))
    assert (first.text, first.author, first.title) == ("渡轮九点开。", "王", "渡轮")
    assert second.text == "Plain words."


def test_what_is_refused(tmp_path):
    closed = letter(1, X_No_Archive="Yes")
    nobody = letter(2, From="")
    (batch,) = read(mbox(tmp_path / "x.mbox", closed, nobody, letter(3)))
    assert len(batch.posts) == 1
    reasons = [aside.reason for aside in batch.set_aside]
    assert "not archived" in reasons[0]
    assert "no sender" in reasons[1]


def test_a_list_that_grows(tmp_path):
    path = mbox(tmp_path / "x.mbox", *[letter(n, "Words. " * 500) for n in range(5)])
    first = read(path)
    mbox(path, letter(5), letter(6))
    later = posts(read(path, first[-1].cursor))
    assert [post.title for post in later] == ["Ferry 5", "Ferry 6"]
    path.unlink()
    mbox(path, letter(9))
    assert [post.title for post in posts(read(path, first[-1].cursor))] == ["Ferry 9"]


def test_it_goes_on_where_it_was_cut(tmp_path, monkeypatch):
    monkeypatch.setattr("gnomon.sources.gather.BATCH_ROWS", 3)
    path = mbox(
        tmp_path / "x.mbox", *[letter(n, f"From {n} to 2026\n\nFrom me") for n in range(20)]
    )
    whole = read(path)
    assert len(posts(whole)) == 20
    for cut in range(1, len(whole)):
        rest = read(path, whole[cut - 1].cursor)
        assert [p.id for p in posts(whole[:cut] + rest)] == [p.id for p in posts(whole)]


def test_a_maildir(tmp_path):
    box = mailbox.Maildir(tmp_path / "list")
    for n in range(4):
        box.add(letter(n))
    assert is_maildir(tmp_path / "list")
    first = read(tmp_path / "list")
    assert len(posts(first)) == 4
    assert posts(read(tmp_path / "list", first[-1].cursor)) == []


def test_hostile_letters(tmp_path):
    path = tmp_path / "x.mbox"
    raw = (
        b"From a@b Sat Mar  7 10:30:00 2026\nFrom: =?bad?q?=ff?= <a@b.example>\n"
        b"Content-Type: text/plain; charset=no-such\nDate: never\n\nWords\n\n"
        b"From a@b Sat Mar  7 10:30:00 2026\nFrom: x\nContent-Type: multipart/mixed; boundary=q\n\n"
        + b"--q\nContent-Type: multipart/mixed; boundary=q\n\n"
        * 300
        + b"\n\nFrom a@b Sat Mar  7 10:30:00 2026\nFrom: y\nContent-Transfer-Encoding: base64\n"
        b"\n\xff\xfe!!!!\n\n"
        + b"From a@b Sat Mar  7 10:30:00 2026\nFrom: z <z@z.example>\n\nLast\n"
    )
    path.write_bytes(raw)
    assert is_mbox(raw[:4096])
    assert not is_mbox(b"From: x\n\n")
    texts = [post.text for post in posts(read(path))]
    assert (texts[0], texts[-1]) == ("Words", "Last")
    with pytest.raises(SourceError, match="cannot be read"):
        read(tmp_path / "none.mbox")
