"""Put the service under load, and measure: ``python -m serving.load URL``.

Needs httpx (requirements-dev.txt). It has no key, and the service's limits count: raise them by ``--rate-per-minute``
and the like. The memory is read where the service's process number is given.
"""

import argparse
import asyncio
import io
import json
import time
import wave
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from ser.audio import SAMPLING_RATE_HZ
from ser.files.failures import InputError, one_line

PERCENTILES = (50, 95, 99)
PASSED_OVER = (429, 503)  # the service says that it is busy; not errors


def main(arguments: Sequence[str] | None = None) -> None:
    """Send recordings, or hold streams, and print one JSON object of what was measured."""
    parser = argparse.ArgumentParser(prog="python -m serving.load", description=__doc__.replace("``", ""))
    parser.add_argument("url", help="of the service, such as http://127.0.0.1:8000")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each recording (default: 3)")
    parser.add_argument("--requests", type=int, default=200, metavar="N", help="recordings in all (default: 200)")
    parser.add_argument("--clients", type=int, default=8, metavar="N", help="that send at once (default: 8)")
    parser.add_argument(
        "--streams", type=int, metavar="N", help="hold so many streams in real time, in place of recordings"
    )
    parser.add_argument("--minutes", type=float, default=1.0, help="how long to hold them (default: 1)")
    parser.add_argument(
        "--process", type=int, metavar="N", help="number of the service's process, to read its memory beside recordings"
    )
    options = parser.parse_args(arguments)
    if options.process and options.streams:
        parser.error("--process: expected recordings, found --streams; leave one of them out")
    if options.process and not status(options.process).exists():
        parser.error(f"--process: expected the number of a process of this machine, found {options.process}")
    with one_line("load"):
        url = served(options.url)
        if options.streams:
            found = asyncio.run(hold(url, options.streams, 60 * options.minutes))
        else:
            found = asyncio.run(send(url, options.seconds, options.requests, options.clients, options.process))
        print(json.dumps(found, indent=2))


def served(url: str) -> str:
    """Give the address of a service without the slash at its end.

    Raises:
        InputError: no service answers there.
    """
    url = url.rstrip("/")
    try:
        found = f"status {httpx.get(f'{url}/health', timeout=30).status_code} of /health"
    except (httpx.TransportError, httpx.InvalidURL, UnicodeError) as error:
        found = f"none ({' '.join(str(error).split()) or type(error).__name__})"
    if found != "status 200 of /health":
        raise InputError(
            f"{url or 'the URL'}: expected a service, as at http://127.0.0.1:8000, found {found}; begin it: ser serve"
        )
    return url


def recording(seconds: float) -> bytes:
    """Make a WAV file of noise."""
    samples = np.random.default_rng(0).normal(0, 0.1, round(seconds * SAMPLING_RATE_HZ))
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setparams((1, 2, SAMPLING_RATE_HZ, 0, "NONE", None))
        writer.writeframes((samples * 32767).astype("<i2").tobytes())
    return file.getvalue()


async def send(url: str, seconds: float, requests: int, clients: int, process: int | None = None) -> dict:
    """Send recordings, each client one after the other.

    Args:
        url: of the service.
        seconds: of each recording.
        requests: in all.
        clients: how many send at once.
        process: number of the service's process.

    Returns:
        Counts by status, answers a second, latencies of those that were answered in milliseconds, and the process'
        memory in MB after each tenth of the requests.
    """
    content, statuses, latencies, memory, left = recording(seconds), Counter(), [], [], iter(range(requests))

    async def one_client(client: httpx.AsyncClient) -> None:
        for number in left:
            begin = time.perf_counter()
            try:
                answer = await client.post("/v1/predict", content=content, headers={"Content-Type": "audio/wav"})
                ended = answer.status_code
            except httpx.TransportError as error:
                ended = type(error).__name__
            statuses[ended] += 1
            if ended == 200:
                latencies.append(1000 * (time.perf_counter() - begin))
            if process and (number + 1) % max(1, requests // 10) == 0:
                memory.append(resident_mb(process))

    begin = time.perf_counter()
    async with httpx.AsyncClient(base_url=url, timeout=120, limits=httpx.Limits(max_connections=clients)) as client:
        await asyncio.gather(*(one_client(client) for _ in range(clients)))
    took_s = time.perf_counter() - begin
    return _summary(statuses, latencies) | {
        "answers_per_s": round(statuses[200] / took_s, 1),
        "audio_s_per_s": round(statuses[200] * seconds / took_s, 1),
        **({"memory_mb": memory} if process else {}),
    }


async def hold(url: str, streams: int, seconds: float) -> dict:
    """Hold streams in real time.

    Args:
        url: of the service.
        streams: how many at once.
        seconds: how long.

    Returns:
        Streams by how their handshake ended; latencies, from the half second's last sample sent to its answer, in
        milliseconds; and how many answers came too late and were passed over.
    """
    half = recording(0.5)[44:]
    statuses, latencies, skipped = Counter(), [], []

    async def one_stream(delay_s: float) -> None:
        await asyncio.sleep(delay_s)
        try:
            async with connect(url.replace("http", "ws", 1) + "/v1/stream", proxy=None) as stream:
                statuses[101] += 1
                await _talk(stream)
        except InvalidStatus as error:
            statuses[error.response.status_code] += 1
        except OSError as error:  # as for recordings: nobody listens
            statuses[type(error).__name__] += 1

    async def _talk(stream) -> None:
        sent = {}

        async def listen() -> None:
            async for message in stream:
                found = json.loads(message)
                latencies.append(1000 * (time.perf_counter() - sent[found["end_s"]]))
                skipped.append(found["skipped"])

        listening = asyncio.create_task(listen())
        begin = time.perf_counter()
        for number in range(1, round(2 * seconds) + 1):
            await asyncio.sleep(begin + 0.5 * number - time.perf_counter())
            sent[0.5 * number] = time.perf_counter()
            await stream.send(half)
        await asyncio.sleep(1)
        listening.cancel()

    await asyncio.gather(*(one_stream(0.5 * number / streams) for number in range(streams)))
    return _summary(statuses, latencies) | {"skipped": sum(skipped)}


def status(process: int) -> Path:
    """Say where Linux tells of a process."""
    return Path(f"/proc/{process}/status")


def resident_mb(process: int) -> float:
    """Give the resident memory of a process of Linux."""
    for line in status(process).read_text().splitlines():
        if line.startswith("VmRSS:"):
            return round(int(line.split()[1]) / 1024, 1)
    raise ValueError(f"process {process}: expected a line VmRSS, found none")


def _summary(statuses: Counter, latencies: list[float]) -> dict:
    errors = sum(count for status, count in statuses.items() if status not in (101, 200, *PASSED_OVER))
    found = {f"p{share}_ms": round(float(np.percentile(latencies, share)), 1) for share in PERCENTILES if latencies}
    return {"statuses": {str(status): count for status, count in statuses.items()}, "errors": errors} | found


if __name__ == "__main__":
    main()
