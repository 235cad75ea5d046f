"""The record store: engines, the xAPI, people, the learning record, and their HTTP interfaces."""
