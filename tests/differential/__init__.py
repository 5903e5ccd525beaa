"""The same calls through aiohttp and through Gazelle, compared byte by byte and value by value."""
