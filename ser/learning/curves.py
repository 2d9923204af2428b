"""Learning curves: a row an epoch, with the losses and UARs of the training and the validation part."""

import pandas as pd


def kept(curves: pd.DataFrame) -> pd.DataFrame:
    """Pick the epoch that was kept, with the lowest validation loss: one row a protocol and fold."""
    return curves.loc[curves.groupby(["protocol", "fold"])["validation_loss"].idxmin()]
