"""The record API over HTTP."""
