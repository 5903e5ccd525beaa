"""Tests of `gazelle.body`: content codings."""
