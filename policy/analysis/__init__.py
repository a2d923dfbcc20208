"""What is strange about rules that load: which never match, which add nothing, whose approval nobody can give.

Everything here is certain or it is not said. Read `diagnose` in `policy.analysis.diagnosis` for the whole of it.
"""
