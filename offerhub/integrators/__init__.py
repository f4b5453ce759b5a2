"""The sandbox for integrators: routes that exist on the sandbox network alone. They forward."""
