"""Programs that the leak tests run in processes of their own; they know nothing but the library."""
