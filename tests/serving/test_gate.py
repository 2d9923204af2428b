"""Keys, rates and places, with a clock that the tests move."""

import pytest

from ser.files.failures import InputError
from serving import gate
from serving.gate import Buckets, Gate, Keys, check_origin
from serving.limits import Limits
from serving.problems import Problem


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_a_bucket_gives_its_burst_and_then_its_rate(clock):
    buckets = Buckets(per_minute=60, size=3, clock=clock)

    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 1]
    assert buckets.take("b") == 0
    clock.now += 1
    assert buckets.take("a") == 0
    assert buckets.take("a") == 1


def test_a_bucket_never_holds_more_than_its_burst(clock):
    buckets = Buckets(per_minute=60, size=2, clock=clock)
    buckets.take("a")
    clock.now += 3600

    assert [buckets.take("a") == 0 for _ in range(3)] == [True, True, False]


def test_only_so_many_clients_are_remembered(clock, monkeypatch):
    monkeypatch.setattr(gate, "CLIENTS", 2)
    buckets = Buckets(per_minute=60, size=1, clock=clock)
    for client in "abc":
        buckets.take(client)

    assert buckets.take("a") == 0, "it was away longest, and begins anew"
    assert buckets.take("c") > 0


def test_places_are_given_back(clock):
    entrance = Gate(Limits(client_requests=1), clock)

    with entrance.enter(gate.RECORDINGS, "a"):
        assert entrance.inside(gate.RECORDINGS) == 1
        with pytest.raises(Problem, match="at most 1 recordings at once from one client") as caught:
            entrance.enter(gate.RECORDINGS, "a").__enter__()
        assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "2")
        with entrance.enter(gate.STREAMS, "a"), entrance.enter(gate.RECORDINGS, "b"):
            pass
    with entrance.enter(gate.RECORDINGS, "a"):
        pass
    assert entrance.inside(gate.RECORDINGS) == 0


def test_when_all_places_are_taken_others_are_told_that_it_is_not_their_doing(clock):
    entrance = Gate(Limits(requests=1), clock)

    with entrance.enter(gate.RECORDINGS, "a"):
        assert entrance.full(gate.RECORDINGS)
        with pytest.raises(Problem) as caught:
            entrance.enter(gate.RECORDINGS, "b").__enter__()
    assert (caught.value.status, caught.value.kind) == (503, "busy")


def test_a_client_that_asks_too_often_is_told_how_long_to_wait(clock):
    entrance = Gate(Limits(rate_per_minute=2, burst=1), clock)
    with entrance.enter(gate.RECORDINGS, "a"):
        pass

    with pytest.raises(Problem) as caught:
        entrance.enter(gate.RECORDINGS, "a").__enter__()
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "30")


def test_known_keys_come_in_and_are_counted_by_key(clock):
    keys = Keys(["first key", "second key"], Limits(), clock)

    assert (
        keys.check("first key", "1.2.3.4") == keys.check("first key", "4.3.2.1") != keys.check("second key", "1.2.3.4")
    )


@pytest.mark.parametrize("given", [None, "", "first", "first keyy", "First key", "kéy"])
def test_unknown_keys_do_not_come_in(clock, given):
    with pytest.raises(Problem, match="expected a known API key") as caught:
        Keys(["first key"], Limits(), clock).check(given, "1.2.3.4")
    assert (caught.value.status, caught.value.headers["WWW-Authenticate"]) == (401, 'Bearer realm="ser"')


@pytest.fixture
def guessed(clock):
    """Keys of which an address has guessed as many as it may."""
    keys = Keys(["the key"], Limits(wrong_keys_per_minute=3), clock)
    for guess in range(3):
        with pytest.raises(Problem, match="found another one"):
            keys.check(str(guess), "1.2.3.4")
    return keys


def test_who_guesses_keys_has_to_wait(guessed, clock):
    with pytest.raises(Problem, match="many unknown ones") as caught:
        guessed.check("another", "1.2.3.4")
    assert (caught.value.status, caught.value.headers["Retry-After"]) == (429, "20")
    clock.now += 20
    with pytest.raises(Problem, match="found another one"):
        guessed.check("another", "1.2.3.4")


def test_the_guesses_of_others_at_the_same_address_lock_nobody_out(guessed):
    assert guessed.check("the key", "1.2.3.4") == guessed.check("the key", "4.3.2.1")
    with pytest.raises(Problem, match="found none"):
        guessed.check(None, "1.2.3.4")


def test_who_sends_no_key_does_not_guess(clock):
    keys = Keys(["the key"], Limits(wrong_keys_per_minute=3), clock)
    for _ in range(5):
        with pytest.raises(Problem, match="found none"):
            keys.check(None, "1.2.3.4")
    assert keys.check("the key", "1.2.3.4")


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", "127.1.2.3", "ser.localhost"])
def test_at_home_pages_of_this_machine_may_come_in(host):
    check_origin({"origin": f"http://{host}", "host": host}, at_home=True)


@pytest.mark.parametrize("host", ["[::1", "::1]", "localhost:8000]"])
def test_at_home_a_name_that_is_none_may_not(host):
    with pytest.raises(Problem, match="expected a page of this machine"):
        check_origin({"origin": f"http://{host}", "host": host}, at_home=True)


def test_at_home_a_site_that_gives_its_name_this_machines_address_may_not():
    headers = {"origin": "http://evil.example:8000", "host": "evil.example:8000"}
    check_origin(headers)
    with pytest.raises(Problem, match=r"expected a page of this machine .*evil\.example"):
        check_origin(headers, at_home=True)
    check_origin({"host": "evil.example:8000"}, at_home=True)  # no page


def test_without_keys_everybody_comes_in():
    keys = Keys([], Limits())

    assert not keys
    assert keys.check("any", "1.2.3.4") == "1.2.3.4"


@pytest.mark.parametrize(
    ("client", "expected"),
    [
        (("1.2.3.4", 5), "1.2.3.4"),
        (("2001:db8:1:2:3:4:5:6", 5), "2001:db8:1:2::/64"),
        (("::ffff:1.2.3.4", 5), "1.2.3.4"),
        (("::ffff:0102:0304", 5), "1.2.3.4"),
        (None, "unknown"),
        (("name", 5), "name"),
    ],
)
def test_a_client_is_its_address_or_its_network(client, expected):
    assert gate.address(client) == expected


@pytest.mark.parametrize("origin", [None, "http://here:8000", "https://HERE:8000"])
def test_this_page_and_programs_may_send(origin):
    gate.check_origin({"host": "here:8000"} | ({"origin": origin} if origin else {}))


@pytest.mark.parametrize("origin", ["http://elsewhere", "http://here", "null", ""])
def test_pages_of_others_may_not(origin):
    with pytest.raises(Problem) as caught:
        gate.check_origin({"host": "here:8000", "origin": origin})
    assert caught.value.status == 403


def test_a_page_behind_a_proxy_that_hides_the_host_is_told_both_and_the_remedy():
    with pytest.raises(Problem) as caught:
        gate.check_origin({"host": "127.0.0.1:8000", "origin": "https://voice.example"})
    for word in ("'127.0.0.1:8000' (Host)", "'https://voice.example' (Origin)", "nginx: proxy_set_header Host $host"):
        assert word in caught.value.detail
    assert "stream" not in caught.value.title.lower(), "uploads are refused, too"


def test_limits_that_mean_nothing_are_refused():
    with pytest.raises(InputError, match=r"^--upload-bytes: expected at least 1, found 0$"):
        Limits(upload_bytes=0)
    with pytest.raises(InputError, match=r"^--upload-s: "):
        Limits(upload_s=float("nan"))
