"""Tests of Gazelle; the folders mirror `src/gazelle`, `twins` runs each case on both builds of the engine."""
