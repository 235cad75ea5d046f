"""The demo: a demo LMS beside the tool, with sample data."""
