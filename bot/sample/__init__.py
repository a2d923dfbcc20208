"""The sample organization on this machine: what `countersign demo` sets up around the real bot."""
