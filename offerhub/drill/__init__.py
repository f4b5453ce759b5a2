"""Rehearsing a bad day: deals over HTTP while things fail, and a proof that every stroop is there.

`manage.py drill` plays it on a running installation of the sandbox, `make soak` on one of its own
whose processes it kills.
"""
