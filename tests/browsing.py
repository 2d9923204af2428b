"""A browser for tests of pages, and what axe finds in them.

Needs Debian's packages chromium and chromium-driver; tests are skipped, with the reason, where they are not installed.
"""

import contextlib
import shutil
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

AXE = Path(__file__).resolve().parents[1] / "node_modules/axe-core/axe.min.js"
WAIT_S = 60
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
NEEDED = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (BROWSER and DRIVER), reason="no chromium and chromedriver; install Debian's chromium and chromium-driver"
    ),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]
AXE_NEEDED = pytest.mark.skipif(not AXE.is_file(), reason="no node_modules/axe-core; install it as .ci/run does")


@contextlib.contextmanager
def opened(profile: Path, *flags: str):
    """Open a browser with a profile of its own, and close it."""
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*FLAGS, f"--user-data-dir={profile}", *flags):
        options.add_argument(flag)
    driver = webdriver.Chrome(options, webdriver.ChromeService(DRIVER))
    try:
        driver.set_window_size(1100, 1000)
        yield driver
    finally:
        driver.quit()


def until(page, condition):
    """Wait for a condition; give what it gives."""
    return WebDriverWait(page, WAIT_S, 0.1).until(lambda _: condition())


def resize(page, width: int) -> None:
    """Give the page a width, in pixels; windows themselves have a least one."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    page.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def violations(page) -> list[tuple[str, str]]:
    """Let axe look at the page: each rule that is broken, and where it is first."""
    page.execute_cdp_cmd("Runtime.evaluate", {"expression": AXE.read_text()})
    found = page.execute_async_script("axe.run().then(arguments[arguments.length - 1])")
    return [(fault["id"], fault["nodes"][0]["html"]) for fault in found["violations"]]
