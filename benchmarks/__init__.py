"""Measurements side by side: Jejak against simpler ways, on one machine."""
