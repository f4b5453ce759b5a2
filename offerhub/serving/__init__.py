"""How requests come in: an event loop that reads them, threads that answer them.

The loop (uvicorn under gunicorn) reads requests and writes answers; Django's WSGI handler runs on a
few threads that stay, each with its own database connection that stays. What would hold a thread
for long, an event stream, is handed back to the loop. Decision 22 says why and what it costs.
"""
