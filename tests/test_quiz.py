"""Human or machine: the statistics against known values, sets as they are read, rounds over a real
port, and a client that cheats and learns nothing."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import quiz_worlds
from command import gnomon as command
from gnomon.assemble.quiz import Quiz
from gnomon.cli import main
from gnomon.config import load
from gnomon.errors import InputError, NotFound
from gnomon.quiz import dealing, folder, statistics
from gnomon.serve.contract import Engine
from gnomon.serve.database import Database
from gnomon.serve.departed import Departed
from gnomon.serve.keys import Keys
from gnomon.serve.policy import Policy
from gnomon.serve.quiz_rows import QuizRows
from gnomon.serve.users import Users
from gnomon.types.quiz import By, Exhibit, Exhibition, Said
from serving import running, sample_world

pytest.importorskip("PIL", reason="pictures need gnomon[draw]")

Data = dict[str, Any]
OTHER: dict[By, By] = {"machine": "person", "person": "machine"}

# ------------------------------------------------------------------------ statistics


@pytest.mark.parametrize(
    ("times", "of", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611),
     (1, 29, 0.0061, 0.1718)],
)  # fmt: skip
def test_wilson_gives_the_published_intervals(times: int, of: int, low: float, high: float) -> None:
    """Newcombe 1998, table I, method 3 (https://doi.org/10.1002/(SICI)1097-0258(19980430)17:8)."""
    found = statistics.wilson(times, of)
    assert (round(found.low, 4), round(found.high, 4)) == (low, high)
    mirrored = statistics.wilson(of - times, of)
    assert (mirrored.low, mirrored.high) == pytest.approx((1 - found.high, 1 - found.low))


def test_sensitivity_by_hand() -> None:
    """20 of 25 and 10 of 25: z(20.5/26) = 0.80108, z(10.5/26) = -0.24342 (tables)."""
    prime, bias = statistics.sensitivity(20, 25, 10, 25)
    assert (prime, bias) == pytest.approx((1.0445, -0.2788), abs=1e-4)
    assert statistics.sensitivity(7, 10, 7, 10)[0] == 0
    # Nobody is wrong: without the correction d' would have no bound.
    assert statistics.sensitivity(10, 10, 0, 10)[0] == pytest.approx(2 * 1.69062, abs=1e-4)


@pytest.mark.parametrize(
    ("p", "freedom", "value"),
    [(0.975, 9, 2.2622), (0.95, 9, 1.8331), (0.975, 30, 2.0423), (0.95, 120, 1.6577)],
)
def test_students_quantiles_are_those_of_the_tables(p: float, freedom: int, value: float) -> None:
    assert statistics.student(p, freedom) == pytest.approx(value, abs=2e-4)


def said(person: str, round: str, right: int, of: int) -> list[Said]:
    kinds: list[By] = ["machine", "person"]
    return [Said(person, round, (by := kinds[n % 2]), by if n < right else OTHER[by])
            for n in range(of)]  # fmt: skip


def test_nothing_answered_shows_nothing() -> None:
    found = statistics.score([])
    assert (found.right.of, found.right.share, found.d_prime, found.bias) == (0, None, None, None)
    assert (found.differs, found.equivalent, found.chance) == ("", False, 0.5)


def test_one_persons_score_is_wilsons_and_says_whose_it_is() -> None:
    found = statistics.score(said("ada", "a", 18, 20))
    assert (found.interval, found.people, found.rounds) == ("wilson", 1, 1)
    assert found.right.share == statistics.wilson(18, 20)
    assert found.differs == "above"
    assert (found.machine_as_person.times, found.machine_as_person.of) == (1, 10)
    assert (found.person_as_machine.times, found.person_as_machine.of) == (1, 10)
    assert found.d_prime is not None
    assert found.d_prime.low < found.d_prime.value < found.d_prime.high
    assert statistics.score(said("ada", "a", 2, 20)).differs == "below"


@pytest.mark.parametrize(
    ("right", "of", "differs"),
    [(4, 4, ""), (5, 5, ""), (6, 6, "above"), (0, 6, "below"), (8, 10, ""), (9, 10, "above"),
     (14, 20, ""), (15, 20, "above"), (6, 20, ""), (5, 20, "below")],
)  # fmt: skip
def test_few_answers_do_not_tell_apart(right: int, of: int, differs: str) -> None:
    """The critical values of the sign test at 5 %, two-sided (tables)."""
    assert statistics.score(said("ada", "a", right, of)).differs == differs


def test_answers_of_few_people_are_not_many_peoples() -> None:
    """Ten people of whom half know everything and half nothing: 500 answers, but ten people."""
    some = [one for n in range(10) for one in said(f"p{n}", f"r{n}", 50 if n % 2 else 25, 50)]
    found = statistics.score(some)
    assert found.interval == "bootstrap over people"
    share, plain = found.right.share, statistics.wilson(375, 500)
    assert share is not None
    assert share.value == 0.75
    # By hand: shares 1 and 0.5, sd 0.25 over sqrt(9), times t(0.975, 9) = 2.262; a resample
    # moves in steps of 0.05.
    assert share.low == pytest.approx(0.75 - 2.262 * 0.25 / 3, abs=0.05)
    assert share.high == pytest.approx(0.75 + 2.262 * 0.25 / 3, abs=0.05)
    assert share.high - share.low > 2 * (plain.high - plain.low)
    assert statistics.score(some) == found, "the same answers show the same"


def test_ten_rounds_of_one_person_are_rounds_and_perfection_keeps_its_doubt() -> None:
    found = statistics.score([one for n in range(10) for one in said("ada", f"r{n}", 6, 6)])
    assert (found.interval, found.people) == ("bootstrap over rounds", 1)
    assert found.right.share == statistics.wilson(60, 60)


def test_cannot_be_told_apart_needs_many_answers_within_the_bound() -> None:
    """Two one-sided tests at 5 %: of exactly half right, 270 answers are too few, 1,000 enough."""
    few, many = (statistics.score(said("a", "r", n // 2, n)) for n in (200, 1000))
    assert (few.differs, few.equivalent) == ("", False)
    assert many.equivalent
    assert many.within is not None
    half = 1.6449 * math.sqrt(0.25 / 1000)
    assert many.within.high - 0.5 == pytest.approx(half, rel=0.01)
    assert not statistics.score(said("a", "r", 560, 1000)).equivalent
    both = statistics.score(said("a", "r", 10_200, 20_000))
    assert (both.differs, both.equivalent) == ("above", True), "told apart, but hardly"


# ------------------------------------------------------------------------ dealing


def exhibition(machine: int, person: int) -> Exhibition:
    kinds: list[tuple[By, int]] = [("machine", machine), ("person", person)]
    exhibits = tuple(Exhibit(f"{by}/{n}", by, f"{by}{n}") for by, count in kinds
                     for n in range(count))  # fmt: skip
    return Exhibition("q", "q", "/", "m", "", "", (), exhibits, 32)


def test_each_question_is_a_coin_whatever_came_before() -> None:
    """Counting cards does not help: after any three of a kind, the fourth is still even."""
    held = exhibition(20, 40)
    fourths = []
    for n in range(4000):
        kinds = [one.exhibit.by for one in dealing.deal(held, 4, n.to_bytes(4, "big"))]
        if len(set(kinds[:3])) == 1:
            fourths.append(kinds[3] == kinds[0])
    assert len(fourths) > 800
    assert abs(sum(fourths) / len(fourths) - 0.5) < 4 * math.sqrt(0.25 / len(fourths))


def test_a_new_picture_says_nothing_by_being_new() -> None:
    """Who has seen every machine's picture but three meets new ones, and knows nothing of them:
    what counts is a coin until one kind has run out, and then nothing counts."""
    held = exhibition(20, 20)
    seen = {one.sha256 for one in held.exhibits if one.by == "machine"} - {
        "machine0", "machine1", "machine2"}  # fmt: skip
    fresh: list[By] = []
    for n in range(1000):
        dealt = dealing.deal(held, 10, n.to_bytes(4, "big"), seen)
        assert len({one.exhibit.sha256 for one in dealt}) == 10
        counts = [one.fresh for one in dealt]
        assert counts == sorted(counts, reverse=True)
        used = [one.exhibit.by for one in dealt if one.fresh]
        assert used.count("machine") <= 3
        # The third was the last of its kind: whatever counted after it would be a person's.
        assert used.count("machine") < 3 or used[-1] == "machine"
        assert all(one.exhibit.sha256 not in seen for one in dealt if one.fresh)
        fresh.append(used[0])
    assert abs(fresh.count("machine") / 1000 - 0.5) < 4 * math.sqrt(0.25 / 1000)
    assert dealing.fresh_left(held, seen) == 3
    all_seen = {one.sha256 for one in held.exhibits}
    assert not any(one.fresh for one in dealing.deal(held, 20, b"k", all_seen))
    with pytest.raises(InputError, match="1 to 20"):
        dealing.deal(held, 21, b"k")


# ------------------------------------------------------------------------ sets


def test_a_set_is_read_and_what_may_give_it_away_is_said(tmp_path: Path) -> None:
    quiz_worlds.written(tmp_path / "lab" / "mine" / "gan" / "quiz")
    quiz_worlds.written(tmp_path / "else", 6, 7, "other")
    quizzes = Quiz(load(tmp_path, {}, quizzes=str(tmp_path / "else")))
    [one, other], trouble = quizzes.sets()
    assert (one.name, one.count("machine"), one.most, one.side) == ("mine/gan/quiz", 12, 12, 48)
    assert (other.name, other.model, other.most) == ("else", "other", 6)
    assert trouble == {}
    assert ["person" in note for note in one.notes] == [True]
    assert quizzes.named(other.id) is other
    with pytest.raises(NotFound, match="nowhere"):
        quizzes.named("nowhere")


def test_a_picture_is_ready_before_it_is_asked_for(tmp_path: Path) -> None:
    """So that neither a file's size nor its format shows in how long a picture takes."""
    place = quiz_worlds.written(tmp_path / "lab" / "mine" / "gan")
    quizzes = Quiz(load(tmp_path, {}))
    dealt = quizzes.deal("", 5, b"k", ())
    for one in place.rglob("*.png"):
        one.unlink()
    sent = [quizzes.picture("", one.exhibit.sha256) for one in dealt]
    assert len({len(data) for data in sent}) == 1
    with pytest.raises(NotFound):
        quizzes.picture("", "0" * 64)


def test_an_empty_home_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="gnomon lab gan"):
        Quiz(load(tmp_path, {})).named()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda told: told.update(version=2), "version 2"),
        (lambda told: told.update(made_by={}), "which model"),
        (lambda told: told["pictures"][0].update(file="../../secret.png"), "no file of its folder"),
        (lambda told: told["pictures"][0].update(file="/etc/passwd"), "no file of its folder"),
        (lambda told: told["pictures"][0].update(by="cat"), "neither"),
        (lambda told: told["pictures"][0].update(sha256="0" * 64), "SHA-256"),
        (lambda told: told["pictures"].append(told["pictures"][0]), "twice"),
        (lambda told: told["pictures"][-1].pop("licence"), "no licence"),
        (lambda told: told.update(pictures=told["pictures"][:12]), "at least 5 of each"),
        (lambda told: told.update(pictures="all"), "lists no pictures"),
    ],
)
def test_a_set_that_cannot_be_trusted_is_refused_by_name(
    tmp_path: Path, change: Any, said: str
) -> None:
    place = quiz_worlds.written(tmp_path / "q")
    told = json.loads((place / "quiz.json").read_text())
    change(told)
    (place / "quiz.json").write_text(json.dumps(told))
    with pytest.raises(InputError, match=said):
        folder.read(place, "q")


def test_a_link_out_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    place = quiz_worlds.written(tmp_path / "q")
    outside = tmp_path / "outside.png"
    (place / "pictures" / "000.png").rename(outside)
    (place / "pictures" / "000.png").symlink_to(outside)
    with pytest.raises(InputError, match="leads out"):
        folder.read(place, "q")


# ------------------------------------------------------------------------ rounds over a real port


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    quiz_worlds.written(home / "lab" / "tiny" / "gan")
    return home


@pytest.fixture(scope="module")
def truth(home: Path) -> dict[str, str]:
    return quiz_worlds.truth(home / "lab" / "tiny" / "gan")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return tmp_path / "server.db"


@pytest.fixture(scope="module")
def engine(home: Path) -> Iterator[Engine]:
    with sample_world(home) as engine:
        yield engine


@pytest.fixture
def url(engine: Engine, database: Path) -> Iterator[str]:
    policy = Policy(multi_user=True, requests_per_minute=0, requests_per_minute_address=0)
    with running(engine, database=Database(database), policy=policy) as url:
        yield url


def person(url: str, database: Path, name: str, *, account: bool = False) -> httpx.Client:
    """Somebody with a key of their own, and with an account that can be removed."""
    held = Database(database)
    user = Users(held).add(name, f"four words of {name}").id if account else None
    whole, _ = Keys(held).create(name=name, scopes=["ask"], caller=user)
    held.close()
    return httpx.Client(base_url=url, headers={"authorization": f"Bearer {whole}"}, timeout=60)


def begin(api: httpx.Client, **body: Any) -> Data:
    reply = api.post("/v1/quiz/rounds", json=body)
    assert reply.status_code == 201, reply.text
    return dict(reply.json())


def look(api: httpx.Client, game: Data) -> httpx.Response:
    reply = api.get(game["question"]["url"])
    assert reply.status_code == 200, reply.text
    return reply


def answer(api: httpx.Client, game: Data, said: str) -> httpx.Response:
    body = {"question": game["question"]["id"], "answer": said}
    return api.post(f"/v1/quiz/rounds/{game['id']}/answers", json=body)


def known(truth: dict[str, str], picture: httpx.Response) -> str:
    return truth[hashlib.sha256(picture.content).hexdigest()]


def play(api: httpx.Client, game: Data, truth: dict[str, str], right: int) -> Data:
    """Answer the whole game, the first ``right`` rightly."""
    for n in range(game["questions"]):
        by = known(truth, look(api, game))
        wanted = by if n < right else {"machine": "person", "person": "machine"}[by]
        reply = answer(api, game, wanted)
        assert reply.status_code == 200, reply.text
        game = reply.json()
    return game


def test_a_round_is_played_told_at_its_end_and_scored(
    url: str, database: Path, truth: dict[str, str]
) -> None:
    ada = person(url, database, "Ada")
    [quiz] = ada.get("/v1/quiz").json()["data"]
    assert (quiz["machine"], quiz["person"], quiz["fresh"], quiz["side"]) == (12, 12, 12, 48)
    assert quiz["authors"] == ["Painter 0", "Painter 1", "Painter 2"]
    game = begin(ada, questions=6)
    assert (game["questions"], game["answered"], game["question"]["number"]) == (6, 0, 1)
    done = play(ada, game, truth, 4)
    assert done["question"] is None
    assert done["ended_at"]
    assert [one["right"] for one in done["results"]] == [True] * 4 + [False] * 2
    for one in done["results"]:
        assert known(truth, ada.get(one["url"])) == one["by"]
        told = {"seed"} if one["by"] == "machine" else {"id", "author", "licence"}
        assert set(one["about"]) == told
    assert (done["score"]["right"]["times"], done["score"]["right"]["of"]) == (4, 6)
    scores = ada.get("/v1/quiz/scores").json()
    assert scores["mine"] == scores["everybody"] == done["score"]
    wilson = statistics.wilson(4, 6)
    right = scores["mine"]["right"]
    assert (right["low"], right["high"]) == (wilson.low, wilson.high)
    assert (scores["mine"]["interval"], scores["mine"]["people"]) == ("wilson", 1)
    assert ada.get("/v1/quiz").json()["data"][0]["fresh"] < 12


def test_a_cheating_client_learns_nothing(url: str, database: Path, truth: dict[str, str]) -> None:
    """Ids, replies, headers and lengths of both kinds are alike; what is asked out of turn,
    twice or of another's round is refused."""
    eve, ada = person(url, database, "Eve"), person(url, database, "Ada")
    game = begin(eve, questions=12)
    heads: dict[str, set[str]] = {"machine": set(), "person": set()}
    ids = []
    before = ""
    for _ in range(12):
        assert game["results"] is None
        assert game["score"] is None
        words = json.dumps(game)
        for tell in ("seed", "author", "licence", "pictures/0", "people/0", ".png"):
            assert tell not in words
        picture = look(eve, game)
        assert picture.content[:8] == b"\x89PNG\r\n\x1a\n"
        for kind in (b"tEXt", b"iTXt", b"iCCP", b"eXIf", b"caBX", b"tIME"):
            assert kind not in picture.content
        headers = {n: v for n, v in picture.headers.items() if n not in ("date", "x-request-id")}
        assert not {"etag", "last-modified", "content-disposition"} & set(headers)
        heads[known(truth, picture)].add(json.dumps(headers))
        ids.append(game["question"]["id"])
        if before:
            again = {"question": before, "answer": "machine"}
            reply = eve.post(f"/v1/quiz/rounds/{game['id']}/answers", json=again)
            assert (reply.status_code, reply.json()["error"]["code"]) == (409, "answered")
        score = eve.get("/v1/quiz/scores").json()["mine"]
        assert score["answers"] == 0, "a round that goes on shows in no score"
        before = game["question"]["id"]
        game = answer(eve, game, "machine").json()
    assert len(set().union(*heads.values())) == 1
    assert len(set(ids)) == 12
    assert all(len(one) == 3 + 32 for one in ids)
    # A second round of the same seed asks the same, under other ids, and counts nothing twice.
    mine = begin(ada, questions=5, seed=7)
    for path in (f"/v1/quiz/rounds/{mine['id']}", mine["question"]["url"]):
        assert eve.get(path).status_code == 404
    assert eve.post(f"/v1/quiz/rounds/{mine['id']}/end").status_code == 404
    unseen = answer(ada, mine, "person")
    assert (unseen.status_code, unseen.json()["error"]["code"]) == (409, "not_shown")
    look(ada, mine)
    assert answer(ada, mine, "cat").status_code == 400
    while (mine := answer(ada, mine, "person").json())["question"]:
        look(ada, mine)
    first = [hashlib.sha256(ada.get(one["url"]).content).hexdigest() for one in mine["results"]]
    bob = person(url, database, "Bob")
    his = begin(bob, questions=5, seed=7)
    same = []
    while his["question"]:
        same.append(hashlib.sha256(look(bob, his).content).hexdigest())
        his = answer(bob, his, "person").json()
    assert same == first
    assert not {one["id"] for one in his["results"]} & {one["id"] for one in mine["results"]}


def test_a_picture_counts_for_a_person_once(
    url: str, database: Path, truth: dict[str, str]
) -> None:
    ada = person(url, database, "Ada")
    one, two = begin(ada, questions=5, seed=3), begin(ada, questions=5, seed=3)
    done = play(ada, one, truth, 5)
    assert done["score"]["answers"] == 5
    # The other round was dealt before; what was seen since does not count in it.
    again = play(ada, two, truth, 5)
    assert [one["repeat"] for one in again["results"]] == [True] * 5
    assert again["score"]["answers"] == 0
    assert ada.get("/v1/quiz/scores").json()["mine"]["answers"] == 5
    # A picture that was only looked at is no longer new, either.
    begun = begin(ada, questions=5)
    look(ada, begun)
    left = ada.get("/v1/quiz").json()["data"][0]["fresh"]
    ended = ada.post(f"/v1/quiz/rounds/{begun['id']}/end").json()
    assert (ended["answered"], ended["results"], ended["question"]) == (0, [], None)
    assert answer(ada, begun, "person").json()["error"]["code"] == "round_ended"
    assert ada.get(begun["question"]["url"]).status_code == 404
    assert ada.get("/v1/quiz").json()["data"][0]["fresh"] == left
    assert ada.get("/v1/quiz/scores").json()["unfinished"] == 1


def test_practice_tells_at_once_and_counts_nothing(
    url: str, database: Path, truth: dict[str, str]
) -> None:
    ada = person(url, database, "Ada")
    game = begin(ada, questions=4, practice=True)
    look(ada, game)
    game = answer(ada, game, "person").json()
    assert len(game["results"]) == game["score"]["answers"] == 1
    play(ada, begin(ada, questions=4), truth, 4)
    while game["question"]:
        look(ada, game)
        game = answer(ada, game, "person").json()
    assert ada.get("/v1/quiz/scores").json()["mine"]["answers"] <= 4


def test_everybodys_score_is_of_people_and_goes_with_them(
    url: str, database: Path, truth: dict[str, str]
) -> None:
    people = [person(url, database, f"Person {n}", account=n == 9) for n in range(10)]
    for n, api in enumerate(people):
        play(api, begin(api, questions=4), truth, 4 if n < 8 else 1)
    scores = people[0].get("/v1/quiz/scores").json()
    everybody = scores["everybody"]
    assert (everybody["people"], everybody["interval"]) == (10, "bootstrap over people")
    assert (everybody["right"]["times"], everybody["right"]["of"]) == (34, 40)
    assert (scores["mine"]["people"], scores["mine"]["interval"]) == (1, "wilson")
    # Who leaves takes their answers along; who asks for it, too.
    held = Database(database)
    Departed(held, lambda: database.parent, lambda shelf: None).remove("Person 9")
    left = held.run("SELECT count(*) FROM quiz_rounds")[0][0]
    questions = held.run("SELECT count(DISTINCT round) FROM quiz_questions")[0][0]
    held.close()
    assert left == questions == 9
    assert people[0].delete("/v1/quiz/scores").json()["deleted"] == 1
    everybody = people[1].get("/v1/quiz/scores").json()["everybody"]
    assert (everybody["people"], everybody["right"]["of"]) == (8, 32)


def test_bad_requests_name_the_value(url: str, database: Path) -> None:
    ada = person(url, database, "Ada")
    for body, status, said in [
        ({"questions": 13}, 400, "1 to 12"),
        ({"questions": 0}, 400, "'questions' is 0"),
        ({"quiz": "nowhere"}, 404, "'nowhere'"),
        ({"seed": -1}, 400, "'seed' is -1"),
        ({"practice": "yes"}, 400, "'practice'"),
        ({"sead": 1}, 400, "'sead'"),
    ]:
        reply = ada.post("/v1/quiz/rounds", json=body)
        assert reply.status_code == status
        assert said in reply.json()["error"]["message"]
    assert ada.get("/v1/quiz/rounds/none").status_code == 404
    assert ada.get("/v1/quiz/pictures/none").status_code == 404
    assert ada.get("/v1/quiz/scores?quiz=none").status_code == 404


def test_a_left_round_ends_after_a_day_and_what_was_answered_counts(
    url: str, database: Path, truth: dict[str, str]
) -> None:
    ada = person(url, database, "Ada")
    game = begin(ada, questions=4)
    by = known(truth, look(ada, game))
    answer(ada, game, by)
    assert ada.get("/v1/quiz/scores").json()["mine"]["answers"] == 0
    held = Database(database)
    held.run("UPDATE quiz_rounds SET created = created - 90000")
    held.close()
    assert ada.get("/v1/quiz/scores").json()["mine"]["right"]["times"] == 1
    assert ada.get(f"/v1/quiz/rounds/{game['id']}").json()["ended_at"]


# ------------------------------------------------------------------------ the command line


def test_the_command_lists_sets_and_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("GNOMON_HOME", str(tmp_path))
    assert main(["quiz"]) == 0
    assert "gnomon lab gan" in capsys.readouterr().out
    assert not list(tmp_path.iterdir()), "looking makes nothing"
    place = quiz_worlds.written(tmp_path / "set")
    database = Database(tmp_path / "server.db")
    rows, quizzes = QuizRows(database), Quiz(load(tmp_path, {}, quizzes=str(place)))
    dealt = quizzes.deal("", 4, b"k", ())
    played = rows.begin("ada", quizzes.named(), dealt, practice=False)
    while played.current:
        rows.show(played.current.id, "ada")
        played = rows.answer(played.id, "ada", played.current.id, played.current.by)
    database.close()
    assert main(["quiz", "--folder", str(place), "--json"]) == 0
    [one] = json.loads(capsys.readouterr().out)["quizzes"]
    assert (one["name"], one["model"], one["machine"]) == ("set", "tiny-gan", 12)
    assert (one["score"]["right"]["times"], one["score"]["interval"]) == (4, "wilson")
    broken = quiz_worlds.written(tmp_path / "broken", 6, 6)
    (broken / "pictures" / "000.png").write_bytes(b"other")
    done = command(tmp_path, "quiz", "--folder", place, "--folder", broken)
    assert "4 answers of 1 person in 1 round" in done.out
    assert "Told apart" not in done.out
    assert "Not enough answers" in done.out
    assert "SHA-256" in done.err
    # What is no longer here keeps its score.
    assert main(["quiz"]) == 0
    assert "no longer here" in capsys.readouterr().out
