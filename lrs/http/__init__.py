"""The HTTP interfaces of the record store, and what they share."""
