import pandas as pd

from ser.people import groups_of


def test_an_age_told_as_a_band_that_ends_on_an_edge_is_not_known():
    told = ['{"age_band": "21-30"}', '{"age_band": "21-29"}']
    found, _ = groups_of(pd.DataFrame({"age": [25.5, 25.0], "details": told}), "age", (30, 45))
    assert list(found) == ["unknown", "under_30"]  # who is 30 is in the next group
