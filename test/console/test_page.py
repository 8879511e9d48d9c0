"""The page in a real browser: it draws, it steers, and it stops, by mouse and by keyboard alone."""

from __future__ import annotations

import time

import pytest

from .chromium import PATIENCE_S, SIZE

pytestmark = pytest.mark.realtime

LOG = "document.querySelector('#log').innerText"
FRAMES = "+document.body.dataset.frames"


@pytest.fixture(scope="module")
def tab(chromium, console):
    made = chromium.tab()
    made.open(console.address)
    made.until(
        "document.body.dataset.scene === 'arm26' && document.body.dataset.choices && document.body.dataset.policy"
    )
    yield made
    made.close()


@pytest.fixture(autouse=True)
def goes_on(console):
    """The stack is watched between two tests, so that its reports are new ones."""
    console.stack.spin(0.05)


def shown(tab):
    """How many of 64 × 64 samples of the canvas are not its background: the most of some pictures of the browser.

    The canvas is empty in those for which nothing new was drawn: here every second one.
    """
    return tab.run(
        "(() => { const small = document.createElement('canvas'); small.width = small.height = 64;"
        "const paper = small.getContext('2d', { willReadFrequently: true }); let most = 0, left = 9;"
        "return new Promise(done => { const look = () => { paper.clearRect(0, 0, 64, 64);"
        "paper.drawImage(document.querySelector('#canvas'), 0, 0, 64, 64);"
        "const drawn = paper.getImageData(0, 0, 64, 64).data.filter((x, i) => i % 4 === 3 && x > 0).length;"
        "most = Math.max(most, drawn);"
        "if (--left) requestAnimationFrame(look); else done(most); }; requestAnimationFrame(look); }); })()"
    )


def test_it_draws_the_body_and_the_picture_changes(tab):
    tab.until(f"{FRAMES} > 5")
    first = tab.picture()
    n = tab.run(FRAMES)
    tab.until(f"{FRAMES} > {n + 20}")
    assert tab.picture() != first
    end = time.monotonic() + PATIENCE_S
    while shown(tab) <= 100:
        assert time.monotonic() < end
    assert tab.run("document.querySelectorAll('.plot:not([hidden]) canvas').length") == 3
    tab.until("document.querySelector('#nodes').innerText.split('active').length > 4")


def test_a_swap_by_mouse(console, tab):
    tab.run("(() => { const s = document.querySelector('#policy'); s.value = 'reach_ccw'; s.onchange(); })()")
    assert "arm26" in tab.run("document.querySelector('#policy-about').textContent")
    tab.click("#policy-form button[type=submit]")
    tab.until(f"{LOG}.includes('reach_ccw is played')")
    tab.until("document.body.dataset.policy === 'reach_ccw'")
    assert console.stack.until(lambda: console.stack.status.policy.policy == "reach_ccw")


def test_the_length_of_a_cross_fade_is_set_by_enter_and_an_empty_one_is_not_none_at_all(console, tab):
    tab.run("document.querySelector('#blend').value = ''")
    tab.click("#set-blend")
    tab.run("(() => { const b = document.querySelector('#blend'); b.value = ''; b.focus(); })()")
    for key in "0.4":
        tab.press(key, text=key)
    tab.press("Enter", number=13, text="\r")
    tab.until(f"{LOG}.includes('a swap takes 0.4 s from now on')")
    assert "takes 0 s" not in tab.run(LOG) and console.stack.probe.get("policy", "blend_s") == 0.4


def test_a_policy_that_runs_beside_is_shown_and_can_be_ended(console, tab):
    assert tab.run("document.querySelector('#beside').hidden")
    tab.run("document.querySelector('#policy').value = 'reach_ccw'")
    tab.click("#shadow")
    tab.until("!document.querySelector('#beside').hidden")
    assert "reach_ccw runs beside" in tab.run("document.querySelector('#beside').textContent")
    tab.click("#no-shadow")
    tab.until("document.querySelector('#beside').hidden")
    assert console.stack.until(lambda: not console.stack.status.policy.shadow)


def test_one_tick_while_time_runs_is_refused(console, tab):
    tab.click("[data-do=step]")
    tab.until(f"{LOG}.includes('not one tick: time runs: hold it first')")


def test_a_field_by_keyboard_alone_acts_in_the_loop(console, tab):
    tab.run("document.querySelector('#perturbation').focus()")
    for key in "curl_cw":
        tab.press(key, text=key)
    tab.until("document.querySelector('#perturbation').value === 'curl_cw'")
    for _ in range(2):  # the gain, then the button
        tab.press("Tab", number=9)
    assert tab.run("document.activeElement.textContent") == "impose"
    tab.press("Enter", number=13, text="\r")
    tab.until(f"{LOG}.includes('curl_cw from the next trial on')")
    tab.until("document.body.dataset.perturbation === 'curl_cw'")
    tab.until("document.querySelector('#caption').textContent.includes('load')")
    assert console.stack.until(lambda: console.stack.status.effector.perturbation == "curl_cw")
    tab.click("#no-perturbation")
    tab.until(f"{LOG}.includes('null from the next trial on')")


def test_the_space_bar_stops_wherever_the_focus_is_and_two_gestures_resume(console, tab):
    for selector in ("#folder", "#policy", "#rollback"):
        tab.run(f"document.querySelector('{selector}').focus()")
        before = tab.run("document.querySelectorAll('#log .ok').length")
        tab.press(" ", "Space", 32, " ")
        tab.until(f"document.querySelectorAll('#log .ok').length > {before}")
        assert "STOP: stopped until resume" in tab.run(LOG) and tab.run("document.querySelector('#folder').value") == ""
    tab.until("document.body.dataset.stopped === 'true'")
    assert console.stack.until(lambda: console.stack.status.effector.stopped)
    assert "roll back:" not in tab.run(LOG)
    tab.click("#resume")
    assert console.stack.status.effector.stopped and not tab.run("document.querySelector('#resume-now').hidden")
    tab.click("#resume-now")
    tab.until("document.body.dataset.stopped === 'false'")
    assert console.stack.until(lambda: not console.stack.status.effector.stopped)


def test_two_tabs_and_a_reload_see_the_same_stop(chromium, console, tab):
    other = chromium.tab()
    other.open(console.address)
    other.until(f"{FRAMES} > 2")
    other.click("#estop")
    for each in (other, tab):
        each.until("document.body.dataset.stopped === 'true'")
    tab.reload()
    tab.until(f"document.body.dataset.stopped === 'true' && {FRAMES} > 0 && document.body.dataset.choices")
    tab.click("#resume")
    tab.click("#resume-now")
    other.until("document.body.dataset.stopped === 'false'")
    other.close()


def test_a_page_that_may_look_has_its_controls_off_and_may_stop(chromium, console, tab):
    look = tab.run("document.querySelector('#look').textContent").partition("#")[2]
    viewer = chromium.tab()
    viewer.open(console.address.partition("#")[0] + "#" + look)
    viewer.until("document.body.dataset.role === 'look' && document.body.dataset.stopped === 'false'")
    assert viewer.run("[...document.querySelectorAll('#controls button, #controls select')].every(b => b.disabled)")
    viewer.click("#estop")
    tab.until("document.body.dataset.stopped === 'true'")
    assert viewer.run("document.querySelector('#resume').disabled")
    tab.click("#resume")
    tab.click("#resume-now")
    tab.until("document.body.dataset.stopped === 'false'")
    viewer.close()


@pytest.mark.parametrize("end, sentence", [("#wrong", "not valid"), ("", "has no token")])
def test_a_wrong_address_says_so_and_shows_nothing(chromium, console, end, sentence):
    tab = chromium.tab()
    tab.open(console.address.partition("#")[0] + end)
    tab.until(f"document.querySelector('#notice').textContent.includes({sentence!r})")
    assert not tab.run("document.body.dataset.scene || document.body.dataset.frames")
    tab.close()


@pytest.mark.parametrize("width, height, dark", [(1280, 800, False), (820, 1180, True)])
def test_nothing_is_cut_off_and_the_stop_is_in_sight(tab, width, height, dark):
    tab.size(width, height, dark)
    assert tab.run("document.documentElement.scrollWidth <= innerWidth")
    tab.run("scrollTo(0, document.body.scrollHeight)")
    box = tab.run(
        "(() => { const r = document.querySelector('#estop').getBoundingClientRect(); return [r.top, r.bottom]; })()"
    )
    assert 0 <= box[0] < box[1] <= height
    assert contrast(tab, "#estop") > 4.5 and contrast(tab, ".about") > 4.5 and contrast(tab, "#state") > 7
    tab.run("scrollTo(0, 0)")
    tab.size(*SIZE)


def contrast(tab, selector):
    """WCAG 2.1: (L1 + 0.05) / (L2 + 0.05), of the text and of what it stands on."""
    colours = tab.run(
        f"(() => {{ const e = document.querySelector({selector!r}), of = (x, k) => getComputedStyle(x)[k]; let b = e;"
        "while (of(b, 'backgroundColor') === 'rgba(0, 0, 0, 0)') b = b.parentElement;"
        "return [of(e, 'color'), of(b, 'backgroundColor')]; })()"
    )

    def luminance(text):
        channels = [int(x) / 255 for x in text[text.index("(") + 1 : -1].split(",")[:3]]
        linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    low, high = sorted(map(luminance, colours))
    return (high + 0.05) / (low + 0.05)


def test_names_are_text_and_never_markup(tab):
    tab.run(
        "(() => { const o = document.createElement('option'); o.value = '<img src=x id=planted>';"
        "const s = document.querySelector('#policy'); s.append(o); s.value = o.value; s.form.requestSubmit(); })()"
    )
    tab.until(f"{LOG}.includes(\"unknown policy '<img src=x id=planted>'\")")
    assert tab.run("document.querySelector('#planted') === null")
    files = ("main.js", "plots.js", "picture.js", "link.js")
    page = "".join(tab.run(f"fetch('/{f}').then(r => r.text())") for f in files)
    assert not any(word in page for word in ("innerHTML", "insertAdjacentHTML", "document.write", "eval("))


def test_a_console_that_is_gone_is_said_and_comes_back_by_itself(console, tab):
    tab.until(f"{FRAMES} > 0")
    console.stack.kill("console")
    tab.until("document.querySelector('#state').textContent.includes('no connection')")
    assert "nothing here stops the stack" in tab.run("document.querySelector('#notice').textContent")
    tab.press(" ", "Space", 32, " ")
    tab.until("document.querySelector('#notice').textContent.includes('NOT STOPPED')")
    n = tab.run(FRAMES)
    assert console.stack.until(lambda: console.stack.restarts.get("console"))
    console.stack.spin(1.0)
    tab.until(f"{FRAMES} > {n + 3} && document.querySelector('#notice').hidden")
