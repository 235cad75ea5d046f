"""A photo from a phone on a bad line: the connection breaks in the middle, and the rest follows."""

from __future__ import annotations

import io
import random
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image
from playwright.sync_api import Browser, Playwright, expect

from tests.evidence_samples import GPS, PDF
from tests.journeys.conftest import ARGUMENTS, CHROMIUM, PATIENCE_MS, Demo
from tests.journeys.test_record import INSTRUCTOR, RIZKY, enter

PARTS = 100_000
"""Bytes of an upload that pass before the line breaks."""


class BadLine:
    """A TCP proxy on this machine that cuts every connection after so many bytes, until it is mended."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._open: set[socket.socket] = set()
        self._all: list[socket.socket] = []
        self._lock = threading.Lock()
        self.left = -1
        """Bytes that still pass; -1: any number."""
        self.broken = threading.Event()
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                if self.broken.is_set():
                    client.close()
                    continue
                server = socket.create_connection(("127.0.0.1", self._target))
                with self._lock:
                    self._open |= {client, server}
                    self._all += [client, server]
                both = ((client, server, True), (server, client, False))
                several = [threading.Thread(target=self._pass, args=each) for each in both]
                self._threads += several
                for thread in several:
                    thread.start()

    def _pass(self, source: socket.socket, sink: socket.socket, counted: bool) -> None:
        with suppress(OSError):
            while data := source.recv(16_384):
                if counted and self.left >= 0:
                    self.left -= len(data)
                    if self.left < 0:
                        self.cut()
                        return
                sink.sendall(data)
        for one in (source, sink):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def cut(self) -> None:
        """Break the line: every connection ends, and no new one comes about."""
        self.broken.set()
        with self._lock:
            several, self._open = self._open, set()
        for one in several:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def mend(self) -> None:
        """From now on everything passes."""
        self.left = -1
        self.broken.clear()

    def close(self) -> None:
        """End the proxy."""
        with suppress(OSError):
            # Closing alone does not wake the thread that waits in it.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.cut()
        for thread in self._threads:
            thread.join(PATIENCE_MS / 1000)
        for one in self._all:
            one.close()


@pytest.fixture
def line(demo: Demo) -> Iterator[BadLine]:
    """A line to the tool that can break."""
    made = BadLine(demo.port)
    yield made
    made.close()


@pytest.fixture
def phone(playwright: Playwright, demo: Demo, line: BadLine) -> Iterator[Browser]:
    """A browser that reaches the tool over the line."""
    rule = f"--host-resolver-rules=MAP localhost:{demo.port} 127.0.0.1:{line.port}"
    chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, rule])
    yield chromium
    chromium.close()


def snapshot(folder: Path) -> Path:
    """A large photo that tells where it was taken, and does not become small when it is drawn anew."""
    noise = Image.frombytes("RGB", (500, 375), random.Random(7).randbytes(500 * 375 * 3))
    exif = Image.Exif()
    exif.get_ifd(GPS)[1] = "S"
    file = folder / "Daftar hadir.jpg"
    noise.resize((3000, 2250), Image.Resampling.BICUBIC).save(file, "JPEG", quality=90, exif=exif.tobytes())
    return file


def test_a_photo_arrives_over_a_line_that_breaks(
    phone: Browser, line: BadLine, demo: Demo, tmp_path: Path
) -> None:
    """The upload goes on where it stood; the form waits for it, and the instructor sees the photo."""
    photo = snapshot(tmp_path)
    (tmp_path / "notulen.pdf").write_bytes(PDF)
    context = phone.new_context(locale="id-ID", viewport={"width": 360, "height": 740})
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()
    offsets: list[tuple[str, str]] = []
    page.on(
        "request",
        lambda request: (
            offsets.append((request.method, request.headers.get("upload-offset", "")))
            if "/uploads/" in request.url
            else None
        ),
    )
    frame = enter(page, demo, RIZKY.name)
    frame.locator('a[href$="/log"]').first.click()
    frame.locator('details.pick:has(a[href$="/log/coaching"]) summary').click()
    frame.locator('a[href$="/log/coaching"]').first.click()
    frame.locator("#title").fill("Coaching lewat jaringan putus")
    frame.locator("#count").fill("1")
    frame.locator("#mentor").select_option(label=INSTRUCTOR.name)
    line.left = PARTS
    frame.locator("input[name=files]").last.set_input_files([photo, tmp_path / "notulen.pdf"])
    expect(frame.locator("#files-status")).to_contain_text("Sambungan terputus")
    assert line.broken.is_set()
    line.mend()
    expect(frame.locator("#files-kept input:checked")).to_have_count(2)
    begun = [offset for method, offset in offsets if method == "PATCH"]
    assert begun.count("0") <= 3
    assert ("HEAD", "") in offsets
    frame.locator("form#log .actions button:not([name])").first.click()
    expect(frame.locator(".notice[role=status]").first).to_contain_text("Coaching lewat jaringan putus")
    frame.get_by_role("link", name="Coaching lewat jaringan putus").first.click()
    shown = frame.locator(".evidence img").first
    expect(shown).to_be_visible()
    shown.click()
    whole = frame.locator("img.whole")
    expect(whole).to_be_visible()
    source = whole.get_attribute("src")
    inner = page.frame("contentframe")
    assert inner is not None
    data = bytes(
        inner.evaluate("async url => [...new Uint8Array(await (await fetch(url)).arrayBuffer())]", source)
    )
    kept = Image.open(io.BytesIO(data))
    assert max(kept.size) <= 1600
    assert len(data) < 400_000
    assert not kept.getexif()
    context.close()
