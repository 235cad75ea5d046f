"""The composition root: settings, wiring, the server, the command line, the demo."""
