"""Headless Chromium, asked over the DevTools protocol."""
import base64
import contextlib
import itertools
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request

from websockets.sync.client import connect


class Page:
    """One tab."""

    def __init__(self, address):
        self.socket = connect(address, max_size=1 << 28)
        self.numbers = itertools.count(1)
        self.complaints, self.requests = [], []
        for domain in ("Page", "Runtime", "Log", "Network", "DOM"):
            self.ask(f"{domain}.enable")

    def ask(self, method, **parameters):
        number = next(self.numbers)
        self.socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        while True:
            message = json.loads(self.socket.recv(timeout=60))
            if message.get("id") == number:
                if "error" in message:
                    sys.exit(f"{method}: {message['error']}")
                return message["result"]
            self.hear(message)

    def hear(self, message):
        parameters = message.get("params", {})
        if message.get("method") == "Log.entryAdded":
            self.complaints.append(parameters["entry"]["text"])
        elif message.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(parameters["exceptionDetails"]["text"])
        elif message.get("method") == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning"):
            self.complaints.append(str(parameters["args"]))
        elif message.get("method") == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])

    def evaluate(self, expression):
        answer = self.ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            sys.exit(f"the page: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def load(self, url, width, scheme, media="", scale=1):
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=scale, mobile=False)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.ask("Emulation.setEmulatedMedia", media=media, features=features)
        self.ask("Page.navigate", url=url)
        while self.evaluate("document.readyState + location.href") != "complete" + url:
            time.sleep(0.05)

    def picture(self, path, height=16000):
        size = self.ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], height), "scale": 1}
        data = self.ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)["data"]
        path.write_bytes(base64.b64decode(data))

    def press(self, key, code, text=""):
        for kind in ("keyDown", "keyUp"):
            extra = {"text": text} if text and kind == "keyDown" else {}
            self.ask("Input.dispatchKeyEvent", type=kind, key=key, code=key, windowsVirtualKeyCode=code, **extra)


@contextlib.contextmanager
def browser():
    """A tab of a browser of its own, which ends with it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        process, port = start(folder)
        try:
            yield Page(tab(port))
        finally:
            process.terminate()
            process.wait(timeout=30)


def start(folder):
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: apt-get install chromium")
    process = subprocess.Popen(
        [
            chromium, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars", "--no-first-run",
            "--disable-background-networking", "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    place = pathlib.Path(folder) / "DevToolsActivePort"
    for _ in range(600):
        if place.exists() and place.read_text().count("\n") >= 1:
            return process, int(place.read_text().split("\n")[0])
        time.sleep(0.1)
    process.kill()
    sys.exit("chromium did not start within a minute")


def tab(port):
    request = urllib.request.Request(f"http://127.0.0.1:{port}/json/new?about:blank", method="PUT")
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)["webSocketDebuggerUrl"]
