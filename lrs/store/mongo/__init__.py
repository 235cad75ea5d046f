"""The engine on a MongoDB replica set."""
