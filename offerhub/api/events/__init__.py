"""The API of the event log, the stream and webhooks. What they do is in `offerhub.events`."""
