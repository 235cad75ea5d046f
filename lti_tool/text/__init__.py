"""The record put in words, numbers and pictures."""
