"""The web page in Chromium: what a visitor clicks, types and drops, to the byte of the stories."""
import gzip
import re
import shutil

import pytest

import npm
from browser import CHROMIUM, Browser
from machine import FOOTER, wrapped
from made import make_page
from places import BUILD, ROOT, stories260k, unavailable
from server import Server
from stories import DEFAULT_SEED, MODEL, expected
from volume import models

COLUMNS = 80
BYTES_MAX = 1_500_000  # of the whole page, compressed
SCREEN = "Array.from(document.querySelectorAll('#screen > div > div'), row => row.textContent.trimEnd()).join('\\n')"
SAID = "Array.from(document.querySelectorAll('#transcript p'), p => p.textContent).join('\\n')"
STATUS = "document.getElementById('status').textContent"
FOCUS = "document.activeElement.id"
HEADING = "document.querySelector('h1').textContent"


def replace(path, old, new):
    text = path.read_text()
    assert text.count(old) == 1
    path.write_text(text.replace(old, new))


@pytest.fixture(scope="module")
def server(page):
    server = Server(page)
    yield server
    server.close()


@pytest.fixture(scope="module")
def chromium(tmp_path_factory):
    if not CHROMIUM.exists():
        unavailable("Chromium is not installed: Debian's chromium")
    modules = npm.node_modules(BUILD / "node-browser", ROOT / "test/web/package.json", "puppeteer-core")
    browser = Browser(modules, tmp_path_factory.mktemp("profile"))
    yield browser
    browser.close()


@pytest.fixture
def browser(chromium, server):
    """A new visitor with the page open, who sees no error in the end."""
    chromium.begin()
    assert chromium.goto(server.url) == 200
    yield chromium
    assert chromium.complaints() == []


def tells(browser, text):
    """Waits for this story and the footer below it. A screen has 25 lines: of a longer story only the end is there, and
    spaces at a line's end cannot be told from nothing."""
    lines = [line.rstrip() for line in wrapped(text, COLUMNS).rstrip().split("\n")]
    end = re.compile(re.escape("\n".join(lines[-15:])) + "\n\n" + FOOTER)
    browser.wait("story", SCREEN, end.search)


def words(text):
    return " ".join(text.split())


def test_a_click_tells_the_first_story(browser):
    assert "A PC without an operating system, in this page." in browser.evaluate("document.body.textContent")
    browser.click("#switch-on")
    tells(browser, expected())
    assert browser.evaluate(STATUS) == f"The PC is on. First model on its disk: {MODEL.name}"
    assert all(url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:")) for url in browser.requests())


def test_a_screen_reader_gets_the_text(browser):
    """Each line of the story once, those that the screen's width has broken as one."""
    browser.click("#switch-on")
    tells(browser, expected())
    browser.wait("prompt", SAID, lambda said: said.endswith(">"))
    said = browser.evaluate(SAID)
    assert words(said).count(words(expected())) == 1
    assert expected().strip().split("\n")[0] in said.split("\n")
    assert browser.evaluate("document.getElementById('transcript').ariaLive") == "polite"


def test_lines_are_typed_and_clicked(browser):
    """In the field below the screen, on the screen itself, and by a button."""
    browser.click("#switch-on")
    tells(browser, expected())
    browser.type("#line", "Lily and Ben")
    browser.press("Enter")
    tells(browser, expected("Lily and Ben", seed=DEFAULT_SEED + 1))
    browser.click("#screen")
    browser.keys("Tom wxent")
    for key in ["F2", "Backspace", "ArrowLeft", "ArrowLeft", "ArrowLeft", "Delete", "End"]:
        browser.press(key)
    browser.press("Enter")
    tells(browser, expected("Tom wen", seed=DEFAULT_SEED + 2))
    browser.click("#prompts button")
    tells(browser, expected("Once upon a time", seed=DEFAULT_SEED + 3))


def test_a_click_stops_the_story_that_is_told(browser):
    browser.click("#switch-on")
    browser.wait("beginning of the story", SCREEN, lambda screen: expected()[:20] in screen)
    browser.click("#prompts button")
    tells(browser, expected("Once upon a time", seed=DEFAULT_SEED + 1))
    assert "stopped]" in browser.evaluate(SAID)


def test_keys_alone_are_enough(browser):
    browser.press("Tab")
    browser.press("Tab")
    assert browser.evaluate(FOCUS) == "switch-on"
    browser.press("Enter")
    tells(browser, expected())
    assert browser.evaluate(FOCUS) == "screen"
    browser.press("Tab")  # the PC's own
    assert browser.evaluate(FOCUS) == "screen"
    browser.chord("Shift", "Tab")
    assert browser.evaluate(FOCUS) != "screen"


def test_every_control_has_a_name(browser):
    unnamed = ("Array.from(document.querySelectorAll('button, input, select, progress, [role]')).filter(node => "
               "!node.textContent.trim() && !node.ariaLabel && !node.labels?.length && !node.ariaLabelledByElements)"
               ".map(node => node.outerHTML)")
    assert browser.evaluate(unnamed) == []


def test_a_pause_holds_the_story(browser):
    browser.click("#switch-on")
    browser.wait("beginning of the story", SCREEN, lambda screen: expected()[:20] in screen)
    browser.click("#pause")
    browser.wait("pause", STATUS, "The PC is paused.".__eq__)
    before = browser.evaluate(SCREEN)
    browser.evaluate("new Promise(resolve => setTimeout(resolve, 1000))")
    assert browser.evaluate(SCREEN) == before
    browser.click("#pause")
    tells(browser, expected())
    browser.click("#restart")
    browser.wait("empty screen", SCREEN, lambda screen: "tokens/s" not in screen)
    tells(browser, expected())


def test_the_other_model_is_chosen(browser):
    stories260k("models/STORIES260K.GGUF")
    other = models()[1]
    browser.choose("#model", "1")
    browser.click("#switch-on")
    tells(browser, expected(model=other))
    browser.choose("#model", "0")
    tells(browser, expected())


def test_a_model_is_dropped(browser, tmp_path):
    path = tmp_path / "model"
    shutil.copy(models()[-1], path)
    browser.drop(str(path), "Eine Größe: 1.gguf")
    tells(browser, expected(model=path))
    assert browser.evaluate(STATUS) == "The PC is on. First model on its disk: Eine Größe_ 1.gguf"
    browser.type("#line", "/models")
    browser.press("Enter")
    browser.wait("list", SCREEN, lambda screen: all(model.name in screen for model in models()))
    assert all(url.startswith(("http://127.0.0.1:", "blob:http://127.0.0.1:")) for url in browser.requests())


def test_a_model_is_chosen_from_a_folder(browser, tmp_path):
    path = tmp_path / MODEL.name.lower()  # takes the place of the page's own
    shutil.copy(MODEL, path)
    browser.upload("#file", str(path))
    tells(browser, expected())
    assert browser.evaluate(STATUS) == f"The PC is on. First model on its disk: {path.name}"
    assert browser.evaluate("document.getElementById('model').length") == len(models())


def test_wrong_files_get_one_line(browser, tmp_path):
    path = tmp_path / "file"
    path.write_text("not a model")
    browser.drop(str(path), "notes.txt")
    message = "notes.txt is not a GGUF file. Drop a model of the Llama family in GGUF format."
    browser.wait("message", STATUS, message.__eq__)
    with open(path, "wb") as file:
        file.write(b"GGUF")
        file.truncate(300_000_000)
    browser.drop(str(path), "big.gguf")
    message = "big.gguf has 300 MB. This page takes models of up to 256 MB; a real PC takes larger ones."
    browser.wait("message", STATUS, message.__eq__)
    path.write_bytes(b"GGUF and no more")
    browser.drop(str(path), "broken.gguf")
    browser.wait("the PC's own message", SCREEN, lambda screen: "Error: /MODELS/broken.gguf" in screen)


def test_a_failed_download_says_so(chromium, page):
    server = Server(page)
    chromium.begin()
    chromium.goto(server.url)
    server.close()
    chromium.click("#switch-on")
    message = re.compile(r"The PC is off: \S+\.gz cannot be downloaded; is there a network\?$")
    chromium.wait("message", STATUS, message.match)
    assert chromium.evaluate("document.getElementById('switch-on').disabled") is False


def test_the_page_works_without_a_network(chromium, page):
    server = Server(page)
    chromium.begin()
    chromium.goto(server.url)
    chromium.click("#switch-on")
    tells(chromium, expected())
    chromium.evaluate("navigator.serviceWorker.ready.then(() => null)")
    server.close()
    chromium.reload()
    chromium.click("#switch-on")
    tells(chromium, expected())
    assert chromium.complaints() == []


def test_a_new_version_is_there_after_a_reload(chromium, page, tmp_path):
    """Once it is downloaded. What else the server's pages keep stays."""
    folder = shutil.copytree(page, tmp_path / "page")
    server = Server(folder)
    chromium.begin()
    chromium.goto(server.url)
    chromium.evaluate("caches.open('of another page').then(() => null)")
    chromium.evaluate("navigator.serviceWorker.register('service-worker.js').then(() => null)")
    chromium.evaluate("navigator.serviceWorker.ready.then(() => null)")
    replace(folder / "index.html", "<h1>", "<h1>New ")
    worker = folder / "service-worker.js"
    replace(worker, re.search(r"}(\w{16})`", worker.read_text())[1], "new")
    chromium.reload()
    assert not chromium.evaluate(HEADING).startswith("New ")  # all of it is of the old version
    waiting = "navigator.serviceWorker.getRegistration().then(found => found.waiting !== null)"
    chromium.wait("new version", waiting, bool)
    chromium.reload()
    chromium.until(f"{HEADING}.startsWith('New ')")
    chromium.wait("new cache alone", "caches.keys()", lambda names: sorted(names) == [
        f"bootllama {server.url} new", "of another page"])
    server.close()
    assert chromium.complaints() == []


@pytest.mark.parametrize("width, height", [(360, 740), (740, 360)])
def test_a_phone_shows_all_columns(chromium, server, width, height):
    chromium.begin(width, height, True)
    chromium.goto(server.url)
    chromium.tap("#switch-on")
    tells(chromium, expected())
    assert chromium.evaluate("document.documentElement.scrollWidth") <= width
    row = chromium.evaluate("document.querySelector('#screen > div').getBoundingClientRect().width")
    assert 0.97 * chromium.evaluate("document.getElementById('screen').clientWidth") < row <= width
    assert chromium.evaluate("Math.min(...Array.from(document.querySelectorAll('main button'), "
                             "button => button.getBoundingClientRect().height).filter(height => height))") >= 44
    chromium.tap("#screen")
    assert chromium.evaluate(FOCUS) == "line"  # an input: the phone shows its keyboard
    assert chromium.complaints() == []


def test_all_of_the_page_is_small(page):
    sizes = {path.name: len(gzip.compress(path.read_bytes(), 9)) for path in page.iterdir()}
    assert sum(sizes.values()) < BYTES_MAX, sizes


def test_the_page_is_the_same_each_time(page, tmp_path):
    first, second = ({path.name: path.read_bytes() for path in folder.iterdir()}
                     for folder in (page, make_page(tmp_path / "web")))
    assert first == second and "index.html" in first
