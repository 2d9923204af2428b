"""The stages of dvc.yaml, which first fix the numerics: ``python -m stages.train --help``."""

from ser import failures, numerics

numerics.fix()
failures.one_line_while_loading("stages")
