"""The calls, a module for each theme."""
