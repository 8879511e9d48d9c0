"""A headless Chromium for tests, driven by its own DevTools protocol over one socket."""

from __future__ import annotations

import base64
import json
import shutil
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any

from websockets.sync.client import connect

PATIENCE_S = 60.0
SIZE = 900, 600
"""Pixels of a page: where there is no graphics card, all of them are drawn by the processor."""
FLAGS = (
    *("--headless", "--no-sandbox", "--disable-background-networking", "--no-first-run", "--disable-extensions"),
    *("--disable-dev-shm-usage", "--mute-audio", "--remote-debugging-port=0", "--hide-scrollbars"),
    *("--enable-unsafe-swiftshader", "--force-color-profile=srgb", "--disable-component-update"),
)


def executable() -> str:
    """The path of the browser; empty where there is none."""
    return next(
        (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), ""
    )


class Tab:
    """One page."""

    def __init__(self, address: str) -> None:
        self._socket = connect(address, max_size=None).__enter__()
        self._number = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while (message := json.loads(self._socket.recv(PATIENCE_S))).get("id") != self._number:
            pass
        assert "error" not in message, message
        return dict(message["result"])

    def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        done = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in done, done["exceptionDetails"]
        return done["result"].get("value")

    def until(self, script: str, seconds: float = PATIENCE_S) -> Any:
        """Look again and again until the expression is true; its value."""
        end = time.monotonic() + seconds
        while not (value := self.run(f"(() => {{ try {{ return {script} }} catch {{ return null }} }})()")):
            assert time.monotonic() < end, f"{script}\n{self.run('document.body.innerText')}"
            time.sleep(0.05)
        return value

    def open(self, address: str) -> None:
        self.call("Page.navigate", url="about:blank")
        self.call("Page.navigate", url=address)

    def reload(self) -> None:
        self.call("Page.reload")

    def press(self, key: str, code: str = "", number: int = 0, text: str = "") -> None:
        """A key, as a person presses it."""
        more = {"key": key, "code": code or key, "windowsVirtualKeyCode": number}
        self.call("Input.dispatchKeyEvent", type="keyDown", **more, **({"text": text} if text else {}))
        self.call("Input.dispatchKeyEvent", type="keyUp", **more)

    def click(self, selector: str) -> None:
        """The middle of an element, with the mouse."""
        box = self.run(
            f"(() => {{ const e = document.querySelector({selector!r}); e.scrollIntoView({{block: 'center'}}); "
            "const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def size(self, width: int, height: int, dark: bool = False, scale: float = 0.5) -> None:
        """With `scale` below 1 fewer pixels are drawn, by the processor where there is no graphics card."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=scale, mobile=False
        )
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        self.call("Emulation.setEmulatedMedia", features=scheme)

    def picture(self) -> bytes:
        """PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])

    def close(self) -> None:
        self.call("Page.close")
        self._socket.close()


class Chromium:
    """A browser with a profile of its own."""

    def __init__(self, profile: Path) -> None:
        words = [executable(), *FLAGS, f"--user-data-dir={profile}", "about:blank"]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        file, end = profile / "DevToolsActivePort", time.monotonic() + PATIENCE_S
        while not (file.exists() and (lines := file.read_text().splitlines())):
            assert time.monotonic() < end and self._process.poll() is None, "Chromium did not start"
            time.sleep(0.05)
        self._address = f"http://127.0.0.1:{lines[0]}"

    def tab(self) -> Tab:
        request = urllib.request.Request(f"{self._address}/json/new?about:blank", method="PUT")
        with urllib.request.urlopen(request) as answer:
            tab = Tab(json.load(answer)["webSocketDebuggerUrl"])
        tab.call("Page.enable")
        tab.size(*SIZE)
        return tab

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(10)
