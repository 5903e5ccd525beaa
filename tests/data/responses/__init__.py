"""Raw responses with the expected answer for each, one file per theme (`tests/support/corpus.py` says how to read them)."""
