"""Tests of the exceptions."""
