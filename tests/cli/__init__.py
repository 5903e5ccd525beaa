"""Tests of `gazelle.cli`: the command as its users run it."""
