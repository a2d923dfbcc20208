"""Where commands run: one port, four adapters, and a probe that tries them in order of strength."""
