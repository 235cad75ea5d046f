"""The xAPI over HTTP: one file for each resource."""
