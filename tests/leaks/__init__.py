"""Tests that nothing is left behind: memory, descriptors, tasks, warnings; each runs in a process of its own."""
