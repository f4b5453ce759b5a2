"""The use cases, played by a marketplace's server: over public HTTP only.

Nothing here imports the apps; what a scenario can do, any customer's program can do.
"""
