"""The demo LMS: a small, real LTI 1.3 platform that behaves like Moodle, with switches for misbehaviour.

It shares no code with the tool. Run it on its own with `python -m jejak.demo.lms --help`.
"""

from jejak.demo.lms.app import create_demo_lms
from jejak.demo.lms.config import LmsConfig, Tool

__all__ = ["LmsConfig", "Tool", "create_demo_lms"]
