"""A launch, from the first request to the session."""
