"""The stages of benchmarks/dvc.yaml, which first fix the numerics: ``python -m benchmarks.encode --help``."""

from ser import numerics

numerics.fix()
