"""Fill the template: pages of HTML that need nothing else."""

import base64
from collections.abc import Mapping, Sequence

import jinja2

from ser.report.content import Section


def rendered(template: str, **given) -> str:
    """Fill a jinja2 template; the same HTML for the same things."""
    environment = jinja2.Environment(
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.from_string(template).render(**given)


def chapter(title: str, sections: Sequence[Section], pictures: Mapping[str, bytes], template: str) -> str:
    """Render a page of its own in the look of the report, without a summary above.

    Args:
        title: of the page.
        sections: in the order in which they are read.
        pictures: PNG files by name.
        template: that of the report.

    Returns:
        HTML.
    """
    return rendered(
        template, title=title, summary=None, sections=sections, pictures=embedded(pictures, "image/png"), sounds={}
    )


def embedded(files: Mapping[str, bytes], kind: str) -> dict[str, str]:
    """Turn files into data URIs."""
    return {name: f"data:{kind};base64,{base64.b64encode(content).decode()}" for name, content in files.items()}
