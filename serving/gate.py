"""Who may come in, and how many at once: API keys, rates, and places."""

import hashlib
import hmac
import ipaddress
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import urlsplit

from serving.limits import Limits
from serving.problems import Problem, shown

RECORDINGS, STREAMS = "recordings", "streams"
CLIENTS = 10_000  # known at once; whoever was away longest is forgotten first
BUSY_S = 2  # until a place is likely to be free again


class Buckets:
    """A bucket of tokens for each client, filled steadily.

    Args:
        per_minute: tokens that flow in.
        size: tokens that it holds.
        clock: gives seconds.
    """

    def __init__(self, per_minute: float, size: float, clock: Callable[[], float] = time.monotonic):
        self._per_s, self._size, self._clock = per_minute / 60, size, clock
        self._known: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client: tokens, and when

    def wait_s(self, client: str) -> float:
        """Tell how long it takes until the client has a token: 0 where it has one."""
        return max(0.0, (1 - self._tokens(client)) / self._per_s)

    def take(self, client: str) -> float:
        """Take a token, where there is one; give the same as ``wait_s`` before."""
        wait_s, tokens = self.wait_s(client), self._tokens(client)
        if not wait_s:
            self._known[client] = (tokens - 1, self._clock())
            self._known.move_to_end(client)
            while len(self._known) > CLIENTS:
                self._known.popitem(last=False)
        return wait_s

    def _tokens(self, client: str) -> float:
        tokens, then = self._known.get(client, (self._size, 0.0))
        return min(self._size, tokens + (self._clock() - then) * self._per_s)


class Keys:
    """The API keys that the service knows.

    Args:
        keys: the keys; without any, everybody may come in.
        limits: ``wrong_keys_per_minute``.
        clock: gives seconds.
    """

    def __init__(self, keys: Iterable[str], limits: Limits, clock: Callable[[], float] = time.monotonic):
        self._digests = [_digest(key) for key in keys]
        self._wrong = Buckets(limits.wrong_keys_per_minute, limits.wrong_keys_per_minute, clock)

    def __bool__(self) -> bool:
        return bool(self._digests)

    def check(self, given: str | None, address: str) -> str:
        """Let a client in.

        Args:
            given: the key that it sent.
            address: where it comes from.

        Returns:
            What its requests are counted by: its key's digest, or its address where no key is needed.

        Raises:
            Problem: ``no-key``; or ``too-many`` for a wrong key after many from the same address.
        """
        if not self._digests:
            return address
        digest = _digest(given or "")
        # Each is compared, in constant time: how long it takes tells nothing of the keys.
        if any([hmac.compare_digest(digest, known) for known in self._digests]):
            return digest.hex()  # whatever others sent from there: behind a proxy all may have one address
        if given and (wait_s := self._wrong.take(address)):  # who sends none does not guess
            raise Problem("too-many", "expected a known API key, found many unknown ones; wait before the next", wait_s)
        found = "another one" if given else "none"
        raise Problem(
            "no-key",
            f"expected a known API key as Authorization: Bearer KEY, found {found}",
            headers={"WWW-Authenticate": 'Bearer realm="ser"'},
        )


class Gate:
    """Counts who is in.

    Args:
        limits: how many may be.
        clock: gives seconds.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float] = time.monotonic):
        self._limits = limits
        self._buckets = Buckets(limits.rate_per_minute, limits.burst, clock)
        self._inside: Counter[str] = Counter()
        self._inside_of: Counter[tuple[str, str]] = Counter()
        self._most = {RECORDINGS: limits.requests, STREAMS: limits.streams}
        self._most_of_one = {RECORDINGS: limits.client_requests, STREAMS: limits.client_streams}

    def inside(self, kind: str) -> int:
        """Count recordings or streams under way."""
        return self._inside[kind]

    def full(self, kind: str) -> bool:
        """Tell whether there is no place for another."""
        return self._inside[kind] >= self._most[kind]

    @contextmanager
    def enter(self, kind: str, client: str) -> Iterator[None]:
        """Hold a place.

        Raises:
            Problem: ``too-many`` where it is the client's own doing, ``busy`` where it is not; with a time to wait.
        """
        most = self._most_of_one[kind]
        if self._inside_of[kind, client] >= most:
            raise Problem(
                "too-many", f"expected at most {most} {kind} at once from one client; wait for an answer", BUSY_S
            )
        if self.full(kind):
            raise Problem("busy", f"expected at most {self._most[kind]} {kind} at once; wait, then try again", BUSY_S)
        if wait_s := self._buckets.take(client):
            rate = self._limits.rate_per_minute
            raise Problem("too-many", f"expected at most {rate:g} requests a minute from one client; wait", wait_s)
        self._inside[kind] += 1
        self._inside_of[kind, client] += 1
        try:
            yield
        finally:
            self._inside[kind] -= 1
            self._inside_of[kind, client] -= 1
            if not self._inside_of[kind, client]:
                del self._inside_of[kind, client]


def address(client: tuple[str, int] | None) -> str:
    """Name where a client comes from: its address; of IPv6 the network of 64 bits, which one client has to itself.

    IPv4 within IPv6 (``::ffff:1.2.3.4``), as proxies that listen for both write it, counts as IPv4.
    """
    host = client[0] if client else "unknown"
    try:
        known = ipaddress.ip_address(host)
    except ValueError:
        return host
    if known.version == 4:
        return host
    return str(known.ipv4_mapped or ipaddress.ip_network((known, 64), strict=False))


def check_origin(headers: Mapping[str, str], at_home: bool = False) -> None:
    """Refuse what the page of another site sends by the browser of somebody who may come in.

    Args:
        headers: of the request.
        at_home: whether only programs of this machine may use the service, as it listens to them alone and knows no
            keys: then a page must be of a name of this machine, as a site can give its own name this machine's address.

    Raises:
        Problem: ``other-origin``; it may be this service's own page, behind a proxy that does not pass ``Host`` on.
    """
    origin, host = headers.get("origin"), headers.get("host", "")
    if origin is not None and origin.partition("://")[2].lower() != host.lower():
        raise Problem(
            "other-origin",
            f"expected a program, or a page of this service, at {shown(host)} (Host), found a page of {shown(origin)} "
            "(Origin); if that is its own page behind a proxy, let the proxy pass Host on (nginx: "
            "proxy_set_header Host $host)",
        )
    if origin is not None and at_home and not _is_this_machine(host):
        raise Problem(
            "other-origin",
            f"expected a page of this machine (localhost, 127.0.0.1), found one of {shown(host)}; behind a proxy, name "
            "it by --proxy, or set keys",
        )


def _is_this_machine(host: str) -> bool:
    """Tell whether a ``Host`` is a name or an address by which a machine calls itself."""
    try:
        name = (urlsplit(f"//{host}").hostname or "").rstrip(".")
    except ValueError:  # such as one bracket of an IPv6 address
        return False
    return is_local(name) or name.endswith(".localhost")


def is_local(host: str) -> bool:
    """Tell whether only programs of this machine reach a name or an address."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
