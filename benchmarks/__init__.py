"""The stages of benchmarks/dvc.yaml, which first fix the numerics: ``python -m benchmarks.encode --help``."""

from ser import failures, numerics

numerics.fix()
failures.one_line_while_loading("benchmarks")
