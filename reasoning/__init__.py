"""The mind: who proposes. A reasoner gets a folded run and answers with a proposal; it holds no power of its own."""
