"""Draws one picture anew: a program of its own, which reads the file from its input and writes JPEG.

Decoders of pictures are large pieces of C that read what strangers send. So each picture has a process, which
has no secrets in its environment, a bound on its memory and its time, and ends with the picture. It imports
nothing of this product, to be there quickly.

Its output is one line of JSON (`{"picture": bytes, "preview": bytes, "width": ..., "height": ...}`) and then
the two files of those lengths. Its exit code is one of the constants below.
"""

from __future__ import annotations

import io
import json
import resource
import sys
from contextlib import suppress

from PIL import Image, ImageCms, ImageFile, ImageOps, UnidentifiedImageError

MOST_PIXELS = 50_000_000
"""Pixels of a picture; the cameras of telephones make 12 to 50 million of them. Told before it is decoded."""
LONGEST_EDGE = 2_000
"""Pixels of the longer edge of what is kept: a page of A4 can still be read."""
PREVIEW_EDGE = 240
MEMORY = 1 << 30
"""Bytes of memory of the process."""
CPU_SECONDS = 20
DONE, BROKEN, TOO_MANY_PIXELS = 0, 3, 4
_FORMATS = {
    "image/jpeg": ("JPEG",),
    "image/png": ("PNG",),
    "image/webp": ("WEBP",),
    "image/heic": ("HEIF",),
}


def main(kind: str) -> int:
    """Read a picture of this kind from the input and write what is kept of it; the exit code."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # The size is looked at below, for all kinds alike.
    Image.MAX_IMAGE_PIXELS = None
    ImageFile.LOAD_TRUNCATED_IMAGES = False
    if kind == "image/heic":
        import pillow_heif

        pillow_heif.register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    try:
        with Image.open(sys.stdin.buffer, formats=_FORMATS[kind]) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                return TOO_MANY_PIXELS
            drawn = draw(picture)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, EOFError, MemoryError, RuntimeError):
        return BROKEN
    preview = drawn.copy()
    preview.thumbnail((PREVIEW_EDGE, PREVIEW_EDGE))
    whole, small = jpeg(drawn, 82), jpeg(preview, 65)
    told = {"picture": len(whole), "preview": len(small), "width": drawn.width, "height": drawn.height}
    sys.stdout.buffer.write(json.dumps(told).encode() + b"\n" + whole + small)
    return DONE


def draw(picture: Image.Image) -> Image.Image:
    """The picture upright, no larger than is kept, in the usual colours, on white where it is transparent."""
    # A JPEG can be decoded at an eighth of its size, which is quick and takes little memory.
    picture.draft("RGB", (LONGEST_EDGE, LONGEST_EDGE))
    profile = picture.info.get("icc_profile")
    if picture.mode.startswith("I;16"):
        picture = picture.point(lambda value: value / 256).convert("L")
    if picture.mode in ("P", "LA", "PA", "La", "RGBa") or "transparency" in picture.info:
        picture = picture.convert("RGBA")
    drawn = ImageOps.exif_transpose(picture)
    drawn.thumbnail((LONGEST_EDGE, LONGEST_EDGE), reducing_gap=3.0)
    if drawn.mode == "RGBA":
        paper = Image.new("RGB", drawn.size, "white")
        paper.paste(drawn, mask=drawn.getchannel("A"))
        drawn = paper
    elif profile and drawn.mode == "RGB":
        # Colours that cannot be worked out stay as they are.
        with suppress(ImageCms.PyCMSError, OSError, ValueError, TypeError):
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            drawn = ImageCms.profileToProfile(drawn, source, ImageCms.createProfile("sRGB")) or drawn
    return drawn.convert("RGB")


def jpeg(picture: Image.Image, quality: int) -> bytes:
    """The picture as JPEG, with nothing in the file but the picture."""
    out = io.BytesIO()
    bare = Image.new("RGB", picture.size)
    bare.paste(picture)
    bare.save(out, "JPEG", quality=quality, optimize=True, progressive=False)
    return out.getvalue()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
