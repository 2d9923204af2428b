"""The stages of dvc.yaml, which first fix the numerics: ``python -m stages.train --help``."""

import sys

from ser.files import failures
from ser.machine import numerics

if "--numerics=fast" not in sys.argv:  # asked for by the params of a stage, whose lock then says so
    numerics.fix()
failures.one_line_while_loading("stages")
