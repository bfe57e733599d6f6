"""The network driver against real servers: redirects, retries, caps, robots, the SSRF guard."""

import gzip
import shutil
import ssl
import subprocess
import threading
import time
import tracemalloc
import zlib

import pytest

from gnomon.errors import ConfigError, Refused, SourceError, Unreachable
from gnomon.sources.contract import Fetch, Listen, Wait
from gnomon.sources.driver import drive
from gnomon.sources.guard import is_public
from gnomon.sources.network import Network
from gnomon.types import Batch
from source_servers import http_server, ws_server


@pytest.fixture
def server():
    with http_server() as state:
        state.pages["/robots.txt"] = (404, {}, b"")
        yield state


def network(server, **options):
    options = {"politeness_s": 0.0, "backoff_base_s": 0.01, "allow": [server.authority]} | options
    return Network(**options)


def get(server, path, options=None, **request):
    with network(server, **(options or {})) as net:
        return net.fetch(Fetch(server.url(path), **request))


# -- fetching -------------------------------------------------------------------------------------


def test_a_page_comes_with_our_name_on_the_request(server):
    server.pages["/a"] = (200, {"ETag": '"1"'}, b"hello")
    response = get(server, "/a", {"contact": "mailto:me@example.org"})
    assert (response.status, response.body, response.headers["etag"]) == (200, b"hello", '"1"')
    agent = server.seen[-1].headers["user-agent"]
    assert agent.startswith("gnomon/")
    assert agent.endswith("(+mailto:me@example.org)")


def test_conditional_requests_and_304(server):
    server.pages["/a"] = (304, {"ETag": '"1"'}, b"")
    response = get(server, "/a", etag='"1"', modified="Sat, 07 Mar 2026 09:30:00 GMT")
    assert (response.status, response.body) == (304, b"")
    assert server.seen[-1].headers["if-none-match"] == '"1"'
    assert server.seen[-1].headers["if-modified-since"] == "Sat, 07 Mar 2026 09:30:00 GMT"


def test_429_waits_as_long_as_it_is_asked_to(server):
    server.pages["/a"] = [(429, {"Retry-After": "1"}, b""), (200, {}, b"ok")]
    begun = time.monotonic()
    assert get(server, "/a").body == b"ok"
    assert time.monotonic() - begun >= 1.0


def test_a_long_retry_after_is_handed_back_not_slept(server):
    server.pages["/a"] = (429, {"Retry-After": "3600"}, b"")
    begun = time.monotonic()
    with pytest.raises(Unreachable, match="3600") as caught:
        get(server, "/a")
    assert caught.value.retry_after_s == 3600
    assert time.monotonic() - begun < 2
    assert server.paths().count("/a") == 1


def test_500_is_tried_again_and_404_is_an_answer(server):
    server.pages["/a"] = [(500, {}, b""), (503, {}, b""), (200, {}, b"ok")]
    assert get(server, "/a").body == b"ok"
    assert get(server, "/gone").status == 404
    server.pages["/b"] = (500, {}, b"")
    with pytest.raises(Unreachable, match="500"):
        get(server, "/b")
    assert server.paths().count("/b") == 4


def test_slow_bytes_end_at_the_deadline_of_the_whole_answer(server):
    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b".")
            handler.wfile.flush()
            time.sleep(0.05)

    def drip_headers(handler):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
        for n in range(1000):
            handler.wfile.write(b"X-%d: 1\r\n" % n)
            handler.wfile.flush()
            time.sleep(0.05)

    server.pages["/body"] = drip
    server.pages["/head"] = drip_headers
    for path in ("/body", "/head"):
        begun = time.monotonic()
        with pytest.raises(Unreachable, match=r"did not answer within 0\.4 s"):
            get(server, path, {"retries": 0}, timeout_s=0.4)
        assert time.monotonic() - begun < 2


def test_a_dead_server_is_unreachable(server):
    net = network(server, retries=1, allow=["127.0.0.1:9"])
    with net, pytest.raises(Unreachable, match="does not take connections"):
        net.fetch(Fetch("http://127.0.0.1:9/", robots=False))


def test_bodies_over_the_cap_are_refused(server):
    def endless(handler):
        handler.send_response(200)
        handler.send_header("Connection", "close")
        handler.end_headers()
        for _ in range(1000):
            handler.wfile.write(b"x" * 100_000)

    server.pages["/declared"] = (200, {}, b"x" * 2000)
    server.pages["/endless"] = endless
    for path, cap in (("/declared", 1000), ("/endless", 1_000_000)):
        with pytest.raises(Refused, match="longer than"):
            get(server, path, max_bytes=cap)


def test_a_bomb_is_not_unpacked_beyond_the_cap(server):
    server.pages["/bomb"] = (
        200,
        {"Content-Encoding": "gzip"},
        gzip.compress(b"\0" * 50_000_000),
    )
    tracemalloc.start()
    with pytest.raises(Refused, match="longer than"):
        get(server, "/bomb", max_bytes=1_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 8_000_000


def test_packed_bodies_are_unpacked_and_cut_off_ones_noticed(server):
    text = b"words " * 1000
    packed = gzip.compress(text)
    server.pages["/gzip"] = (200, {"Content-Encoding": "gzip"}, packed)
    server.pages["/deflate"] = (200, {"Content-Encoding": "deflate"}, zlib.compress(text))
    server.pages["/cut"] = (200, {"Content-Encoding": "gzip"}, packed[:-20])
    server.pages["/bad"] = (200, {"Content-Encoding": "gzip"}, b"no gzip at all")
    assert get(server, "/gzip").body == text
    assert get(server, "/deflate").body == text
    for path in ("/cut", "/bad"):
        with pytest.raises(Unreachable, match=r"cut off|damaged"):
            get(server, path, {"retries": 0})


def test_redirects_are_followed_a_few_times(server):
    server.pages["/a"] = (302, {"Location": "/b"}, b"")
    server.pages["/b"] = (200, {}, b"there")
    server.pages["/loop"] = (302, {"Location": "/loop"}, b"")
    response = get(server, "/a")
    assert response.body == b"there"
    assert response.url == server.url("/b")
    with pytest.raises(Refused, match="redirects more than"):
        get(server, "/loop")


def test_robots_txt_is_obeyed_read_once_and_looked_at_for_redirects_too(server):
    server.pages["/robots.txt"] = (200, {}, b"User-agent: gnomon\nDisallow: /private\n")
    server.pages["/open"] = (200, {}, b"ok")
    server.pages["/trap"] = (302, {"Location": "/private/x"}, b"")
    with network(server) as net:
        assert net.fetch(Fetch(server.url("/open"))).status == 200
        for path in ("/private/x", "/trap"):
            with pytest.raises(Refused, match=r"robots\.txt forbids"):
                net.fetch(Fetch(server.url(path)))
        assert net.fetch(Fetch(server.url("/private/x"), robots=False)).status == 404
    assert server.paths().count("/robots.txt") == 1
    assert server.paths().count("/private/x") == 1


def test_robots_txt_that_fails_forbids_for_now(server):
    server.pages["/robots.txt"] = (500, {}, b"")
    server.pages["/open"] = (200, {}, b"ok")
    with pytest.raises(Unreachable, match=r"robots\.txt answers 500"):
        get(server, "/open", {"retries": 0})


def test_one_host_is_not_asked_twice_in_a_row(server):
    server.pages["/a"] = (200, {}, b"ok")
    with network(server, politeness_s=0.3) as net:
        begun = time.monotonic()
        for _ in range(3):
            net.fetch(Fetch(server.url("/a"), robots=False))
        assert time.monotonic() - begun >= 0.6


# -- the guard ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "172.16.0.1",
        "192.168.1.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "240.0.0.1",
        "255.255.255.255",
        "192.0.0.8",
        "198.18.0.1",
        "::1",
        "::",
        "fe80::1",
        "fe80::1%eth0",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::1",
        "2002:7f00:1::1",
        "2002:a9fe:a9fe::",
        "2001:db8::1",
        "2001:0:7f00:1::",
        "no address",
    ],
)
def test_addresses_that_are_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]
)
def test_addresses_that_are_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://2130706433/",
        "http://0x7f.0.0.1/",
        "http://0177.0.0.1/",
        "http://017700000001/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://localhost/",
        "http://user:secret@example.org/",
        "http://example.org@127.0.0.1/",
        "http://127.0.0.1\\@example.org/",
        "http://example.org\t.evil/",
        "file:///etc/passwd",
        "ftp://example.org/x",
        "gopher://example.org/",
        "http:///nothing",
        "http://example.org:22/",
        "http://example.org:6379/",
        "http://[::1/",
        "http://example.org:99999/",
    ],
)
def test_urls_that_are_refused(url):
    with Network(politeness_s=0.0) as net, pytest.raises(Refused) as caught:
        net.fetch(Fetch(url, robots=False))
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "target", ["http://127.0.0.1:{other}/", "http://169.254.169.254/latest/", "file:///etc/passwd"]
)
def test_a_redirect_to_a_private_place_is_refused(server, target):
    with http_server() as other:
        other.pages["/"] = (200, {}, b"secret")
        server.pages["/a"] = (302, {"Location": target.format(other=other.port)}, b"")
        with pytest.raises(Refused):
            get(server, "/a")
        assert other.seen == []


def divert(net, port, connected=None):
    """Let connections to (pretended) public addresses end at a local server: nothing else of the
    network is replaced."""
    under = net._client._transport._pool._network_backend._under
    original = under.connect_tcp

    def connect_tcp(host, _, *rest, **options):
        if connected is not None:
            connected.append(host)
        return original("127.0.0.1", port, *rest, **options)

    under.connect_tcp = connect_tcp


def test_a_strangers_redirect_may_not_lead_to_the_owners_own_server(server):
    server.pages["/own"] = (200, {}, b"secret")
    server.pages["/hop"] = (302, {"Location": server.url("/own")}, b"")
    net = network(server, resolver=lambda host, port: ["8.8.8.8"], retries=0)
    divert(net, server.port)
    with net:
        assert net.fetch(Fetch(server.url("/own"), robots=False)).body == b"secret"
        with pytest.raises(Refused, match="redirect from elsewhere"):
            net.fetch(Fetch(f"http://stranger.example:{server.port}/hop", robots=False))
    assert server.paths() == ["/own", "/hop"]


def test_a_dns_answer_that_changes_does_not_matter(server):
    """The name is public when checked; were it asked again it would be this machine."""
    answers = [["8.8.8.8"], ["127.0.0.1"], ["127.0.0.1"]]
    asked = []

    def resolver(host, port):
        asked.append(host)
        return answers[len(asked) - 1]

    connected = []
    net = Network(resolver=resolver, politeness_s=0.0, retries=0)
    divert(net, server.port, connected)
    server.pages["/x"] = (200, {}, b"from the vetted address")
    with net:
        response = net.fetch(Fetch(f"http://rebind.example:{server.port}/x", robots=False))
    assert response.body == b"from the vetted address"
    assert connected == ["8.8.8.8"]
    assert asked == ["rebind.example"]
    assert server.seen[-1].headers["host"] == f"rebind.example:{server.port}"


def test_one_private_address_among_public_ones_is_enough_to_refuse():
    net = Network(resolver=lambda host, port: ["8.8.8.8", "10.0.0.1"], retries=0)
    with net, pytest.raises(Refused, match=r"10\.0\.0\.1 is not a public address"):
        net.fetch(Fetch("http://mixed.example/", robots=False))


def test_a_name_without_an_address_is_unreachable():
    def resolver(host, port):
        raise OSError("Name or service not known")

    with (
        Network(resolver=resolver, retries=0) as net,
        pytest.raises(Unreachable, match=r"nowhere\.example"),
    ):
        net.fetch(Fetch("http://nowhere.example/", robots=False))


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the test's certificate")
def test_tls_is_checked_for_the_name_though_the_connection_goes_to_an_address(tmp_path):
    """A certificate for bridge.example, trusted here; both names lead to the same server."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    make = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "
    names = ["/CN=bridge.example", "-addext", "subjectAltName=DNS:bridge.example"]
    out = ["-keyout", str(key), "-out", str(cert)]
    subprocess.run([*make.split(), *names, *out], check=True, capture_output=True)
    ours = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    ours.load_cert_chain(cert, key)
    with http_server(ours) as server:
        server.pages["/a"] = (200, {}, b"safe")
        allow = [f"{name}.example:{server.port}" for name in ("bridge", "other")]
        net = Network(
            allow=allow,
            resolver=lambda host, port: ["127.0.0.1"],
            politeness_s=0.0,
            retries=0,
            tls=ssl.create_default_context(cafile=str(cert)),
        )
        with net:
            url = f"https://bridge.example:{server.port}/a"
            assert net.fetch(Fetch(url, robots=False)).body == b"safe"
            with pytest.raises(Unreachable, match="certificate"):
                net.fetch(Fetch(url.replace("bridge", "other"), robots=False))


def test_a_proxy_of_the_environment_is_not_used_unasked(server, monkeypatch):
    server.pages["/a"] = (200, {}, b"direct")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    assert get(server, "/a").body == b"direct"
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name)
    for name in ("HTTPS_PROXY", "https_proxy", "http_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigError, match="HTTPS_PROXY is not set"):
        Network(proxy="env")


def test_a_proxy_that_the_owner_names_is_used(server):
    server.pages["http://public.example/a"] = (200, {}, b"through the proxy")
    with Network(proxy=server.url(""), politeness_s=0.0, retries=0) as net:
        response = net.fetch(Fetch("http://public.example/a", robots=False))
        assert response.body == b"through the proxy"
        with pytest.raises(Refused):
            net.fetch(Fetch("http://169.254.169.254/", robots=False))
        server.pages["http://public.example/slow"] = lambda handler: time.sleep(3)
        with pytest.raises(Unreachable, match="did not answer"):
            net.fetch(Fetch("http://public.example/slow", robots=False, timeout_s=0.3))


# -- WebSockets -----------------------------------------------------------------------------------


def test_frames_are_gathered_within_the_window_and_the_close_is_told():
    def talk(connection):
        for n in range(5):
            connection.send(f"frame {n}")
        time.sleep(0.6)
        connection.send("late")
        connection.close(1000, "that was all")

    with ws_server(talk) as server, Network(allow=[server.authority]) as net:
        listen = Listen(server.url + "/x", ("xrpc.v1.json",), window_s=0.4, max_messages=3)
        first = net.listen(listen)
        assert first.frames == ("frame 0", "frame 1", "frame 2")
        assert (first.closed, first.status) == (None, 101)
        assert net.listen(listen).frames == ("frame 3", "frame 4")
        last = net.listen(listen)
        assert last.frames == ("late",)
        assert "that was all" in last.closed
        assert server.paths == ["/x"]


def test_a_refused_handshake_keeps_its_status_and_words():
    body = b'{"error":"CursorTooOld","message":"floor is 7"}'
    with (
        ws_server(lambda connection: None, refuse=lambda path: (400, body)) as server,
        Network(allow=[server.authority]) as net,
    ):
        messages = net.listen(Listen(server.url + "/x"))
    assert (messages.status, messages.body, messages.frames) == (400, body, ())


def test_a_frame_over_the_cap_closes_the_connection():
    with (
        ws_server(lambda connection: connection.send("x" * 100_000)) as server,
        Network(allow=[server.authority]) as net,
    ):
        messages = net.listen(Listen(server.url + "/x", max_bytes=1000))
    assert messages.frames == ()
    assert "1009" in messages.closed


def test_websockets_pass_the_guard_and_do_not_follow_redirects(server):
    server.pages["/x"] = (302, {"Location": "ws://127.0.0.1:9/"}, b"")
    with network(server) as net:
        with pytest.raises(Refused, match="redirects elsewhere"):
            net.listen(Listen(f"ws://{server.authority}/x"))
        with pytest.raises(Refused, match="not a public address"):
            net.listen(Listen("ws://127.0.0.1:9000/x"))
        with pytest.raises(Refused, match="only ws, wss"):
            net.listen(Listen("http://example.org/"))
    with Network(allow=["127.0.0.1:9"]) as net, pytest.raises(Unreachable):
        net.listen(Listen("ws://127.0.0.1:9/x"))


# -- the driver -----------------------------------------------------------------------------------


class Scripted:
    name = "scripted"

    def __init__(self, server):
        self.server = server
        self.log = []

    def steps(self, cursor):
        response = yield Fetch(self.server.url("/a"), robots=False)
        self.log.append(response.body)
        yield Batch(self.name, cursor="1")
        self.log.append("the first batch was taken")
        try:
            yield Fetch("http://10.0.0.1/", robots=False)
        except Refused as error:
            self.log.append(type(error).__name__)
        yield Wait(0.01)
        yield Batch(self.name, cursor="2")
        yield Fetch("http://10.0.0.1/", robots=False)


def test_the_driver_waits_for_each_batch_and_raises_inside_the_source(server):
    server.pages["/a"] = (200, {}, b"ok")
    source = Scripted(server)
    with network(server) as net:
        batches = drive(source, None, network=net)
        assert next(batches).cursor == "1"
        assert source.log == [b"ok"]
        assert next(batches).cursor == "2"
        assert source.log == [b"ok", "the first batch was taken", "Refused"]
        with pytest.raises(SourceError, match=r"10\.0\.0\.1"):
            next(batches)


def test_the_driver_stops_at_once():
    class Sleepy:
        name = "sleepy"

        def steps(self, cursor):
            yield Wait(60)

    stop = threading.Event()
    threading.Timer(0.2, stop.set).start()
    begun = time.monotonic()
    with Network() as net:
        assert list(drive(Sleepy(), None, network=net, stop=stop)) == []
    assert time.monotonic() - begun < 5
