"""A real call: Chromium with a voice from a file, the console, the server and the embedded model, by both ways."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, Playwright, expect

from tests.browser.conftest import CHROMIUM, FLAGS
from vivavoce.audio.files import read_audio, write_wav
from vivavoce.audio.resample import resample
from vivavoce.events import AgentAudio, Truncate
from vivavoce.timeline.read import read_timeline

pytestmark = pytest.mark.timeout(240)

ROOT = Path(__file__).parents[2]
QUESTION = ROOT / "src/vivavoce/demo/caller/02-saturday.flac"
MICROPHONE_HZ = 48_000
PAGE_HZ = 24_000
TAP = """
// The second level that the page measures is that of the agent's voice, by whatever way it comes: it is kept.
const heard = (window.heardPieces = []);
let measured = 0;
window.AnalyserNode = class extends AnalyserNode {
  constructor(context, options) {
    super(context, options);
    if ((measured += 1) !== 2) return;
    const tap = context.createScriptProcessor(4096, 1, 1);
    tap.onaudioprocess = ({ inputBuffer }) =>
      heard.push(Int16Array.from(inputBuffer.getChannelData(0), (sample) => sample * 32767));
    this.connect(tap).connect(context.destination);
  }
};
"""
TAKE = """() => {
  const bytes = window.heardPieces.flatMap((piece) => [...new Uint8Array(piece.buffer)]);
  let text = "";
  for (let at = 0; at < bytes.length; at += 32768) text += String.fromCharCode(...bytes.slice(at, at + 32768));
  return btoa(text);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """``vivavoce serve`` with the dealership on the embedded model: where it is, and the folder of its calls."""
    calls = tmp_path_factory.mktemp("calls")
    command = [sys.executable, "-m", "vivavoce", "serve", str(ROOT / "examples" / "dealership")]
    command += ["--port", "0", "--json", "--calls", str(calls), "--drain-s", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["url"], calls
            assert process.poll() is None, "the server did not live through the calls"
        finally:
            process.terminate()
            process.wait(20)


def microphone(path: Path, *parts: float | Path) -> Path:
    """A file for the browser's microphone: seconds of quiet and recorded words."""
    pcm = b""
    for part in parts:
        if isinstance(part, Path):
            said = read_audio(part)
            pcm += resample(said.pcm, said.rate_hz, MICROPHONE_HZ)
        else:
            pcm += bytes(2 * int(part * MICROPHONE_HZ))
    write_wav(path, pcm, MICROPHONE_HZ)
    return path


@contextmanager
def calling(playwright: Playwright, url: str, voice: Path, transport: str) -> Iterator[Page]:
    flags = [*FLAGS, f"--use-file-for-fake-audio-capture={voice}%noloop"]
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
    try:
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(60_000)
        page.add_init_script(TAP)
        chosen = json.dumps({"transport": transport.lower()})
        page.add_init_script(f"localStorage.setItem('vivavoce.console', {json.dumps(chosen)})")
        page.goto(url)
        page.get_by_role("button", name="Call", exact=True).click()
        expect(page.get_by_role("button", name="Hang up")).to_be_visible(timeout=20_000)
        yield page
    finally:
        browser.close()


def spoken_out(page: Page, reply: int) -> None:
    """Waits until all of that reply of the agent was heard."""
    entry = page.locator("#entries .entry.agent").nth(reply)
    expect(entry).to_be_visible(timeout=60_000)
    expect(page.locator("#agent-talks")).to_have_attribute("data-talking", "", timeout=20_000)
    expect(entry.locator(".ahead")).to_have_count(0, timeout=30_000)
    expect(page.locator("#agent-talks")).not_to_have_attribute("data-talking", "", timeout=10_000)


def voiced_stretches(pcm: NDArray[np.int16]) -> list[float]:
    """Seconds of each stretch of sound that a second of quiet parts from the next."""
    frame = PAGE_HZ // 50
    frames = pcm[: len(pcm) // frame * frame].reshape(-1, frame).astype(np.float64)
    loud = np.flatnonzero(np.sqrt(np.mean(frames**2, axis=1)) > 150)
    if not len(loud):
        return []
    stretches = np.split(loud, np.flatnonzero(np.diff(loud) > 50) + 1)
    return [(stretch[-1] - stretch[0] + 1) / 50 for stretch in stretches]


def made_seconds(calls: Path, response: str) -> float:
    """How long that reply of the newest call is, by its timeline."""
    made = [line.value for line in read_timeline(newest(calls)).lines if isinstance(line.value, AgentAudio)]
    return sum(piece.audio.samples for piece in made if piece.response == response) / PAGE_HZ


def newest(calls: Path) -> Path:
    return max(calls.glob("*/timeline.jsonl"))


@pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
def test_a_person_asks_and_is_answered(
    playwright: Playwright, server: tuple[str, Path], tmp_path: Path, transport: str
) -> None:
    url, calls = server
    voice = microphone(tmp_path / "voice.wav", 9.0, QUESTION, 60.0)
    with calling(playwright, url, voice, transport) as page:
        spoken_out(page, 0)
        heard_greeting = np.frombuffer(base64.b64decode(page.evaluate(TAKE)), "<i2")
        spoken_out(page, 1)
        expect(page.locator("#entries .entry.caller")).to_contain_text("saturday")
        expect(page.locator("#entries .entry.agent").nth(1).locator(".latency")).to_be_visible()
        page.get_by_role("button", name="Hang up").click()
        expect(page.locator("#notice")).to_contain_text("The call is over")
    stretches = voiced_stretches(heard_greeting)
    assert sum(stretches) == pytest.approx(made_seconds(calls, "greeting"), abs=0.8)


@pytest.mark.parametrize("transport", ["WebRTC", "WebSocket"])
def test_the_agent_is_stopped_and_knows_what_was_heard(
    playwright: Playwright, server: tuple[str, Path], tmp_path: Path, transport: str
) -> None:
    url, calls = server
    with calling(playwright, url, microphone(tmp_path / "voice.wav", 60.0), transport) as page:
        spoken_out(page, 0)
        page.keyboard.type("Which estates do you have?")
        page.keyboard.press("Enter")
        expect(page.locator("#entries .entry.agent")).to_have_count(2, timeout=30_000)
        expect(page.locator("#agent-talks")).to_have_attribute("data-talking", "", timeout=20_000)
        expect(page.locator("#tools .tool-name")).to_have_text("find_cars")
        page.wait_for_timeout(1_000)
        page.keyboard.press("Escape")
        expect(page.locator("#entries .unheard")).not_to_be_empty(timeout=10_000)
        expect(page.locator("#agent-talks")).not_to_have_attribute("data-talking", "")
        page.get_by_role("button", name="Hang up").click()
        expect(page.locator("#notice")).to_contain_text("The call is over")
    cuts = [line.value for line in read_timeline(newest(calls)).lines if isinstance(line.value, Truncate)]
    assert len(cuts) == 1
    assert cuts[0].heard_text
