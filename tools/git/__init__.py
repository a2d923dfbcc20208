"""Git, run only inside the sandbox, with everything that a repository could make it execute switched off."""
