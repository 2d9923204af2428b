"""The routes of the service, and how they are described in OpenAPI."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

from fastapi import Depends, FastAPI, Query, Request, Response, WebSocket
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from ser.audio import SAMPLING_RATE_HZ
from serving import gate, metrics, problems, streams, uploads
from serving.answers import Prediction, Stretch, answer, timeline, windows
from serving.limits import Limits
from serving.observed import Observed
from serving.problems import Problem
from serving.recording import Recording
from serving.service import Check, Service

PAGE = Path(__file__).with_name("page")
FILES = {  # address: file and type
    "/": ("index.html", "text/html; charset=utf-8"),
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
    "/icon.svg": ("icon.svg", "image/svg+xml"),
}
EXAMPLE = {
    "answer": "happy",
    "label": "happy",
    "confidence": 0.71,
    "probabilities": {"angry": 0.2, "happy": 0.71, "neutral": 0.06, "sad": 0.03},
    "distance": 0.62,
}
EXAMPLES = {
    "emotion": {"value": EXAMPLE | {"duration_s": 2.5, "threshold": 0.5, "timeline": None}},
    "timeline": {
        "value": EXAMPLE
        | {"duration_s": 2.5, "threshold": 0.5, "timeline": [{"start_s": 0.0, "end_s": 2.0} | EXAMPLE]},
    },
    "silence": {
        "value": {
            "answer": "silence",
            "label": None,
            "confidence": None,
            "probabilities": None,
            "distance": None,
            "duration_s": 2.5,
            "threshold": 0.5,
            "timeline": None,
        }
    },
}
BINARY = {"schema": {"type": "string", "format": "binary"}}
BODY = {
    "required": True,
    "description": "The recording: the body itself, or the part 'file' of a form. Its name is not looked at.",
    "content": {
        **dict.fromkeys(("audio/*", "video/*", *uploads.OTHER_TYPES), BINARY),
        uploads.FORM: {
            "schema": {
                "type": "object",
                "properties": {uploads.PART: {"type": "string", "format": "binary"}},
                "required": [uploads.PART],
            }
        },
    },
}
REFUSALS = (
    *("malformed", "empty", "no-key", "other-origin", "slow-upload", "too-large", "too-long", "wrong-type"),
    *("unreadable", "wrong-parameter", "too-many", "broken", "busy"),
)


class ModelCard(BaseModel):
    """What the service runs."""

    labels: list[str] = Field(description="the emotions")
    settings: dict[str, str | float | int] = Field(description="what the model is made of")
    threshold: float = Field(description="the confidence below which the answer is 'uncertain'")
    silence_db: float = Field(description="the level, in dB of full scale, below which the answer is 'silence'")
    limits: dict[str, float] = Field(description="what is taken at most; sizes in bytes, times in seconds")
    needs_key: bool = Field(description="whether an API key is needed")
    card: str = Field(description="what the model is and is not, Markdown")


class State(BaseModel):
    """How the service is."""

    status: str = Field(examples=["ok"])


def build(make: Callable[[], Service]) -> Observed:
    """Make the application.

    Args:
        make: makes the service; called once, before the first request.
    """
    service = make()

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        yield
        service.close()

    app = FastAPI(
        title="Speech emotion recognition",
        version=version("ser"),
        summary="A recording or a stream in; a probability for each emotion out.",
        description=(
            "Audio lies in memory while it is answered for, and nowhere else. Errors are problem details (RFC 9457). "
            "A stream: WebSocket /v1/stream?sampling_rate=16000&window=3, binary messages of 16-bit little-endian mono "
            "samples in, every half second one JSON object out (Stretch, and 'skipped': answers that came too late)."
        ),
        license_info={"name": "MIT"},
        docs_url=None,  # these pages load scripts from elsewhere
        redoc_url=None,
        lifespan=life,
    )
    problems.install(app)
    _add_state(app, service)
    _add_model(app, service)
    for address, (name, kind) in FILES.items():
        _add_file(app, address, PAGE / name, kind)
    _describe(app)
    return Observed(app, service.metrics)


def _add_model(app: FastAPI, service: Service) -> None:
    bearer = HTTPBearer(auto_error=False, description="only where the service was started with SER_API_KEYS")

    @app.post(
        "/v1/predict",
        summary="Answer for a recording",
        openapi_extra={"requestBody": BODY},
        responses={200: {"content": {"application/json": {"examples": EXAMPLES}}}} | problems.documented(REFUSALS),
    )
    async def predict(
        request: Request,
        given: Annotated[HTTPAuthorizationCredentials | None, Depends(bearer)],
        window: Annotated[
            float | None,
            Query(
                ge=0.5, le=30, allow_inf_nan=False, description="seconds of a window of the timeline; none without it"
            ),
        ] = None,
        hop: Annotated[
            float | None,
            Query(
                ge=0.1,
                le=30,
                allow_inf_nan=False,
                description="seconds between two windows, at most a window; 1 without it, or a shorter window",
            ),
        ] = None,
    ) -> Prediction:
        with service.admitted(gate.RECORDINGS, request, given.credentials if given else None):
            problems.check_parameters(request.query_params, ("window", "hop"))
            for name in ("window", "hop"):
                problems.check_number(name, request.query_params.get(name))
            cut = _cut(window, hop)
            recording = await uploads.receive(request, service.limits)
            with recording:
                found = await service.compute(
                    gate.RECORDINGS, lambda check: _predict(service, recording, cut, check), request
                )
        service.metrics.audio_seconds.labels(gate.RECORDINGS).inc(found["duration_s"])
        service.metrics.answers.labels(gate.RECORDINGS, found["answer"]).inc()
        return Prediction(**found)

    @app.get("/v1/model", summary="What the service runs", responses=problems.documented(["broken"]))
    async def model() -> ModelCard:
        limits = service.limits
        return ModelCard(
            labels=list(service.model.labels),
            settings=dict(service.model.settings),
            threshold=service.policy.threshold,
            silence_db=service.policy.silence_db,
            limits={
                "upload_bytes": limits.upload_bytes,
                "duration_s": limits.duration_s,
                "windows": limits.windows,
                "timeline_s": limits.timeline_s,
                "rate_per_minute": limits.rate_per_minute,
                "stream_s": limits.stream_s,
            },
            needs_key=bool(service.keys),
            card=service.model.card,
        )

    @app.websocket("/v1/stream")
    async def stream(websocket: WebSocket) -> None:
        await streams.serve(websocket, service)

    @app.get("/v1/stream", include_in_schema=False)
    async def no_stream() -> None:
        raise Problem(
            "no-stream",
            "expected a WebSocket's handshake, found a request without one; open ws://HOST/v1/stream, or wss:// with "
            "TLS; a proxy has to pass Upgrade and Connection on",
            headers={"Upgrade": "websocket", "Connection": "Upgrade"},
        )

    @app.websocket("/{path:path}")
    async def elsewhere(websocket: WebSocket) -> None:
        await streams.refuse(websocket)


def _cut(window: float | None, hop: float | None) -> tuple[int, int] | None:
    """Give window and hop in samples; None without a timeline."""
    if window is None:
        if hop is not None:
            raise Problem("wrong-parameter", "hop: expected window beside it, found none; add it")
        return None
    hop = min(1.0, window) if hop is None else hop
    if hop > window:
        raise Problem("wrong-parameter", f"hop: expected at most the window, {window:g} s, found {hop:g} s")
    return round(window * SAMPLING_RATE_HZ), round(hop * SAMPLING_RATE_HZ)


def _check_cuts(cuts: list[tuple[int, int]], limits: Limits) -> None:
    """Refuse a timeline that could not be answered for in time."""
    if len(cuts) > limits.windows:
        raise Problem(
            "wrong-parameter", f"hop: expected at most {limits.windows} windows, found {len(cuts)}; take a longer hop"
        )
    together_s = sum(stop - start for start, stop in cuts) / SAMPLING_RATE_HZ
    if together_s > limits.timeline_s:
        raise Problem(
            "wrong-parameter",
            f"window and hop: expected windows of at most {limits.timeline_s:,g} s together, found {len(cuts)} of "
            f"{together_s:,.0f} s; take a longer hop or a shorter window",
        )


def _predict(service: Service, recording: Recording, cut: tuple[int, int] | None, check: Check) -> dict:
    """Decode, and answer for the whole and for each window; runs in a thread."""
    limits, model, policy = service.limits, service.model, service.policy
    signal = recording.signal(limits, check)
    cuts = windows(signal.size, *cut) if cut else []
    _check_cuts(cuts, limits)
    found = answer(model, signal, policy)
    stretches = [Stretch(**stretch) for stretch in timeline(model, signal, cuts, policy, check)] if cut else None
    times = {"duration_s": signal.size / SAMPLING_RATE_HZ, "threshold": policy.threshold}
    return found | times | {"timeline": stretches}


def _add_state(app: FastAPI, service: Service) -> None:
    @app.get("/health", summary="Whether the process answers", responses=problems.documented(["broken"]))
    async def health() -> State:
        return State(status="ok")

    @app.get(
        "/ready", summary="Whether there is a place for another recording", responses=problems.documented(["busy"])
    )
    async def ready() -> State:
        if service.gate.full(gate.RECORDINGS):
            raise Problem("busy", "expected a free place, found none; wait, then try again", gate.BUSY_S)
        return State(status="ready")

    @app.get(
        "/metrics",
        summary="Counts, for Prometheus",
        response_class=Response,
        responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
    )
    async def counts() -> Response:
        return Response(service.metrics.text(), headers={"Content-Type": metrics.CONTENT_TYPE})

    @app.get("/problems/{kind}", summary="What a type of problem is", responses=problems.documented(["not-found"]))
    async def problem(kind: str) -> Mapping[str, str | int]:
        if kind not in problems.KINDS:
            raise Problem("not-found", f"expected one of {', '.join(problems.KINDS)}, found {problems.shown(kind)}")
        status, title = problems.KINDS[kind]
        return {"type": f"/problems/{kind}", "title": title, "status": status}


def _add_file(app: FastAPI, address: str, file: Path, kind: str) -> None:
    content = file.read_bytes()

    @app.get(address, include_in_schema=False, name=file.name)
    async def page() -> Response:
        return Response(content, media_type=kind, headers={"Cache-Control": "no-cache"})


def _describe(app: FastAPI) -> None:
    """Put the problem details among the schemas, in place of FastAPI's own kind of error, and the examples whole."""
    found = app.openapi()
    answered = found["paths"]["/v1/predict"]["post"]["responses"]["200"]["content"]["application/json"]
    answered["examples"] = EXAMPLES  # FastAPI leaves out what is null
    schemas = found["components"]["schemas"]
    schemas["Details"] = problems.Details.model_json_schema()
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for path in found["paths"].values():
        for operation in path.values():
            refused = operation["responses"].get("422", {}).get("content", {})
            refused.pop("application/json", None)
            if not refused:  # of a parameter that may be any text
                operation["responses"].pop("422", None)
