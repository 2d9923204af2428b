"""The report as one HTML page that needs nothing else."""

from ser.report import ambiguity, confidence, data, groups, limits, performance, speakers
from ser.report.content import Section
from ser.report.material import Material
from ser.report.rendering import embedded, rendered
from ser.report.summary import summary


def sections(material: Material) -> list[Section]:
    """Write all sections, in the order in which they are read."""
    chapters = (data, performance, confidence, speakers, groups, ambiguity, limits)
    return [chapter.section(material) for chapter in chapters]


def render(material: Material, template: str) -> str:
    """Render the report.

    Args:
        material: what it tells of.
        template: a jinja2 template; it gets ``title``, ``summary``, ``sections``, and ``pictures`` and ``sounds`` as
            data URIs by name.

    Returns:
        HTML; the same for the same material.
    """
    top = summary(material)
    return rendered(
        template,
        title=f"Speech emotion recognition: report on {top.corpora}",
        summary=top,
        sections=sections(material),
        pictures=embedded(material.pictures, "image/png"),
        sounds=embedded(material.sounds, "audio/flac"),
    )
