"""What users hold: sessions, requests and responses."""
