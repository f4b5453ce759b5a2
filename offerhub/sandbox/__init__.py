"""A Stellar network of its own: Horizon, Soroban RPC, friendbot and Trustless Work v1.

Started by ``python -m offerhub.sandbox``. It imports nothing of the application, and the
application reaches it over HTTP only, so that no mistake of one can hide in the other.
"""
