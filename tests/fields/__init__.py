"""Tests of `gazelle.fields`: the grammar that header field values share, and each field that has a parser."""
