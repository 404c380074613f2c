"""Making the course: from the text that authors write to the notebooks that learners open.

Learners never import this: their environment has none of the tools that it needs.
"""
