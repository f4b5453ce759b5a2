"""Files that the parties hand in: read, made clean, kept, shown."""
