"""The worker process: requests on an event loop and in threads."""
