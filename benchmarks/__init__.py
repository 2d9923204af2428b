"""The stages of benchmarks/dvc.yaml, which first fix the numerics: ``python -m benchmarks.encode --help``."""

from ser.files import failures
from ser.machine import numerics

numerics.fix()
failures.one_line_while_loading("benchmarks")
