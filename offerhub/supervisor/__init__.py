"""Starting, watching and stopping the processes of one installation.

Stands apart from the apps: it knows commands, ports and files, and nothing of money.
"""
