"""Somebody else's code beside a definition: called in a child process, compared in this one."""
