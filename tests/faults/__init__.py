"""Tests of what happens when peers, networks and callers misbehave."""
