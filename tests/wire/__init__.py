"""Tests of `gazelle.wire`."""
