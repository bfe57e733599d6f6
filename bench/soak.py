"""A long replay with faults: is everything there, once, and does memory stay flat?

A server process speaks Jetstream v2 and sends posts at RATE a second (Bluesky has about 60; the
default is ten times that), with cuts, refused handshakes, frames sent twice, out of order, cut in
half, silence, edits and deletions by authors, and copies. A real gnomon follows it into a real
store, with origins. At the end the store is compared with what the server said, post by post.

    python bench/soak.py                       30 minutes at 600 posts/s
    python bench/soak.py --minutes 1 --rate 300

It ends with 1 if a post is missing, doubled, there though deleted, or has another text.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import random
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

NSID = "network.bsky.jetstream.subscribeEvents"
POSTS = "app.bsky.feed.post"
AUTHORS = 20_000
WORDS = (
    "harbour ferry bridge storm council vote mayor school strike fire river train flood budget "
    "market police court hospital doctor teacher farmer museum festival winter summer morning "
    "evening road tunnel airport island valley village city region minister report number price"
).split()


# ------------------------------------------------------------------------------- what is said


def event(seq: int, began: float, rate: float) -> dict[str, Any]:
    """The event ``seq``, always the same. Of 100: 87 posts, 5 copies, 4 reposts, 2 deletions, 2
    edits, of posts that came some hundred events before."""
    rng = random.Random(seq)
    at = began + seq / rate
    kind = seq % 100
    # A deleted record is never edited: even ones are deleted, odd ones edited.
    earlier = (seq - 200 - rng.randrange(5000)) // 2 * 2 + (kind in (95, 96))
    if kind in (97, 98) and _is_post(earlier):
        return _commit(earlier, at, seq, "delete", None)
    if kind in (95, 96) and _is_post(earlier):
        return _commit(earlier, at, seq, "update", _record(earlier, at, edited=seq))
    if 91 <= kind < 95 and _is_post(earlier):
        uri = f"at://{_did(earlier)}/{POSTS}/r{earlier}"
        body = {"createdAt": _iso(at), "subject": {"uri": uri, "cid": "x"}}
        made = _commit(seq, at, seq, "create", body)
        return made | {"collection": "app.bsky.feed.repost"}
    return _commit(seq, at, seq, "create", _record(seq, at))


def _is_post(seq: int) -> bool:
    return seq >= 0 and seq % 100 < 91


def _text(seq: int) -> str:
    of = seq - 50 if 86 <= seq % 100 < 91 and seq >= 50 else seq  # a copy of the one 50 before
    rng = random.Random(of * 7919)
    words = " ".join(rng.choices(WORDS, k=rng.randrange(8, 30)))
    return f"{words} {of % 9973}"


def _record(seq: int, at: float, edited: int = 0) -> dict[str, Any]:
    text = _text(seq) + (f" (edited {edited})" if edited else "")
    return {"$type": POSTS, "text": text, "createdAt": _iso(at), "langs": ["en"]}


def _did(seq: int) -> str:
    return f"did:plc:{random.Random(seq).randrange(AUTHORS):024d}"


def _iso(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1e6):06d}Z"


def _commit(of: int, at: float, seq: int, operation: str, record: Any) -> dict[str, Any]:
    body = {"operation": operation, "collection": POSTS, "rkey": f"r{of}", "rev": f"3k{seq}"}
    if record is not None:
        body |= {"record": record, "cid": f"bafy{seq}"}
    return {"$type": f"{NSID}#commit", "seq": seq, "did": _did(of), "time": _iso(at)} | body


def expected(last: int, began: float, rate: float) -> dict[str, str]:
    """Post to text, as it must be after event ``last``."""
    from gnomon.sources.bluesky import post_id

    held: dict[str, str] = {}
    for seq in range(1, last + 1):
        made = event(seq, began, rate)
        post = post_id(made["did"], made["rkey"], made["collection"])
        if made["operation"] == "delete":
            held.pop(post, None)
        elif made["operation"] == "create":
            held[post] = made["record"].get("text", "")
        else:
            held[post] = made["record"]["text"]
    return held


# ------------------------------------------------------------------------------- who says it


def serve(port: int, began: float, rate: float, seconds: float, told: Any) -> None:
    """Runs in a process of its own until killed. ``told`` counts the faults."""
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.server import ServerConnection
    from websockets.sync.server import serve as listen

    last = int(rate * seconds)
    rng = random.Random(1)

    def refuse(connection: ServerConnection, request: Any) -> Any:
        if rng.random() < 0.2:
            told["refused handshakes"] = told.get("refused handshakes", 0) + 1
            return connection.respond(503, "busy")
        return None

    def talk(connection: ServerConnection) -> None:
        query = connection.request.path.partition("cursor=")[2] if connection.request else ""
        seq = int(query.partition("&")[0]) if query else 1
        try:
            while seq <= last:
                due = int((time.time() - began) * rate)
                if seq > due:
                    time.sleep(0.01)
                    continue
                seq = burst(connection, seq, min(due, last, seq + 500))
                if rng.random() < 0.01:
                    count("cuts")
                    connection.socket.close()
                    return
                if rng.random() < 0.003:
                    count("silences of 3 s")
                    time.sleep(3)
            connection.recv()
        except (ConnectionClosed, OSError):
            pass

    def count(what: str) -> None:
        told[what] = told.get(what, 0) + 1

    def burst(connection: ServerConnection, first: int, until: int) -> int:
        """Events [first, until], some out of order, some twice, some broken (and then whole)."""
        order = list(range(first, until + 1))
        for at in range(len(order) - 3):
            if rng.random() < 0.002:
                order[at], order[at + 2] = order[at + 2], order[at]
                count("out of order")
        for seq in order:
            frame = json.dumps({"$type": "message", "payload": event(seq, began, rate)})
            if rng.random() < 0.001:
                count("frames cut in half")
                connection.send(frame[: len(frame) // 2])
            connection.send(frame)
            if rng.random() < 0.01:
                count("frames sent twice")
                connection.send(frame)
        return until + 1

    with listen(talk, "127.0.0.1", port, process_request=refuse, compression=None) as server:
        server.serve_forever()


# ------------------------------------------------------------------------------- who listens


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--rate", type=float, default=600.0, help="posts a second")
    parser.add_argument("--home", help="where the store goes (default: a temporary folder)")
    parser.add_argument("--rising", action="store_true", help="keep trends and stories up, too")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return soak(Path(args.home or folder), args.minutes * 60, args.rate, args.rising)


def soak(home: Path, seconds: float, rate: float, rising: bool = False) -> int:
    from gnomon.assemble import open_gnomon
    from gnomon.config import load

    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    told = multiprocessing.Manager().dict()
    began = time.time()
    other = multiprocessing.Process(
        target=serve, args=(port, began, rate, seconds, told), daemon=True
    )
    other.start()
    config = load(
        home,
        {},
        chat_model="none",
        embed_model="none",
        jetstream=f"ws://127.0.0.1:{port}",
        allow=(f"127.0.0.1:{port}",),
        max_disk_mb=20_000,
    )
    last = int(rate * seconds)
    memory: list[tuple[float, float]] = []
    lag: list[float] = []
    with open_gnomon(config) as gnomon:
        gnomon.go_live(["bluesky"])
        if rising:
            gnomon.rise_in_background()
        while True:
            time.sleep(5)
            now = time.time() - began
            cursor = json.loads(gnomon.store.cursor("bluesky") or '{"seq": 0}')["seq"] or 0
            memory.append((now, _resident_mib()))
            lag.append(min(now * rate, last) / rate - cursor / rate)
            print(
                f"{now:6.0f} s  {cursor:,} of {last:,}  {lag[-1]:.1f} s behind  "
                f"{memory[-1][1]:.0f} MiB",
                file=sys.stderr,
            )
            if cursor >= last:
                break
            if now > 2 * seconds + 120:
                print("it does not keep up", file=sys.stderr)
                break
        gnomon.supply.close()
        status = gnomon.store.status()
        held = {post.id: post.text for post in gnomon.store.scan()}
        gaps = gnomon.store.gaps(10)
    other.kill()
    return report(
        held, expected(last, began, rate), status, dict(told), memory, lag, gaps, seconds, rate
    )


def report(
    held: dict[str, str],
    right: dict[str, str],
    status: Any,
    told: dict[str, int],
    memory: list[tuple[float, float]],
    lag: list[float],
    gaps: list[Any],
    seconds: float,
    rate: float,
) -> int:
    missing = [one for one in right if one not in held]
    extra = [one for one in held if one not in right]
    other = [one for one in right if one in held and held[one] != right[one]]
    half = memory[len(memory) // 2 :] or memory
    grown = _slope(half) * 3600 if len(half) > 2 else 0.0
    lags = sorted(lag)
    print(f"replay: {seconds / 60:g} minutes at {rate:g} events/s; {sum(told.values())} faults")
    for what, times in sorted(told.items()):
        print(f"  {what}: {times}")
    print(f"held {len(held):,} posts in {status.origins:,} origins; right {len(right):,}")
    print(f"missing {len(missing)}, there though deleted {len(extra)}, another text {len(other)}")
    print(f"gaps recorded: {len(gaps)}; set aside: {status.set_aside}")
    print(
        f"behind the live edge: median {lags[len(lags) // 2]:.1f} s, worst {lags[-1]:.1f} s; "
        f"memory {memory[0][1]:.0f} MiB at first, {memory[-1][1]:.0f} at last, worst "
        f"{max(m for _, m in memory):.0f}; second half {grown:+.0f} MiB/hour"
    )
    print(f"CPU: {resource.getrusage(resource.RUSAGE_SELF).ru_utime:.0f} s of {seconds:.0f}")
    for one in (missing + extra + other)[:5]:
        print(
            f"  for example {one}: {held.get(one, '-')[:60]!r}, right {right.get(one, '-')[:60]!r}"
        )
    return 1 if missing or extra or other else 0


def _resident_mib() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def _slope(points: list[tuple[float, float]]) -> float:
    """Least squares, MiB a second."""
    n = len(points)
    mx, my = sum(x for x, _ in points) / n, sum(y for _, y in points) / n
    over = sum((x - mx) ** 2 for x, _ in points)
    return sum((x - mx) * (y - my) for x, y in points) / over if over else 0.0


if __name__ == "__main__":
    sys.exit(main())
