"""The readable specification of the hot paths, and the engine where nothing could be compiled."""
