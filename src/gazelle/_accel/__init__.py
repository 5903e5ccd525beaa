"""The compiled twins of `gazelle._pure`: same module names, same public names, same answers."""
