"""The store port, and the engines behind it."""
