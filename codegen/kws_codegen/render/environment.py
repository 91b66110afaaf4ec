"""The templates' environment."""

from pathlib import Path

import jinja2

from kws_codegen.render import text

TEMPLATES = Path(__file__).parents[1] / "templates"


def environment(folder: Path = TEMPLATES) -> jinja2.Environment:
    """Templates of a folder with the filters of `text`. What a template names must be there."""
    result = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,
    )
    for function in (text.numbers, text.hex_bytes, text.c_string, text.c_type, text.comment):
        result.filters[function.__name__] = function
    return result
