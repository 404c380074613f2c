"""Exercises of the tool labs: a module for each lab, which imports the tool only inside."""
