"""Tests of the cookies."""
