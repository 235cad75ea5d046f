"""What the tool asks of platforms, and what it sends them."""
