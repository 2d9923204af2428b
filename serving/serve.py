"""Serve the trained model over HTTP, and a page to try it: ``ser serve``."""

import argparse
import dataclasses
import errno
import ipaddress
import logging
import os
import re
import resource
import socket
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context

from ser.files.failures import InputError, one_line
from ser.machine import cores, numerics

KEYS = "SER_API_KEYS"
PING_S = 10
OTHER_FILES = 100  # that a process has open beside its connections
WORKER_S = 15  # a process that does not answer for so long is replaced


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until a signal; end with exit code 1 where the model cannot be loaded or the address is taken."""
    # Threads of ours compute side by side; threads of the libraries within them would only be in each other's way.
    os.environ.update(numerics.THREADS)
    from serving import chosen, limits

    parser = argparse.ArgumentParser(prog="ser serve", description="Serve the trained model over HTTP, and a page.")
    chosen.add_flags(parser)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at (default: 127.0.0.1, this machine)")
    parser.add_argument("--port", type=int, default=8000, help="port to listen at (default: 8000)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    parser.add_argument(
        "--threads", type=int, metavar="N", help="recordings computed at once in a process (default: cores)"
    )
    chosen.add_doubt_flags(parser)
    words = "IP addresses or networks, commas between them, of proxies whose word on their clients' addresses is taken"
    parser.add_argument("--proxy", metavar="ADDRESS", help=words)
    limits.add_flags(parser)
    options = parser.parse_args(arguments)
    with chosen.usage(parser):
        _check(options)
    with one_line("serve"):
        service = _tried(options)
        folder = tempfile.TemporaryDirectory() if options.workers > 1 else None
        if folder:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder.name  # counts of the processes; no audio
        try:
            _run(options, service)
        finally:
            if folder:
                folder.cleanup()


def make(options: argparse.Namespace):
    """Load the model and make the service, in the process that serves.

    Raises:
        InputError: there is no such model.
    """
    from serving import chosen, gate, limits
    from serving.service import Service

    threads = options.threads or max(1, cores.allotted() // options.workers)
    model = chosen.load(options)
    policy = chosen.policy(options, model.abstain_below)
    at_home = gate.is_local(options.host) and not options.proxy
    return Service(model, limits.from_flags(options), policy, api_keys(), threads, at_home)


def api_keys() -> list[str]:
    """Read the API keys from the environment, commas between them.

    Raises:
        InputError: one is too short not to be guessed, or cannot be sent in a header.
    """
    keys = [key.strip() for key in os.environ.get(KEYS, "").split(",") if key.strip()]
    if any(len(key) < 16 for key in keys):
        raise InputError(
            f"{KEYS}: expected keys of at least 16 characters, found a shorter one; make one: openssl rand -hex 16"
        )
    if not all(re.fullmatch("[!-~]+", key) for key in keys):
        raise InputError(
            f"{KEYS}: expected keys of letters, digits and signs of ASCII, as a header can hold, found another sign; "
            "make one: openssl rand -hex 16"
        )
    return keys


def application(made):
    """Make the application, in the process that serves; ``made`` makes its service."""
    from serving import logs
    from serving.app import build
    from serving.servers import end_with_parent

    logs.set_up()
    end_with_parent()
    return build(made)


def _check(options: argparse.Namespace) -> None:
    """Refuse flags out of their range, or that the model would ignore."""
    from serving import chosen, limits

    for flag, value, least, most in (
        ("--workers", options.workers, 1, 1000),
        ("--threads", 1 if options.threads is None else options.threads, 1, 1000),
        ("--port", options.port, 0, 65_535),
    ):
        if not least <= value <= most:
            raise InputError(f"{flag}: expected {least:,} to {most:,}, found {value}")
    for proxy in [] if options.proxy is None else options.proxy.split(","):
        try:
            ipaddress.ip_network(proxy.strip())
        except ValueError as error:
            raise InputError(
                f"--proxy: expected IP addresses or networks, such as 127.0.0.1 or 10.0.0.0/8, found '{proxy}'; a name "
                "or a star would let everybody say who they are"
            ) from error
    limits.from_flags(options)
    chosen.policy(options)
    chosen.check(options)


def _tried(options: argparse.Namespace):
    """Give what makes the service; what it cannot be made of is refused here, before any process serves."""
    if options.workers == 1:
        service = make(options)
        return lambda: service
    # In a process of its own, whose memory is free again when the workers load theirs.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        process.submit(_try, options).result()
    return partial(make, options)


def _try(options: argparse.Namespace) -> None:
    make(options)


def config(app, known, **options):
    """Configure uvicorn.

    Args:
        app: makes the application.
        known: the limits.
        options: more of uvicorn's.
    """
    import uvicorn

    from serving import logs
    from serving.connections import Connection, StreamConnection

    logging.getLogger("uvicorn.error").addFilter(logs.no_false_alarm)
    found = uvicorn.Config(
        app,
        factory=True,
        http=Connection,
        ws=StreamConnection,
        ws_max_size=known.message_bytes,
        ws_ping_interval=PING_S,
        ws_ping_timeout=known.stream_idle_s,
        ws_per_message_deflate=False,  # samples hardly shrink, and what does could be made to grow
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=known.shutdown_s,
        timeout_worker_healthcheck=WORKER_S,
        **options,
    )
    found.limits = known
    return found


def _run(options: argparse.Namespace, made) -> None:
    from serving import limits, logs
    from serving.servers import Server, Servers

    logs.set_up()
    known = _within_files(limits.from_flags(options))
    proxy = {"proxy_headers": bool(options.proxy), "forwarded_allow_ips": options.proxy or ""}
    configured = config(partial(application, made), known, workers=options.workers, **proxy)
    with _listen(options.host, options.port) as listener:
        _warn(options)
        host = f"[{options.host}]" if ":" in options.host else options.host
        url = f"http://{host}:{listener.getsockname()[1]}/"
        told = partial(logs.event, "serving", url=url, workers=options.workers)
        if options.workers == 1:
            Server(configured, told).run([listener])
        else:
            Servers(configured, [listener], told).run()
    logs.event("ended")


def _within_files(known):
    """Let the process open as many files as it may have connections, or allow fewer connections and say so."""
    from serving import logs

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if most == resource.RLIM_INFINITY or known.connections + OTHER_FILES <= most:
        return known
    connections = max(1, most - OTHER_FILES)
    logs.event(
        f"--connections: expected at least {known.connections + OTHER_FILES} files that a process may open, found "
        f"{most} (ulimit -Hn); it takes {connections} connections at most",
        level=30,
    )
    return dataclasses.replace(known, connections=connections)


def _listen(host: str, port: int) -> socket.socket:
    """Listen at an address.

    Raises:
        InputError: it is none of this machine, or is taken, or may not be had.
    """
    try:
        family, *_, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (socket.gaierror, UnicodeError) as error:
        raise InputError(
            f"--host: expected an address or name of this machine, found '{host}', which nobody knows; 127.0.0.1 is "
            "this machine, 0.0.0.0 all its addresses"
        ) from error
    try:
        return socket.create_server(where[:2], family=family, backlog=2048)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            words = f"--port: expected a free port, found {port} taken; end what listens there, or take another"
        elif error.errno == errno.EADDRNOTAVAIL:
            words = f"--host: expected an address of this machine, found {host}; 127.0.0.1 is one, 0.0.0.0 all of them"
        elif isinstance(error, PermissionError):
            words = f"--port: expected a port that may be listened at, found {port}; take one above 1023"
        else:
            raise
        raise InputError(words) from error


def _warn(options: argparse.Namespace) -> None:
    from serving import chosen, gate, logs

    if not gate.is_local(options.host) and not api_keys():
        logs.event(f"anybody who reaches {options.host} may use the service; set {KEYS} for keys", level=30)
    if chosen.never_unfamiliar(options):
        logs.event(chosen.NEVER_UNFAMILIAR, level=30)


if __name__ == "__main__":
    main()
