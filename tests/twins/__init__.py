"""Tests that run on the readable engine (`gazelle._pure`) and on the compiled one (`gazelle._accel`) alike."""
