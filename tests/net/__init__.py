"""Tests of `gazelle.net`: pool, dialing, DNS, TLS."""
