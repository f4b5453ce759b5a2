"""Where a request comes from, for the API's handlers."""

from offerhub.core.addresses import client_address as client_address
