"""One spelling for one web page, so that two links to it are seen to be the same."""

from __future__ import annotations

import re
from functools import lru_cache
from urllib.parse import SplitResult, parse_qsl, quote, unquote, urlencode, urlsplit

# Parameters that say where a reader came from, not what is read. After the lists of
# https://github.com/ClearURLs/Rules and https://github.com/brave/brave-browser/wiki/Query-String-Filter
_TRACKING = re.compile(
    r"(?:utm_\w+|fbclid|gclid|gclsrc|dclid|gbraid|wbraid|msclkid|yclid|ysclid|twclid|ttclid|li_fat_id"
    r"|igshid|igsh|mc_[ce]id|mkt_tok|_hs(?:enc|mi)|__hs\w+|hsctatracking|vero_(?:id|conv)|oly_\w+_id"
    r"|_openstat|s_cid|icid|ncid|cmpid|cmp|ns_\w+|at_\w+|ref_src|ref_url|referrer|ref|share|shared"
    r"|sharetype|smid|smtyp|soc_src|soc_trk|taid|wt_?mc(?:_o)?|spm|scm|from_?source|feature"
    r"|guccounter|guce_referrer(?:_sig)?|__twitter_impression|amp|outputtype|sfnsn|mibextid|rss|ito"
    r"|ocid|__cft__.*|__tn__|_ga|_gl|xtor)",
    re.IGNORECASE,
)
# Parameters named like trackers that choose the page on these hosts.
_MEANINGFUL = {"ref": ("github.com", "gitlab.com")}
_SUBDOMAIN = re.compile(r"^(?:www\d?|m|mobile|amp|wap)\.(?=[^.]+\.[^.]+)")
_DEFAULT_PORTS = {"http": 80, "https": 443}


@lru_cache(maxsize=8192)
def canonical(url: str) -> str:
    """``url`` in the spelling under which pages are compared, or "" if it is no web address.

    https, host in small letters without ``www.``, ``m.`` and ``amp.``, without default port,
    credentials, fragment (except ``#!`` routes), tracking parameters and trailing slash; query
    sorted; percent-escapes normalised (RFC 3986, section 6.2.2).
    """
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError:
        return ""
    scheme = parts.scheme.lower()
    host = _host(parts)
    if scheme not in _DEFAULT_PORTS or not host:
        return ""
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        host = f"{host}:{port}"
    path = _path(parts.path)
    query = urlencode(
        sorted(
            (name, value)
            for name, value in parse_qsl(parts.query, keep_blank_values=True)
            if not _tracks(name, host)
        )
    )
    fragment = f"#{parts.fragment}" if parts.fragment.startswith("!") else ""
    return f"https://{host}{path}{'?' + query if query else ''}{fragment}"


def _host(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    if not host or re.search(r"[\s<>\"]", host):
        return ""
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii")
        except UnicodeError:
            return ""
    if ":" in host:
        return f"[{host}]"
    while True:
        shorter = _SUBDOMAIN.sub("", host)
        if shorter == host:
            return host
        host = shorter


def _path(path: str) -> str:
    path = quote(unquote(path), safe="/:@!$&'()*+,;=~-._")
    path = re.sub(r"/{2,}", "/", path)
    path = re.sub(r"(?:/amp|\.amp|/amp\.html|\.amp\.html)/?$", "", path, flags=re.IGNORECASE)
    path = re.sub(r"/index\.(?:html?|php)$", "/", path)
    return path.rstrip("/")


def _tracks(name: str, host: str) -> bool:
    if not _TRACKING.fullmatch(name):
        return False
    return not any(part in host for part in _MEANINGFUL.get(name.lower(), ()))
