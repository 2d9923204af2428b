"""The page in a browser, as a person uses it: a file, the microphone, the keyboard, an error."""

import numpy as np
import pytest
import soundfile
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from tests import browsing
from tests.browsing import until as wait

FLAGS = ("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream")

pytestmark = browsing.NEEDED


@pytest.fixture(scope="module")
def files(tmp_path_factory, recording):
    """Three seconds that are loud, and a file that is no recording."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "voice.wav").write_bytes(recording(seconds=3, level=0.95))
    (folder / "broken.wav").write_bytes(b"not a recording")
    return folder


@pytest.fixture(scope="module")
def browser(files, tmp_path_factory):
    captured = f"--use-file-for-fake-audio-capture={files / 'voice.wav'}"
    with browsing.opened(tmp_path_factory.mktemp("profile"), *FLAGS, captured) as driver:
        yield driver


@pytest.fixture
def page(browser, server):
    """The page, loaded anew; nothing may be refused by its own policy or fail in it."""
    browser.get(server.url)
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#bars li"))
    browser.get_log("browser")
    yield browser
    faults = [line["message"] for line in browser.get_log("browser") if line["level"] == "SEVERE"]
    assert [fault for fault in faults if "status of 4" not in fault] == []


def text(page, name):
    return page.find_element(By.ID, name).text


def test_a_recording_is_uploaded_and_answered_for(page, files):
    page.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))

    wait(page, lambda: text(page, "word") == "loud")
    assert text(page, "sure") == "67\u202f% confident"
    assert [row.text.split() for row in page.find_elements(By.CSS_SELECTOR, "#bars li")] == [
        ["quiet", "33", "%"],
        ["loud", "67", "%"],
    ]
    assert text(page, "to") == "3.0\u202fs"
    wait(page, lambda: page.find_element(By.ID, "spoken").get_attribute("textContent").endswith("loud, 67\u202f%"))
    page.find_element(By.CSS_SELECTOR, "#table summary").click()
    assert len(page.find_elements(By.CSS_SELECTOR, "#table tbody tr")) == 3, "windows of 2 s, every half second, in 3 s"


def test_the_first_cells_of_rows_are_heads_and_an_empty_one_heads_nothing(page, files):
    page.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))
    wait(page, lambda: page.find_elements(By.CSS_SELECTOR, "#table:not([hidden]) tbody tr"))

    def cells(table):
        rows = page.find_elements(By.CSS_SELECTOR, f"{table} tr")
        return [
            [(cell.tag_name, cell.get_attribute("scope") or "") for cell in row.find_elements(By.XPATH, "*")]
            for row in rows
        ]

    assert cells("#card-text") == [[("td", ""), ("th", "col")], [("th", "row"), ("td", "")]]
    assert cells("#table")[:2] == [[("th", "col")] * 4, [("th", "row")] + [("td", "")] * 3]


def test_the_picture_has_the_colour_of_the_answer(page, files):
    page.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))
    wait(page, lambda: text(page, "word") == "loud")

    colours = page.execute_script(
        "const c = document.getElementById('canvas'), found = new Set();"
        "const d = c.getContext('2d').getImageData(0, 0, c.width, c.height).data;"
        "for (let i = 0; i < d.length; i += 4) if (d[i + 3] === 255) found.add([d[i], d[i + 1], d[i + 2]].join());"
        "return [...found];"
    )
    assert "142,199,147" in colours, "--other, the colour of labels that have none of their own"


def test_the_waveform_is_that_of_all_channels_together(page, tmp_path):
    """Of the first half there is the right channel alone; in the second the channels cancel, and nothing is heard."""
    tone = 0.9 * np.sin(2 * np.pi * 220 * np.arange(16_000) / 16_000)
    channels = np.stack([np.concatenate([0 * tone, -tone]), np.concatenate([tone, tone])], axis=1)
    soundfile.write(tmp_path / "two.wav", channels, 16_000)
    page.find_element(By.ID, "file").send_keys(str(tmp_path / "two.wav"))
    wait(page, lambda: text(page, "to") == "2.0\u202fs")

    drawn = page.execute_script(
        "const c = document.getElementById('canvas'), half = c.width / 2, y = Math.round(0.15 * c.height);"
        "const line = (x) => c.getContext('2d').getImageData(x, y, half - 20, 1).data;"
        "const opaque = (x) => line(x).filter((value, i) => i % 4 === 3 && value).length;"
        "return [opaque(0), opaque(half + 20)];"
    )
    assert drawn[0] > 50
    assert drawn[1] == 0


def test_the_microphone_is_answered_for_while_it_is_on(page):
    button = page.find_element(By.ID, "microphone")
    button.click()

    wait(page, lambda: text(page, "word") == "loud")
    assert button.text == "Stop"
    assert button.get_attribute("aria-pressed") is None, "the word says it; both would be read as stopping the stop"
    assert text(page, "when") == "The last three seconds"
    button.click()
    assert button.text == "Use the microphone"
    assert text(page, "word") == "loud", "the last answer stays"


def test_a_broken_file_is_told_and_the_next_one_heard(page, files):
    page.find_element(By.ID, "file").send_keys(str(files / "broken.wav"))

    wait(page, lambda: text(page, "problem").startswith("The recording cannot be used\nexpected audio"))
    assert page.find_element(By.ID, "problem").get_attribute("role") == "alert"
    page.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))
    wait(page, lambda: text(page, "word") == "loud")
    assert not page.find_element(By.ID, "problem").is_displayed()


def test_everything_can_be_done_by_keyboard(page, files):
    def press(*keys):
        webdriver.ActionChains(page).send_keys(*keys).perform()
        return page.switch_to.active_element

    assert press(Keys.TAB).get_attribute("class") == "skip"
    assert press(Keys.TAB).get_attribute("id") == "file"
    page.switch_to.active_element.send_keys(str(files / "voice.wav"))
    wait(page, lambda: text(page, "word") == "loud")
    assert press(Keys.TAB).get_attribute("id") == "microphone"
    cursor = press(Keys.TAB)
    assert (cursor.get_attribute("id"), cursor.get_attribute("role")) == ("cursor", "slider")
    press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert cursor.get_attribute("aria-valuenow") == "1.0"
    assert cursor.get_attribute("aria-valuetext") == "At 1.0\u202fs: loud, 67\u202f%"
    assert text(page, "when") == "At 1.0\u202fs"
    press(Keys.END)
    assert cursor.get_attribute("aria-valuenow") == cursor.get_attribute("aria-valuemax") == "3.0"
    assert press(Keys.TAB).get_attribute("id") == "play"
    assert text(page, "when") == "The whole recording"
    press(Keys.ENTER)
    wait(page, lambda: text(page, "play") == "Pause")


def test_after_a_stream_the_keyboard_reaches_what_is_shown(page):
    """Of the last twenty seconds, not of the first ones, which are gone."""
    cursor, button = (page.find_element(By.ID, name) for name in ("cursor", "microphone"))
    button.click()
    wait(page, lambda: text(page, "word") == "loud")
    assert cursor.get_attribute("tabindex") == "-1", "what moves is nothing to point at"
    wait(page, lambda: float(cursor.get_attribute("aria-valuemin") or 0) > 0.5)
    button.click()

    assert cursor.get_attribute("tabindex") == "0"
    first, last = (float(cursor.get_attribute(f"aria-value{end}")) for end in ("min", "max"))
    assert last - first == pytest.approx(20, abs=0.11)
    cursor.send_keys(Keys.HOME)
    assert float(cursor.get_attribute("aria-valuenow")) == first
    assert text(page, "when") == f"At {first:.1f}\u202fs"


def record_tracks(page):
    """Let the page tell which tracks of the microphone it took."""
    page.execute_script(
        "const devices = navigator.mediaDevices, taken = devices.getUserMedia.bind(devices); window.tracks = [];"
        "devices.getUserMedia = async (wanted) => { const found = await taken(wanted);"
        "window.tracks.push(...found.getTracks()); return found; };"
    )


@pytest.mark.parametrize(
    "fault",
    [
        "AudioWorklet.prototype.addModule = () => Promise.reject(new Error())",
        "window.WebSocket = class { constructor() { throw new Error(); } }",
    ],
)
def test_a_stream_that_cannot_begin_leaves_no_microphone_on(page, fault):
    record_tracks(page)
    page.execute_script(fault)
    page.find_element(By.ID, "microphone").click()

    wait(page, lambda: text(page, "problem").startswith("The stream cannot begin"))
    assert page.execute_script("return window.tracks.map((track) => track.readyState)") == ["ended"]
    assert text(page, "microphone-word") == "Use the microphone"


def test_without_https_the_microphone_is_not_asked_for(page):
    page.execute_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    page.find_element(By.ID, "microphone").click()

    wait(page, lambda: "HTTPS or on localhost" in text(page, "problem"))


@pytest.mark.parametrize(("timeline_s", "query"), [(3600, "window=30&hop=30"), (3599, "")])
def test_a_recording_that_the_browser_cannot_read_has_the_timeline_of_the_longest_if_that_is_answered(
    browser, start, tmp_path, timeline_s, query
):
    server = start(duration_s=3600, timeline_s=timeline_s)
    soundfile.write(tmp_path / "voice.aiff", 0.9 * np.sin(np.arange(48_000)), 16_000)
    browser.get(server.url)
    wait(browser, lambda: browser.find_elements(By.CSS_SELECTOR, "#bars li"))
    browser.find_element(By.ID, "file").send_keys(str(tmp_path / "voice.aiff"))

    wait(browser, lambda: text(browser, "word") == "loud")
    sent = browser.execute_script("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in sent if "predict" in name] == [f"{server.url}/v1/predict?{query}"]


def test_a_key_that_no_header_holds_is_told(browser, start, files):
    browser.get(start(keys=["0123456789abcdef"]).url)
    wait(browser, lambda: browser.find_element(By.ID, "key").is_displayed())
    browser.find_element(By.ID, "key").send_keys("ключ")
    for begin in (
        lambda: browser.find_element(By.ID, "file").send_keys(str(files / "voice.wav")),
        browser.find_element(By.ID, "microphone").click,
    ):
        begin()
        wait(browser, lambda: text(browser, "problem").startswith("This is no API key"))
        browser.execute_script("document.getElementById('problem').hidden = true")
    assert text(browser, "microphone-word") == "Use the microphone"


def test_a_key_is_asked_for_and_used(browser, start, files):
    server = start(keys=["0123456789abcdef"])
    browser.get(server.url)
    wait(browser, lambda: browser.find_element(By.ID, "key").is_displayed())
    browser.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))
    wait(browser, lambda: text(browser, "problem").startswith("A valid API key is needed"))

    browser.find_element(By.ID, "key").send_keys("0123456789abcdef")
    browser.find_element(By.ID, "file").send_keys(str(files / "voice.wav"))
    wait(browser, lambda: text(browser, "word") == "loud")
    browser.find_element(By.ID, "microphone").click()
    wait(browser, lambda: text(browser, "when") == "The last three seconds" and text(browser, "word") == "loud")
    browser.find_element(By.ID, "microphone").click()


@browsing.AXE_NEEDED
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1100, 390])
def test_axe_finds_no_fault(page, files, scheme, width):
    page.execute_cdp_cmd(
        "Emulation.setEmulatedMedia",
        {
            "features": [
                {"name": "prefers-color-scheme", "value": scheme},
                {"name": "prefers-reduced-motion", "value": "reduce"},
            ]
        },
    )
    browsing.resize(page, width)
    try:
        for name, sign in (("voice.wav", "#table:not([hidden])"), ("broken.wav", "#problem:not([hidden])")):
            page.find_element(By.ID, "file").send_keys(str(files / name))
            wait(page, lambda sign=sign: page.find_elements(By.CSS_SELECTOR, sign))
            assert browsing.violations(page) == []
        wide = page.execute_script("return document.documentElement.scrollWidth - innerWidth")
        assert wide <= 0, "nothing stands out at the side"
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
