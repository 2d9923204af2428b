"""The report as one HTML page that needs nothing else."""

import base64
from collections.abc import Mapping

import jinja2

from ser.report import ambiguity, confidence, data, groups, limits, performance, speakers
from ser.report.content import Section
from ser.report.material import Material
from ser.report.summary import summary


def sections(material: Material) -> list[Section]:
    """Write all sections, in the order in which they are read."""
    chapters = (data, performance, confidence, speakers, groups, ambiguity, limits)
    return [chapter.section(material) for chapter in chapters]


def render(material: Material, template: str) -> str:
    """Render the report.

    Args:
        material: what it tells of.
        template: a jinja2 template; it gets ``summary``, ``sections``, and ``pictures`` and ``sounds`` as data URIs by
            name.

    Returns:
        HTML; the same for the same material.
    """
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(template).render(
        summary=summary(material),
        sections=sections(material),
        pictures=_embedded(material.pictures, "image/png"),
        sounds=_embedded(material.sounds, "audio/flac"),
    )


def _embedded(files: Mapping[str, bytes], kind: str) -> dict[str, str]:
    """Turn files into data URIs."""
    return {name: f"data:{kind};base64,{base64.b64encode(content).decode()}" for name, content in files.items()}
