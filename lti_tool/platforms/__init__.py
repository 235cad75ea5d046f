"""Learning platforms, their keys and the tool's own."""
