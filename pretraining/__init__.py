"""The stages of pretraining/dvc.yaml: ``python -m pretraining.prepare --help``."""

from ser.files import failures

failures.one_line_while_loading("pretraining")
