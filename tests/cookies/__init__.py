"""Tests of `gazelle.cookies`: the grammar, the jars, their files and their cost."""
