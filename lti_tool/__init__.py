"""The LTI 1.3 tool: platforms, launches, services, pages."""
