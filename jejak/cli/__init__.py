"""The command `jejak`."""
