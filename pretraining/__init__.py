"""The stages of pretraining/dvc.yaml: ``python -m pretraining.prepare --help``."""

from ser import failures

failures.one_line_while_loading("pretraining")
