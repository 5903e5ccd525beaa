"""Cookies: the grammar of their two header fields, and the jars that keep them (RFC 6265)."""
