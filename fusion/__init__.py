"""The stages of fusion/dvc.yaml, which first fix the numerics: ``python -m fusion.fuse --help``."""

from ser.files import failures
from ser.machine import numerics

numerics.fix()
failures.one_line_while_loading("fusion")
