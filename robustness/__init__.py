"""The stages of robustness/dvc.yaml, which first fix the numerics: ``python -m robustness.encode --help``."""

from ser.files import failures
from ser.machine import numerics

numerics.fix()
failures.one_line_while_loading("robustness")
