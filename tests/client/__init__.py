"""Tests of `gazelle.client`: session, request, response, timeouts."""
