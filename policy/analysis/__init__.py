"""Rules put to the test: by their cases and what those cover, by the recorded past, and by what is strange about them.

What `diagnosis` says (never matches, adds nothing, asks what nobody can give) is certain or it is not said.
"""
