"""The stages of dvc.yaml, which first fix the numerics: ``python -m stages.train --help``."""

from ser import numerics

numerics.fix()
